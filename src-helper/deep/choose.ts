import type { DeepOptions } from "../engine/contract.ts";
import { Segments } from "./segments.ts";
import type { Space, SpaceExtent } from "./space.ts";

/** Bytes of metadata that one more extent item costs: the item, its back reference, and room around both. */
const ITEM_BYTES = 256;

/** Which extents go, and what stays of which content. */
export interface Choice {
  readonly victims: readonly SpaceExtent[];
  readonly segments: Segments;
}

/** The ways in which files end inside of an extent: block of it and bytes in that block, as "block:bytes". */
export function tailsOf(extent: SpaceExtent): ReadonlySet<string> {
  const tails = extent.references.filter(({ tail }) => tail > 0);
  return new Set(tails.map(({ offset, length, tail }) => `${offset + length - 1}:${tail}`));
}

/** What freeing an extent would take. */
interface Price {
  /** Bytes to be written anew, as far as can be told. */
  readonly rewriteBytes: number;
}

/**
 * Chooses the extents that go: those first of which least is to be written
 * anew. One that holds the last copy of what an earlier choice counts on stays.
 */
export function chooseVictims(space: Space, options: DeepOptions): Choice {
  const segments = new Segments(space.extents);
  const own = new Int32Array(segments.size);
  const price = (extent: SpaceExtent): Price | null => priceOf(extent, space, options, segments, own);
  const candidates: Candidate[] = [];
  for (const extent of space.extents) {
    const first = extent.pinned ? null : price(extent);
    if (first !== null) candidates.push({ extent, rewriteBytes: first.rewriteBytes });
  }
  const victims: SpaceExtent[] = [];
  for (const { extent } of inOrder(candidates)) {
    if (price(extent) === null) continue;
    victims.push(extent);
    segments.remove(extent);
    for (const occurrence of extent.occurrences) {
      const { first, end } = segments.of(occurrence);
      for (let k = first; k < end; k++) if ((segments.copies[k] ?? 0) > 0) segments.needed[k] = 1;
    }
  }
  victims.sort((a, b) => a.bytenr - b.bytenr);
  return { victims, segments };
}

interface Candidate {
  readonly extent: SpaceExtent;
  readonly rewriteBytes: number;
}

/** Shares of an extent to be written anew that count as alike. */
const CLASSES = [0.1, 0.3];

/**
 * Cheap ones first; of those that are about as cheap, those of one file
 * together. Two files in common that are cut into extents at different places
 * would else each lose every other extent, and with the last copies of what
 * they lost keep each other's rest.
 */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const files = new Map<number, { rewritten: number; bytes: number }>();
  for (const { extent, rewriteBytes } of candidates) {
    const sums = files.get(fileOf(extent)) ?? { rewritten: 0, bytes: 0 };
    sums.rewritten += rewriteBytes;
    sums.bytes += extent.diskBytes;
    files.set(fileOf(extent), sums);
  }
  const keyed = candidates.map((candidate) => {
    const { extent, rewriteBytes } = candidate;
    const file = fileOf(extent);
    const { rewritten = 0, bytes = 1 } = files.get(file) ?? {};
    const share = rewriteBytes / extent.diskBytes;
    const kind = CLASSES.filter((limit) => share > limit).length;
    return { candidate, kind, ofFile: Math.floor((10 * rewritten) / bytes), file, share };
  });
  // of equal ones the later file goes, so that the oldest stays
  keyed.sort(
    (a, b) =>
      a.kind - b.kind ||
      a.ofFile - b.ofFile ||
      b.file - a.file ||
      a.share - b.share ||
      b.candidate.extent.bytenr - a.candidate.extent.bytenr,
  );
  return keyed.map(({ candidate }) => candidate);
}

function fileOf(extent: SpaceExtent): number {
  return extent.references[0]?.file ?? -1;
}

function priceOf(
  extent: SpaceExtent,
  space: Space,
  { maxRewrite }: DeepOptions,
  segments: Segments,
  own: Int32Array,
): Price | null {
  for (const occurrence of extent.occurrences) {
    const { first, end } = segments.of(occurrence);
    for (let k = first; k < end; k++) own[k] = (own[k] ?? 0) + 1;
  }
  let rewrite = extent.whole.reduce((sum, { start, end }) => sum + (end - start), 0);
  let items = extent.references.length;
  let possible = true;
  for (const occurrence of extent.occurrences) {
    const { first, end } = segments.of(occurrence);
    items++;
    for (let k = first; k < end; k++) {
      const elsewhere = (segments.copies[k] ?? 0) - Math.abs(own[k] ?? 0);
      if (elsewhere > 0) rewrite -= segments.length(k);
      else if (segments.needed[k] === 1) possible = false;
      else if ((own[k] ?? 0) > 0)
        own[k] = -(own[k] ?? 0); // its own copies are written once: this is the one
      else rewrite -= segments.length(k);
    }
  }
  for (const occurrence of extent.occurrences) {
    const { first, end } = segments.of(occurrence);
    own.fill(0, first, end);
  }
  const tails = tailsOf(extent).size;
  // the copy ends where the file ends, so it can end in one way only
  if (!possible || tails > 1) return null;
  rewrite += tails;
  const { sectorSize } = space;
  const rewriteBytes = Math.ceil((rewrite * extent.diskBytes) / sectorSize / extent.length) * sectorSize;
  const gain = extent.diskBytes - rewriteBytes;
  return rewriteBytes > maxRewrite * extent.diskBytes || gain < items * ITEM_BYTES ? null : { rewriteBytes };
}
