import { INODE } from "../btrfs/constants.ts";
import { KIND, type Extent } from "../btrfs/extents.ts";
import type { IndexStore, InodeRow } from "../store/index-store.ts";
import { KIND_FILE } from "../store/index-store.ts";
import { indexedFiles, type Placed } from "./index-files.ts";
import type { FoundRuns, Run } from "./runs.ts";
import type { DeepFile } from "./types.ts";

/** Compressed extents get places of their own, beyond any disk: their blocks are not those on disk. */
const COMPRESSED_BASE = 2 ** 48;

/** [start, end), in sectors. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One extent item of a file that refers to an extent; sectors. */
export interface Reference {
  readonly file: number;
  /** First sector in the file. */
  readonly at: number;
  /** First sector in the extent. */
  readonly offset: number;
  readonly length: number;
  /** Bytes of the file in the last block of the item where the file ends inside of it, else 0. */
  readonly tail: number;
}

/** Blocks of an extent that are equal to those of others; sectors. */
export interface Occurrence {
  readonly extent: SpaceExtent;
  /** First sector in the extent. */
  readonly offset: number;
  readonly length: number;
  readonly canon: number;
}

/** An extent that has something in common with another, or with itself. */
export interface SpaceExtent {
  readonly bytenr: number;
  readonly diskBytes: number;
  readonly kind: number;
  /** Sectors, uncompressed. */
  readonly length: number;
  /** Its first sector among all; of a compressed one a made-up number. */
  readonly base: number;
  readonly references: Reference[];
  /** Whole blocks that files hold: what must live on, and what can be shared with. Ascending. */
  whole: Span[];
  /** Ascending by offset; parts of `whole` only. */
  occurrences: Occurrence[];
  /** It stays: something that cannot be moved refers to it. */
  pinned: boolean;
}

export interface Space {
  readonly files: readonly DeepFile[];
  /** Ascending by bytenr. */
  readonly extents: readonly SpaceExtent[];
  readonly sectorSize: number;
}

/** Whether a file may be changed: by what the index says, and by what was selected. */
export type IsMovable = (row: InodeRow) => boolean;
/** Whether a file may be locked and shared with, though it is not changed. */
export type IsSource = (row: InodeRow) => boolean;

/** Which extents have a part in some run. */
class Candidates {
  readonly #spans: Span[];
  readonly #compressed: Set<number>;

  constructor({ runs, twins }: FoundRuns) {
    const all = runs.flatMap(({ start, length, canon }) => [
      { start, end: start + length },
      { start: canon, end: canon + length },
    ]);
    this.#spans = union(all);
    this.#compressed = new Set([...twins.keys(), ...twins.values()]);
  }

  has({ kind, bytenr, diskBytes }: Extent, sectorSize: number): boolean {
    const start = bytenr / sectorSize;
    if (kind >= KIND.zlib) return this.#compressed.has(start);
    const span = this.#spans[firstEndingAfter(this.#spans, start)];
    return span !== undefined && span.start < start + diskBytes / sectorSize;
  }
}

/** Sorted, and those that overlap or touch made one. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || last.end < span.start) merged.push(span);
    else if (last.end < span.end) merged[merged.length - 1] = { start: last.start, end: span.end };
  }
  return merged;
}

/** The index of the first span that ends after a sector. */
export function firstEndingAfter(spans: readonly Span[], sector: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.end ?? 0) <= sector) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Reads the index once more for every file that refers to an extent with
 * something in common, and puts runs and references together.
 * @throws what check throws
 */
