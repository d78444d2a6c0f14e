import type { RangeSum } from "../../rpc/protocol.ts";
import type { RangeList } from "./range-list.ts";

/** What the ticked rows come to. */
export interface TickedRanges extends Omit<RangeSum, "state"> {
  /** Bytes that are compared. */
  readonly foldBytes: number;
}

export const NO_RANGES: TickedRanges = {
  total: 0,
  rows: 0,
  files: 0,
  predictedBytes: 0,
  rewrittenBytes: 0,
  foldBytes: 0,
};

/**
 * What of the ranges is ticked. The list is another one whenever other whole
 * files are ticked, so what was said is kept by row, by extent and by file. A
 * row that nothing was said of is ticked, unless none of those before were.
 */
export class RangeTicks {
  #list: RangeList | null = null;
  /** What was said of rows by id, and of extents by their address. */
  readonly #rows = new Map<string, boolean>();
  readonly #extents = new Map<number, boolean>();
  /** Files that nothing is moved in or shared from: by id. */
  readonly #out = new Set<string>();
  /** Everything was unticked: nothing that comes new is ticked. */
  #none = false;
  /** By row. */
  #ticked = new Uint8Array();
  #sum = NO_RANGES;

  get sum(): TickedRanges {
    return this.#sum;
  }

  /** Takes a new list over. Fills list.files.ticked. */
  adopt(list: RangeList): void {
    const before = this.#list;
    const fresh = !this.#none && (before === null || before.rows.length === 0 || this.#sum.rows > 0);
    this.#list = list;
    this.#ticked = Uint8Array.from(list.rows, ({ id, victims }) => {
      const said = victims.map(({ bytenr }) => this.#extents.get(bytenr)).filter((one) => one !== undefined);
      const row = this.#rows.get(id);
      const ticked = row === false || said.includes(false) ? false : (row ?? (said.length > 0 || fresh));
      return ticked ? 1 : 0;
    });
    list.rows.forEach((_, row) => {
      this.#say(row, this.#ticked[row] === 1);
    });
    this.#count();
  }

  /** Whether the row is folded. */
  isChosen(row: number): boolean {
    return this.tickOf(row) === "all";
  }

  /** "some": some of its files are ticked, which is not enough to move anything. */
  tickOf(row: number): "all" | "some" | "none" {
    const list = this.#list;
    const range = list?.rows[row];
    if (list === null || range === undefined) return "none";
    let ticked = 0;
    for (let at = range.first; at < range.end; at++) ticked += list.files.ticked[at] ?? 0;
    return ticked === 0 ? "none" : ticked === range.end - range.first ? "all" : "some";
  }

  /** Everything was ticked or unticked, whatever the list comes to have. */
  tickAll(ticked: boolean): void {
    this.#none = !ticked;
    this.tickRows(this.#list?.rows.keys() ?? [], ticked);
  }

  /** Ticks or unticks rows, and with a tick every file of them. */
  tickRows(rows: Iterable<number>, ticked: boolean): void {
    const list = this.#list;
    if (list === null) return;
    for (const row of rows) {
      const range = list.rows[row];
      if (range === undefined) continue;
      this.#say(row, ticked);
      if (!ticked) continue;
      for (let at = range.first; at < range.end; at++) this.#out.delete(list.files.id(at));
    }
    this.#count();
  }

  /**
   * Ticks or unticks files, in every row: rows of list.files. An unticked one
   * takes out all that would be moved in it or shared from it.
   */
  tickFiles(files: Iterable<number>, ticked: boolean): void {
    const list = this.#list;
    if (list === null) return;
    for (const at of files) {
      if (!ticked) {
        this.#out.add(list.files.id(at));
        continue;
      }
      this.#out.delete(list.files.id(at));
      this.#say(list.files.group[at] ?? 0, true);
    }
    this.#count();
  }

  #say(row: number, ticked: boolean): void {
    const range = this.#list?.rows[row];
    if (range === undefined) return;
    this.#ticked[row] = ticked ? 1 : 0;
    this.#rows.set(range.id, ticked);
    for (const { bytenr } of range.victims) this.#extents.set(bytenr, ticked);
  }

  #count(): void {
    const list = this.#list;
    if (list === null) return;
    const { files } = list;
    for (let at = 0; at < files.count; at++) {
      const row = files.group[at] ?? 0;
      files.ticked[at] = this.#ticked[row] === 1 && !this.#out.has(files.id(at)) ? 1 : 0;
    }
    const changed = new Set<number>();
    const sum = { total: list.rows.length, rows: 0, predictedBytes: 0, rewrittenBytes: 0, foldBytes: 0 };
    list.rows.forEach(({ first, end, bytes, rewrittenBytes, foldBytes }, row) => {
      if (!this.isChosen(row)) return;
      sum.rows++;
      sum.predictedBytes += bytes;
      sum.rewrittenBytes += rewrittenBytes;
      sum.foldBytes += foldBytes;
      for (let at = first; at < end; at++) if (files.moves[at] === 1) changed.add(list.fileOf[at] ?? 0);
    });
    this.#sum = { ...sum, files: changed.size };
  }
}
