import type { Sum } from "../../rpc/protocol.ts";
import { FILE, momentOf, type FileColumns, type GroupColumns } from "./columns.ts";
import type { Footprints } from "./footprints.ts";
import { Measure } from "./measure.ts";
import type { Planner, ReviewPlan } from "./planner.ts";
import type { Slices } from "./slices.ts";
import { NOTHING, Tally, Yields, type Yield } from "./tally.ts";

/**
 * What of a review is left out and what is ticked, and what folding the rest
 * gives back. Three answers a group: `#base`, of all its files; `whole`, of
 * those that no glob leaves out; and the tally's, of those that are ticked too.
 */
export class Choice {
  readonly #groups: GroupColumns;
  readonly #files: FileColumns;
  readonly #planner: Planner;
  readonly #base: Yields;
  /** What folding everything of a group that is not left out comes to. */
  readonly whole: Yields;
  readonly tally: Tally;
  readonly #measure: Measure;
  readonly #isChosen: (row: number) => boolean;
  /** Files of each group that are not left out; those of them that are ticked; those in read-only snapshots. */
  readonly present: Int32Array;
  readonly ticked: Int32Array;
  readonly snapshots: Int32Array;
  /** Latest change of its files: milliseconds since the epoch. */
  readonly modified: Float64Array;
  /** Rises with every change. */
  revision = 0;
  /** Rises with every change of what is left out. */
  epoch = 0;

