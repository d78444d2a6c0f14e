import { INODE } from "../btrfs/constants.ts";
import { KIND, type Extent } from "../btrfs/extents.ts";
import type { IndexStore } from "../store/index-store.ts";
import { KIND_FILE } from "../store/index-store.ts";
import { indexedFiles, type IndexedFile, type Placed, type SubvolumeInode } from "./index-files.ts";
import { addOccurrences, Wholes } from "./occurrences.ts";
import type { Places } from "./places.ts";
import type { FoundRuns } from "./runs.ts";
import type { IsMovable, IsSource, Space, SpaceExtent } from "./space.ts";
import { fitted, withOneMore } from "./short-lists.ts";
import { sortInTurns } from "./sort.ts";
import { firstEndingAfter, union, unionInTurns, type Span } from "./spans.ts";
import type { Turns } from "./turns.ts";
import { UNSUMMED, type DeepFile } from "./types.ts";

/** Which extents have a part in some run. */
class Candidates {
  readonly #spans: Span[];
  readonly #compressed: Set<number>;
  readonly #places: Places;

  private constructor(spans: Span[], compressed: Set<number>, places: Places) {
    this.#spans = spans;
    this.#compressed = compressed;
    this.#places = places;
  }

  /** @throws what turns throw */
  static async of({ runs, twins }: FoundRuns, places: Places, turns: Turns): Promise<Candidates> {
    const all: Span[] = [];
    for (const { start, length, canon } of runs) {
      all.push({ start, end: start + length }, { start: canon, end: canon + length });
      if (all.length % 1024 === 0 && turns.over) await turns.next();
    }
    const compressed = new Set<number>();
    for (const [extent, other] of twins) {
      compressed.add(extent).add(other);
      if (compressed.size % 1024 === 0 && turns.over) await turns.next();
    }
    return new Candidates(await unionInTurns(all, turns), compressed, places);
  }

  has(row: SubvolumeInode, piece: Extent): boolean {
    if (piece.kind === KIND.inline) return false;
    const { sectorSize } = this.#places;
    const base = baseOf(this.#places, row, piece);
    if (base === null) return this.#compressed.has(piece.bytenr / sectorSize);
    const span = this.#spans[firstEndingAfter(this.#spans, base)];
    return span !== undefined && span.start < base + piece.ramBytes / sectorSize;
  }
}

/** Where an extent stands among all blocks, also one that is preallocated in part; null where it is compared whole. */
function baseOf(places: Places, row: SubvolumeInode, piece: Extent): number | null {
  return places.baseOf(row, piece.kind === KIND.prealloc ? { ...piece, kind: KIND.plain } : piece);
}

/** The extents of a volume, or of one subvolume. */
class SpaceBuilder {
  readonly extents = new Map<number, SpaceExtent>();
  readonly #places: Places;
  readonly #wholes: Wholes;

  constructor(places: Places, wholes: Wholes) {
    this.#places = places;
    this.#wholes = wholes;
  }

