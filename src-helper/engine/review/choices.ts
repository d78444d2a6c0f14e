import type { FileColumns, GroupColumns } from "./columns.ts";
import type { RangeTicks } from "./range-ticks.ts";
import type { Slices } from "./slices.ts";

/**
 * What was ticked in a review, for the next one of the volume: a scan makes a
 * review out of date, and not what somebody said in it. Kept by file, since
 * groups may be others by then, and by group where nothing of it was ticked,
 * since files may come to it. Only files of the rarer state are noted, so that
 * it stays small; what comes new is as most were.
 */
export class Choices {
  /** Of parts of files; null where the review had none. */
  readonly ranges: RangeTicks | null;
  /** By subvolume and inode: the generation. Those that are not `mostly`. */
  readonly #noted = new Map<number, Map<number, number>>();
  /** Ids of groups of which nothing was ticked, where most is. */
  readonly #none = new Set<string>();
  readonly #mostly: boolean;

  /** @param groups with the files' rows */
  constructor(groups: GroupColumns, files: FileColumns, ranges: RangeTicks | null) {
    this.ranges = ranges;
    const ticked = files.ticked.reduce((sum, one) => sum + one, 0);
    this.#mostly = ticked * 2 >= files.count;
    for (let group = 0; group < groups.count; group++) {
      const end = groups.first[group + 1] ?? 0;
      let some = false;
      for (let row = groups.first[group] ?? 0; row < end; row++) {
        some ||= files.ticked[row] === 1;
        if ((files.ticked[row] === 1) !== this.#mostly) this.#note(files, row);
      }
      if (this.#mostly && !some) this.#none.add(groups.id(group));
    }
  }

  /** Nothing was unticked of whole files. */
  get all(): boolean {
    return this.#mostly && this.#noted.size === 0;
  }

  /** The rows of another review that are not to be ticked in it. Runs in slices. */
  async unticked(groups: GroupColumns, files: FileColumns, slices: Slices): Promise<Int32Array> {
    const rows: number[] = [];
    for (let group = 0; group < groups.count; group++) {
      const none = this.#none.size > 0 && this.#none.has(groups.id(group));
      const end = groups.first[group + 1] ?? 0;
      for (let row = groups.first[group] ?? 0; row < end; row++) {
        if (none || this.#isNoted(files, row) === this.#mostly) rows.push(row);
      }
      if (group % 64 === 0 && slices.over) await slices.next();
    }
    return Int32Array.from(rows);
  }

  #note(files: FileColumns, row: number): void {
    const subvolume = files.subvolume[row] ?? 0;
    let inodes = this.#noted.get(subvolume);
    if (inodes === undefined) this.#noted.set(subvolume, (inodes = new Map<number, number>()));
    inodes.set(files.inode[row] ?? 0, files.generation[row] ?? 0);
  }

  #isNoted(files: FileColumns, row: number): boolean {
    const inodes = this.#noted.get(files.subvolume[row] ?? 0);
    return inodes?.get(files.inode[row] ?? 0) === (files.generation[row] ?? 0);
  }
}
