import type { RangeSum } from "../../rpc/protocol.ts";
import type { Turns } from "../../deep/turns.ts";
import type { RangeList, RangeRow } from "./range-list.ts";
import { TickedList } from "./ticked-list.ts";

/** What the ticked rows come to. */
export interface TickedRanges extends Omit<RangeSum, "state"> {
  /** Bytes that are compared. */
  readonly foldBytes: number;
  /** Bytes of extents that whole files let go of in part, and that go by these. */
  readonly pinnedBytes: number;
}

export const NO_RANGES: TickedRanges = {
  total: 0,
  rows: 0,
  files: 0,
  predictedBytes: 0,
  rewrittenBytes: 0,
  foldBytes: 0,
  pinnedBytes: 0,
};

/**
 * What of the ranges is ticked. The list is another one whenever other whole
 * files are ticked, so what was said is kept by row, by extent and by file. A
 * row that nothing was said of is ticked, unless none of those before were.
 */
export class RangeTicks {
  #now: TickedList | null = null;
  /** What was said of rows by id, and of extents by their address. */
  readonly #rows = new Map<string, boolean>();
  readonly #extents = new Map<number, boolean>();
  /** Files that nothing is moved in or shared from: by id. */
  readonly #out = new Set<string>();
  /** Everything was unticked: nothing that comes new is ticked. */
  #none = false;

  /**
   * Of another review of the volume: what was said of rows and of files. Where extents lie now is not known, and
   * others may lie where they lay.
   */
  static after(before: RangeTicks | null): RangeTicks {
    const ticks = new RangeTicks();
    if (before === null) return ticks;
    for (const [row, ticked] of before.#rows) ticks.#rows.set(row, ticked);
    for (const file of before.#out) ticks.#out.add(file);
    ticks.#none = before.#none;
    return ticks;
  }

  get sum(): TickedRanges {
    return this.#now?.sum ?? NO_RANGES;
  }

  /**
   * Takes a new list over. Nothing may be ticked meanwhile.
   * @param pinnedAt bytes by the address of an extent: what whole files leave of it
   * @returns makes it the one that holds; until then it is the one of before
   * @throws what turns throw
   */
  async adopt(list: RangeList, pinnedAt: (bytenr: number) => number, turns: Turns): Promise<() => void> {
    const before = this.#now;
    const fresh = !this.#none && (before === null || before.list.rows.length === 0 || before.sum.rows > 0);
    const now = await TickedList.of(
      list,
      (row) => this.#isTicked(list, row, fresh),
      (file) => this.#out.has(file),
      pinnedAt,
      turns,
    );
    for (const [row, range] of list.rows.entries()) {
      this.#note(range, now.isTicked(row));
      if (row % 64 === 0 && turns.over) await turns.next();
    }
    return () => {
      this.#now = now;
    };
  }

  /** Whether a row of a list that is new is ticked. @param fresh what nothing was said of */
  #isTicked(list: RangeList, row: number, fresh: boolean): boolean {
    const range = list.rows[row];
    if (range === undefined) return false;
    const said = this.#rows.get(range.id);
    let [no, any] = [said === false, said !== undefined];
    for (const { bytenr } of range.victims) {
      const one = this.#extents.get(bytenr);
      no ||= one === false;
      any ||= one !== undefined;
    }
    return no ? false : any || fresh;
  }

  /** Whether the row is folded. */
  isChosen(row: number): boolean {
    return this.tickOf(row) === "all";
  }

  /** "some": some of its files are ticked, which is not enough to move anything. */
  tickOf(row: number): "all" | "some" | "none" {
    return this.#now?.tickOf(row) ?? "none";
  }

  /** Everything was ticked or unticked, whatever the list comes to have. */
  tickAll(ticked: boolean): void {
    this.#none = !ticked;
    this.tickRows(this.#now?.list.rows.keys() ?? [], ticked);
  }

  /** Ticks or unticks rows, and with a tick every file of them. */
  tickRows(rows: Iterable<number>, ticked: boolean): void {
    const now = this.#now;
    if (now === null) return;
    const { list } = now;
    for (const row of rows) {
      const range = list.rows[row];
      if (range === undefined) continue;
      this.#say(now, row, ticked);
      if (!ticked || this.#out.size === 0) continue;
      for (let at = range.first; at < range.end; at++) this.#takeOut(now, at, false);
    }
  }

  /**
   * Ticks or unticks files, in every row: rows of list.files. An unticked one
   * takes out all that would be moved in it or shared from it.
   */
  tickFiles(files: Iterable<number>, ticked: boolean): void {
    const now = this.#now;
    if (now === null) return;
    for (const at of files) {
      this.#takeOut(now, at, !ticked);
      if (ticked) this.#say(now, now.list.files.group[at] ?? 0, true);
    }
  }

  #takeOut(now: TickedList, at: number, out: boolean): void {
    const id = now.list.files.id(at);
    if (out) this.#out.add(id);
    else this.#out.delete(id);
    now.takeOut(at, out);
  }

  #say(now: TickedList, row: number, ticked: boolean): void {
    const range = now.list.rows[row];
    if (range === undefined) return;
    now.tickRow(row, ticked);
    this.#note(range, ticked);
  }

  #note({ id, victims }: RangeRow, ticked: boolean): void {
    this.#rows.set(id, ticked);
    for (const { bytenr } of victims) this.#extents.set(bytenr, ticked);
  }
}
