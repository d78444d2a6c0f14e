import { KIND, type Extent } from "../btrfs/extents.ts";
import type { IndexStore } from "../store/index-store.ts";
import { KIND_FILE } from "../store/index-store.ts";
import { DeepFiles } from "./files.ts";
import { indexedFiles, type IndexedFile, type Placed, type SubvolumeInode } from "./index-files.ts";
import { NumberSet, type NumberTable } from "./number-table.ts";
import { equalBlocks, firstRunAfter, Wholes } from "./occurrences.ts";
import type { Places } from "./places.ts";
import type { FoundRuns, Runs } from "./runs.ts";
import type { IsMovable, IsSource, Space } from "./space.ts";
import { baseOf, SpaceBuilder } from "./space-builder.ts";
import type { Turns } from "./turns.ts";

/** Which extents have a part in some run. */
class Candidates {
  readonly #equal: Runs;
  readonly #compressed: NumberSet;
  readonly #places: Places;

  /** @param twins of FoundRuns */
  constructor(equal: Runs, twins: NumberTable, places: Places) {
    this.#equal = equal;
    this.#compressed = new NumberSet();
    for (const [extent, other] of twins.entries()) {
      this.#compressed.add(extent);
      this.#compressed.add(other);
    }
    this.#places = places;
  }

  has(row: SubvolumeInode, piece: Extent): boolean {
    if (piece.kind === KIND.inline) return false;
    const { sectorSize } = this.#places;
    const base = baseOf(this.#places, row, piece);
    if (base === null) return this.#compressed.has(piece.bytenr / sectorSize);
    const start = this.#equal.start[firstRunAfter(this.#equal, base)];
    return start !== undefined && start < base + piece.ramBytes / sectorSize;
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
  { runs, twins }: FoundRuns,
  check: () => void,
  turns: Turns,
): Promise<Space[]> {
  const { store, places, placed, apart, readOnlySubvolumes } = source;
  if (runs.start.length === 0 && twins.count === 0) return [];
  const { sectorSize } = places;
  const equal = await equalBlocks(runs, turns);
  const candidates = new Candidates(equal, twins, places);
  const wholes = new Wholes();
  const builders = new Map<number, SpaceBuilder>();
  const files = new DeepFiles(readOnlySubvolumes);
  const add = ({ row, layout, extents }: IndexedFile): void => {
    const pieces = extents().filter((piece) => candidates.has(row, piece));
    if (pieces.length === 0) return;
    const isSource = row.kind === KIND_FILE && places.takes(row) && source.isSource(row);
    const stays = !isSource || !source.isMovable(row);
    const file = files.length;
    files.add(row, layout);
    const group = apart ? row.subvol : 0;
    const builder = builders.get(group) ?? new SpaceBuilder(places, wholes);
    builders.set(group, builder);
    const sectors = Math.ceil(row.size / sectorSize);
    for (const piece of pieces) {
      const extent = builder.extent(row, piece);
      const at = piece.fileOffset / sectorSize;
      const length = piece.length / sectorSize;
      // what lies behind the end of a file cannot be moved
      if (stays || piece.kind === KIND.prealloc || at + length > sectors) builder.pin(extent);
      if (!isSource || piece.kind === KIND.prealloc || at >= sectors) continue;
      const used = Math.min(length, sectors - at);
      const tail = at + used === sectors ? row.size % sectorSize : 0;
      builder.refer(extent, { file, at, offset: piece.offset / sectorSize, length: used, tail });
    }
  };
  for await (const indexed of indexedFiles(store, sectorSize, placed, check)) {
    for (const file of indexed) add(file);
  }
  pinShared([...builders.values()]);
  const spaces: Space[] = [];
  for (const [group, builder] of builders) {
    spaces.push(await builder.space(files, equal, twins, turns));
    builders.delete(group);
  }
  return spaces;
}

/** What several subvolumes hold none of them can let go. */
function pinShared(builders: readonly SpaceBuilder[]): void {
  if (builders.length < 2) return;
  const [held, shared] = [new NumberSet(), new NumberSet()];
  for (const builder of builders) {
    for (const bytenr of builder.addresses()) if (!held.add(bytenr)) shared.add(bytenr);
  }
  for (const builder of builders) builder.pinAll(shared);
}