  private constructor(groups: GroupColumns, files: FileColumns, planner: Planner, footprints: Footprints) {
    this.#groups = groups;
    this.#files = files;
    this.#planner = planner;
    this.#base = new Yields(groups.count);
    this.whole = new Yields(groups.count);
    this.tally = new Tally(groups.size, footprints.extents, [this.#base, this.whole]);
    this.#measure = new Measure(groups, files, footprints, planner, this.tally);
    // a tick on a folder asks it of every second file
    const { ticked, excluded } = files;
    this.#isChosen = (row) => ticked[row] === 1 && excluded[row] === 0;
    this.present = new Int32Array(groups.count);
    this.ticked = new Int32Array(groups.count);
    this.snapshots = new Int32Array(groups.count);
    this.modified = new Float64Array(groups.count);
  }

  /** All is ticked and nothing left out. Runs in slices. */
  static async ofAll(
    groups: GroupColumns,
    files: FileColumns,
    planner: Planner,
    footprints: Footprints,
    slices: Slices,
  ): Promise<Choice> {
    const choice = new Choice(groups, files, planner, footprints);
    for (let group = 0; group < groups.count; group++) {
      choice.#count(group);
      choice.#base.set(group, choice.#measureAll(group));
      choice.whole.set(group, choice.#base.get(group));
      choice.tally.set(group, choice.#base.get(group));
      if (group % 16 === 0 && slices.over) await slices.next();
    }
    return choice;
  }

  /** Whether folding it moves anything: other groups are not shown. */
  isShown(group: number): boolean {
    return (this.whole.toFold[group] ?? 0) > 0;
  }

  /** Groups that are shown, and the files of them that are not left out. */
  counts(): { groups: number; files: number } {
    let groups = 0;
    let files = 0;
    for (let group = 0; group < this.#groups.count; group++) {
      if (!this.isShown(group)) continue;
      groups++;
      files += this.present[group] ?? 0;
    }
    return { groups, files };
  }

  sum(): Sum {
    const { groups, files, foldBytes, predictedBytes, pinnedBytes } = this.tally;
    return { revision: this.revision, groups, files, foldBytes, predictedBytes, pinnedBytes };
  }

  tickOf(group: number): "all" | "some" | "none" {
    const ticked = this.ticked[group] ?? 0;
    return ticked === 0 ? "none" : ticked === this.present[group] ? "all" : "some";
  }

  /** Ticks or unticks files: rows of FileColumns. @returns whether that changed anything */
  async tick(rows: Int32Array, ticked: boolean, slices: Slices): Promise<boolean> {
    const value = ticked ? 1 : 0;
    const { ticked: column, excluded, group: groupOf, copies } = this.#files;
    const changed = new Set<number>();
    let last = -1;
    for (const row of rows) {
      if (column[row] === value || excluded[row] === 1) continue;
      column[row] = value;
      const group = groupOf[row] ?? 0;
      const files = copies[row] ?? 1;
      this.ticked[group] = (this.ticked[group] ?? 0) + (ticked ? files : -files);
      // those of a group are neighbours
      if (group !== last) changed.add(group);
      last = group;
    }
    this.revision++;
    await this.#retally(changed, slices);
    return changed.size > 0;
  }

  /** Leaves out the files that `matches` says yes to, and no others. */
  async exclude(matches: (row: number) => boolean, slices: Slices): Promise<void> {
    const { excluded, group: groupOf, count } = this.#files;
    const changed = new Set<number>();
    const before = Uint8Array.from(excluded);
    for (let row = 0; row < count; row++) {
      if (row % 256 === 0 && slices.over) await slices.next();
      const value = matches(row) ? 1 : 0;
      if (before[row] === value) continue;
      excluded[row] = value;
      changed.add(groupOf[row] ?? 0);
    }
    this.revision++;
    this.epoch++;
    for (const group of changed) {
      this.#count(group);
      this.whole.set(group, this.#measurePresent(group));
      if (slices.over) await slices.next();
    }
    await this.#retally(changed, slices);
  }

  /** The plans of what is ticked in a group. */
  plans(group: number): ReviewPlan[] {
    return this.#planner.plan(group, this.#isChosen);
  }

  /** Groups of which something is ticked to fold. */
  *chosen(): Generator<number> {
    // from the largest files to the smallest, as every fold
    for (let group = this.#groups.count - 1; group >= 0; group--) {
      if (this.tally.toFold(group) > 0) yield group;
    }
  }

  async #retally(groups: ReadonlySet<number>, slices: Slices): Promise<void> {
    for (const group of groups) {
      this.tally.set(group, this.#measureTicked(group));
      if (slices.over) await slices.next();
    }
    this.tally.tidy();
  }

  #measureTicked(group: number): Yield {
    switch (this.tickOf(group)) {
      case "none":
        return NOTHING;
      case "all":
        return this.whole.get(group);
      case "some":
        return this.#measure.of(group, this.#isChosen);
    }
  }

  /** Of the files that are not left out; marks those that move. */
  #measurePresent(group: number): Yield {
    const value = this.#measure.of(group, (row) => this.#files.excluded[row] === 0);
    this.#mark(group);
    return this.present[group] === this.#groups.files[group] ? this.#base.get(group) : value;
  }

  /** Of all files, before anything is left out. */
  #measureAll(group: number): Yield {
    const value = this.#measure.of(group, () => true);
    this.#mark(group);
    return value;
  }

  /** Marks the files that move of those that were measured last. */
  #mark(group: number): void {
    const { rows, count } = this.#measure.moves;
    this.#files.moves.fill(0, this.#groups.first[group], this.#groups.first[group + 1]);
    for (let k = 0; k < count; k++) this.#files.moves[rows[k] ?? 0] = 1;
  }

  #count(group: number): void {
    const { excluded, ticked, mtime, kind, copies } = this.#files;
    let [present, some, readOnly, modified] = [0, 0, 0, 0];
    const end = this.#groups.first[group + 1] ?? 0;
    for (let row = this.#groups.first[group] ?? 0; row < end; row++) {
      if (excluded[row] === 1) continue;
      const files = copies[row] ?? 1;
      present += files;
      if (ticked[row] === 1) some += files;
      if (((kind[row] ?? 0) & FILE.readOnly) !== 0) readOnly += files;
      modified = Math.max(modified, momentOf(mtime[row] ?? 0));
    }
    this.present[group] = present;
    this.ticked[group] = some;
    this.snapshots[group] = readOnly;
    this.modified[group] = modified;
  }
}
