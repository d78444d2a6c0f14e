import type { FileColumns, GroupColumns } from "./columns.ts";
import type { Footprints } from "./footprints.ts";
import { Moves } from "./moves.ts";
import type { Planner } from "./planner.ts";
import { NOTHING, type Tally, type Yield } from "./tally.ts";

/** Measures what folding some files of a group gives back: from footprints, wherever those say it. */
export class Measure {
  readonly #files: FileColumns;
  readonly #footprints: Footprints;
  readonly #planner: Planner;
  readonly #tally: Tally;
  readonly moves: Moves;
  /** By number of an extent: references that go, in the group at hand. */
  #released = new Float64Array(1024);
  /** By number of an extent: the group at hand, where a source of it holds the extent. */
  #sources = new Int32Array(1024).fill(-1);
  #met = new Int32Array(1024);

  constructor(
    groups: GroupColumns,
    files: FileColumns,
    footprints: Footprints,
    planner: Planner,
    tally: Tally,
  ) {
    this.#files = files;
    this.#footprints = footprints;
    this.#planner = planner;
    this.#tally = tally;
    this.moves = new Moves(groups, files, planner.snapshots);
  }

  /** What folding those files of a group comes to that `takes` says yes to. `moves` is of them then. */
  of(group: number, takes: (row: number) => boolean): Yield {
    const { moves } = this;
    moves.of(group, takes);
    if (moves.toFold === 0) return NOTHING;
    this.#room();
    const one = this.#mark(group, moves.source);
    const other = this.#mark(group, moves.sourceNocow);
    const value = this.#add(group, one || other);
    this.#unmark(moves.source);
    this.#unmark(moves.sourceNocow);
    if (value !== null) return value;
    // a file that moves shares some of its data with what it is folded onto: only its extents say which
    return this.#tally.measure(moves.toFold, this.#planner.releases(this.#planner.plan(group, takes)));
  }

  #room(): void {
    const { count } = this.#footprints.extents;
    if (count <= this.#released.length) return;
    this.#released = new Float64Array(2 * count);
    this.#sources = new Int32Array(2 * count).fill(-1);
    this.#met = new Int32Array(2 * count);
  }

  /** @returns whether the source has extents that others may have */
  #mark(group: number, source: number): boolean {
    if (source < 0) return false;
    const footprint = this.#files.footprint[source] ?? 0;
    const { pairs } = this.#footprints;
    const [start, end] = [this.#footprints.start(footprint), this.#footprints.end(footprint)];
    for (let at = start; at < end; at += 2) this.#sources[pairs[at] ?? 0] = group;
    return end > start;
  }

  #unmark(source: number): void {
    if (source < 0) return;
    const footprint = this.#files.footprint[source] ?? 0;
    const { pairs } = this.#footprints;
    const end = this.#footprints.end(footprint);
    for (let at = this.#footprints.start(footprint); at < end; at += 2) this.#sources[pairs[at] ?? 0] = -1;
  }

  /** @returns null where a file that moves has an extent in common with a source */
  #add(group: number, marked: boolean): Yield | null {
    const { rows, count, toFold } = this.moves;
    const { footprint: of, copies, sharing } = this.#files;
    const footprints = this.#footprints;
    const { pairs } = footprints;
    const [released, met, sources] = [this.#released, this.#met, this.#sources];
    let [alone, extents, common] = [0, 0, false];
    for (let k = 0; k < count && !common; k++) {
      const row = rows[k] ?? 0;
      const footprint = of[row] ?? 0;
      alone += footprints.alone(footprint);
      const end = footprints.end(footprint);
      const share = (copies[row] ?? 1) / (sharing[row] ?? 1);
      for (let at = footprints.start(footprint); at < end; at += 2) {
        const number = pairs[at] ?? 0;
        if (marked && sources[number] === group) common = true;
        const references = (pairs[at + 1] ?? 0) * share;
        if (references === 0) continue;
        const before = released[number] ?? 0;
        if (before === 0) met[extents++] = number;
        released[number] = before + references;
      }
    }
    const value = common ? null : this.#tally.take(toFold, alone, met.subarray(0, extents), released);
    for (let k = 0; k < extents; k++) released[met[k] ?? 0] = 0;
    return value;
  }
}