  extent(row: SubvolumeInode, piece: Extent): SpaceExtent {
    let extent = this.extents.get(piece.bytenr);
    if (extent === undefined) {
      const { sectorSize } = this.#places;
      const length = piece.ramBytes / sectorSize;
      const base = baseOf(this.#places, row, piece);
      const unsummed = (row.flags & INODE.nodatasum) !== 0;
      extent = {
        bytenr: piece.bytenr,
        diskBytes: piece.diskBytes,
        kind: piece.kind >= KIND.zlib ? piece.kind : unsummed ? UNSUMMED : KIND.plain,
        length,
        base: base ?? this.#wholes.baseOf(piece.bytenr / sectorSize, length),
        compared: base === null ? "whole" : "blocks",
        references: [],
        whole: [],
        occurrences: [],
        pinned: false,
      };
      this.extents.set(piece.bytenr, extent);
    }
    return extent;
  }

  async space(files: readonly DeepFile[], found: FoundRuns, turns: Turns): Promise<Space> {
    const { sectorSize } = this.#places;
    const sorted = await sortInTurns([...this.extents.values()], (a, b) => a.bytenr - b.bytenr, turns);
    for (const extent of sorted) {
      const spans = extent.references
        .map(({ offset, length, tail }) => ({ start: offset, end: offset + length - (tail > 0 ? 1 : 0) }))
        .filter(({ start, end }) => end > start);
      extent.whole = spans.length < 2 ? spans : fitted(union(spans));
      extent.references = fitted(extent.references);
      if (turns.over) await turns.next();
    }
    await addOccurrences(sorted, found, this.#wholes, sectorSize, turns);
    return { files, extents: sorted.filter((extent) => extent.occurrences.length > 0), sectorSize };
  }
}

/** What a space is made from, beside what the search found. */
export interface SpaceSource {
  readonly store: IndexStore;
  readonly places: Places;
  readonly placed: Placed;
  readonly isMovable: IsMovable;
  readonly isSource: IsSource;
  readonly readOnlySubvolumes: ReadonlySet<number>;
  /** true: nothing is shared between subvolumes, and an extent that two of them hold stays. */
  readonly apart: boolean;
}

/**
 * Reads the index once more for every file that refers to an extent with
 * something in common, and puts runs and references together.
 * @returns one space, or one for each subvolume; they have their files in common
 * @throws what check and turns throw
 */
export async function buildSpaces(
  source: SpaceSource,
  found: FoundRuns,
  check: () => void,
  turns: Turns,
): Promise<Space[]> {
  const { store, places, placed, apart, readOnlySubvolumes } = source;
  if (found.runs.length === 0 && found.twins.size === 0) return [];
  const { sectorSize } = places;
  const candidates = await Candidates.of(found, places, turns);
  const wholes = new Wholes();
  const builders = new Map<number, SpaceBuilder>();
  const files: DeepFile[] = [];
  const add = ({ row, layout, extents }: IndexedFile): void => {
    const pieces = extents().filter((piece) => candidates.has(row, piece));
    if (pieces.length === 0) return;
    const isSource = row.kind === KIND_FILE && places.takes(row) && source.isSource(row);
    const stays = !isSource || !source.isMovable(row);
    const file = files.length;
    files.push(fileOf(row, layout, readOnlySubvolumes));
    const group = apart ? row.subvol : 0;
    const builder = builders.get(group) ?? new SpaceBuilder(places, wholes);
    builders.set(group, builder);
    const sectors = Math.ceil(row.size / sectorSize);
    for (const piece of pieces) {
      const extent = builder.extent(row, piece);
      const at = piece.fileOffset / sectorSize;
      const length = piece.length / sectorSize;
      // what lies behind the end of a file cannot be moved
      if (stays || piece.kind === KIND.prealloc || at + length > sectors) extent.pinned = true;
      if (!isSource || piece.kind === KIND.prealloc || at >= sectors) continue;
      const used = Math.min(length, sectors - at);
      const tail = at + used === sectors ? row.size % sectorSize : 0;
      const offset = piece.offset / sectorSize;
      extent.references = withOneMore(extent.references, { file, at, offset, length: used, tail });
    }
  };
  for await (const indexed of indexedFiles(store, sectorSize, placed, check)) {
    for (const file of indexed) add(file);
  }
  pinShared([...builders.values()]);
  const spaces: Space[] = [];
  for (const builder of builders.values()) spaces.push(await builder.space(files, found, turns));
  return spaces;
}

/** What several subvolumes hold none of them can let go. */
function pinShared(builders: readonly SpaceBuilder[]): void {
  const holders = new Map<number, SpaceExtent>();
  if (builders.length < 2) return;
  for (const { extents } of builders) {
    for (const extent of extents.values()) {
      const other = holders.get(extent.bytenr);
      if (other === undefined) holders.set(extent.bytenr, extent);
      else other.pinned = extent.pinned = true;
    }
  }
}

function fileOf(row: SubvolumeInode, layout: number, readOnlySubvolumes: ReadonlySet<number>): DeepFile {
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