export async function buildSpace(
  store: IndexStore,
  sectorSize: number,
  placed: Placed,
  found: FoundRuns,
  { isMovable, isSource }: { readonly isMovable: IsMovable; readonly isSource: IsSource },
  readOnlySubvolumes: ReadonlySet<number>,
  check: () => void,
): Promise<Space> {
  const candidates = new Candidates(found);
  const files: DeepFile[] = [];
  const extents = new Map<number, SpaceExtent>();
  let compressedEnd = COMPRESSED_BASE;
  for await (const indexed of indexedFiles(store, sectorSize, placed, check)) {
    const { row, layout } = indexed;
    const pieces = indexed
      .extents()
      .filter((piece) => piece.kind !== KIND.inline && candidates.has(piece, sectorSize));
    if (pieces.length === 0) continue;
    const source = row.kind === KIND_FILE && (row.flags & INODE.nodatasum) === 0 && isSource(row);
    const stays = !source || !isMovable(row);
    const file = files.length;
    files.push(fileOf(row, layout, readOnlySubvolumes));
    const sectors = Math.ceil(row.size / sectorSize);
    for (const piece of pieces) {
      let extent = extents.get(piece.bytenr);
      if (extent === undefined) {
        const length = piece.ramBytes / sectorSize;
        const plain = piece.kind < KIND.zlib;
        extent = {
          bytenr: piece.bytenr,
          diskBytes: piece.diskBytes,
          kind: piece.kind === KIND.prealloc ? KIND.plain : piece.kind,
          length,
          base: plain ? piece.bytenr / sectorSize : compressedEnd,
          references: [],
          whole: [],
          occurrences: [],
          pinned: false,
        };
        if (!plain) compressedEnd += length;
        extents.set(piece.bytenr, extent);
      }
      const at = piece.fileOffset / sectorSize;
      const length = piece.length / sectorSize;
      // what lies behind the end of a file cannot be moved
      if (stays || piece.kind === KIND.prealloc || at + length > sectors) extent.pinned = true;
      if (!source || piece.kind === KIND.prealloc || at >= sectors) continue;
      const used = Math.min(length, sectors - at);
      const tail = at + used === sectors ? row.size % sectorSize : 0;
      extent.references.push({ file, at, offset: piece.offset / sectorSize, length: used, tail });
    }
  }
  const sorted = [...extents.values()].sort((a, b) => a.bytenr - b.bytenr);
  for (const extent of sorted) {
    extent.whole = union(
      extent.references
        .map(({ offset, length, tail }) => ({ start: offset, end: offset + length - (tail > 0 ? 1 : 0) }))
        .filter(({ start, end }) => end > start),
    );
  }
  addOccurrences(sorted, found, sectorSize);
  return { files, extents: sorted.filter((extent) => extent.occurrences.length > 0), sectorSize };
}

function fileOf(row: InodeRow, layout: number, readOnlySubvolumes: ReadonlySet<number>): DeepFile {
  return {
    subvolume: row.subvol,
    inode: row.ino,
    generation: row.gen,
    size: row.size,
    flags: row.flags,
    layout,
    traits: row.traits,
    uid: row.uid,
    mtime: row.mtime,
    extents: NO_EXTENTS,
    readOnly: readOnlySubvolumes.has(row.subvol),
  };
}
const NO_EXTENTS = new Uint8Array();

function addOccurrences(
  extents: readonly SpaceExtent[],
  { runs, twins }: FoundRuns,
  sectorSize: number,
): void {
  const roots = union(runs.map(({ canon, length }) => ({ start: canon, end: canon + length })));
  const all: Run[] = [
    ...runs,
    ...roots.map(({ start, end }) => ({ start, length: end - start, canon: start })),
  ].sort((a, b) => a.start - b.start);
  const bySector = new Map(extents.map((extent) => [extent.bytenr / sectorSize, extent]));
  const spans = all.map(({ start, length }) => ({ start, end: start + length }));
  for (const extent of extents) {
    if (extent.kind >= KIND.zlib) {
      const sector = extent.bytenr / sectorSize;
      const root = bySector.get(twins.get(sector) ?? sector);
      if (root !== undefined) clip(extent, { start: extent.base, length: extent.length, canon: root.base });
      continue;
    }
    const end = extent.base + extent.length;
    for (let k = firstEndingAfter(spans, extent.base); k < all.length; k++) {
      const run = all[k];
      if (run === undefined || run.start >= end) break;
      clip(extent, run);
    }
  }
}

/** Adds the parts of a run that lie in whole blocks of an extent. */
function clip(extent: SpaceExtent, run: Run): void {
  const from = run.start - extent.base;
  for (let k = firstEndingAfter(extent.whole, from); k < extent.whole.length; k++) {
    const span = extent.whole[k];
    if (span === undefined || span.start >= from + run.length) break;
    const offset = Math.max(span.start, from);
    const length = Math.min(span.end, from + run.length) - offset;
    extent.occurrences.push({ extent, offset, length, canon: run.canon + (offset - from) });
  }
}
