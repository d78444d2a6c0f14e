import type { Turns } from "../../deep/turns.ts";
import type { RangeList } from "./range-list.ts";
import { NO_RANGES, type TickedRanges } from "./range-ticks.ts";

/** What of one list of ranges is ticked, and what that comes to: kept as ticks change. Fills list.files.ticked. */
export class TickedList {
  readonly list: RangeList;
  /** By row: whether it was ticked as such. */
  readonly #rows: Uint8Array;
  /** By file of the plan: 1 where nothing is moved in it or shared from it. */
  readonly #out: Uint8Array;
  /** By row: ticked files. */
  readonly #tickedFiles: Int32Array;
  /** By file of the plan: chosen rows that change it. */
  readonly #changing: Int32Array;
  /** The rows of list.files that are of file f of the plan: #places[#first[f]] .. #places[#first[f + 1] - 1]. */
  readonly #first: Int32Array;
  readonly #places: Int32Array;
  /** By row: see TickedRanges.pinnedBytes. */
  readonly #pinned: Float64Array;
  #sum: TickedRanges;

  private constructor(list: RangeList) {
    const [rows, files] = [list.rows.length, list.plan.files.length];
    this.list = list;
    this.#rows = new Uint8Array(rows);
    this.#out = new Uint8Array(files);
    this.#tickedFiles = new Int32Array(rows);
    this.#changing = new Int32Array(files);
    this.#first = new Int32Array(files + 1);
    this.#places = new Int32Array(list.files.count);
    this.#pinned = new Float64Array(rows);
    this.#sum = { ...NO_RANGES, total: rows };
  }

  /**
   * @param isTicked whether a row is ticked; called once for each
   * @param isOut whether a file, by its id, is taken out
   * @param pinnedAt bytes by the address of an extent: what whole files leave of it
   * @throws what turns throw
   */
  static async of(
    list: RangeList,
    isTicked: (row: number) => boolean,
    isOut: (file: string) => boolean,
    pinnedAt: (bytenr: number) => number,
    turns: Turns,
  ): Promise<TickedList> {
    const made = new TickedList(list);
    const { files, fileOf, rows } = list;
    const first = made.#first;
    files.ticked.fill(0, 0, files.count);
    for (let at = 0; at < files.count; at++) {
      const file = fileOf[at] ?? 0;
      first[file + 1] = (first[file + 1] ?? 0) + 1;
      if (isOut(files.id(at))) made.#out[file] = 1;
      if (at % 256 === 0 && turns.over) await turns.next();
    }
    for (let file = 0; file + 1 < first.length; file++)
      first[file + 1] = (first[file + 1] ?? 0) + (first[file] ?? 0);
    const next = first.slice();
    for (let at = 0; at < files.count; at++) {
      const file = fileOf[at] ?? 0;
      const place = next[file] ?? 0;
      made.#places[place] = at;
      next[file] = place + 1;
    }
    for (const [row, { victims }] of rows.entries()) {
      made.#pinned[row] = victims.reduce((sum, { bytenr }) => sum + pinnedAt(bytenr), 0);
      made.tickRow(row, isTicked(row));
      if (row % 64 === 0 && turns.over) await turns.next();
    }
    return made;
  }

  get sum(): TickedRanges {
    return this.#sum;
  }

  /** Whether a row is ticked as such, whatever of its files is not. */
  isTicked(row: number): boolean {
    return this.#rows[row] === 1;
  }

  /** "some": some of its files are ticked, which is not enough to move anything. */
  tickOf(row: number): "all" | "some" | "none" {
    const ticked = this.#tickedFiles[row] ?? 0;
    return ticked === 0 ? "none" : ticked === this.#size(row) ? "all" : "some";
  }

  tickRow(row: number, ticked: boolean): void {
    const range = this.list.rows[row];
    if (range === undefined) return;
    this.#rows[row] = ticked ? 1 : 0;
    for (let at = range.first; at < range.end; at++) this.#settle(at);
  }

  /** Takes the file of a row of list.files out, in every row, or back in. */
  takeOut(at: number, out: boolean): void {
    const file = this.list.fileOf[at] ?? 0;
    const value = out ? 1 : 0;
    if (this.#out[file] === value) return;
    this.#out[file] = value;
    const end = this.#first[file + 1] ?? 0;
    for (let k = this.#first[file] ?? 0; k < end; k++) this.#settle(this.#places[k] ?? 0);
  }

  #size(row: number): number {
    const { first = 0, end = 0 } = this.list.rows[row] ?? {};
    return end - first;
  }

  /** Brings a row of list.files, and what hangs on it, in step. */
  #settle(at: number): void {
    const { files, fileOf } = this.list;
    const row = files.group[at] ?? 0;
    const ticked = this.#rows[row] === 1 && this.#out[fileOf[at] ?? 0] === 0 ? 1 : 0;
    if (files.ticked[at] === ticked) return;
    files.ticked[at] = ticked;
    const before = this.#tickedFiles[row] ?? 0;
    const after = before + (ticked === 1 ? 1 : -1);
    this.#tickedFiles[row] = after;
    const size = this.#size(row);
    if (after === size) this.#choose(row, 1);
    else if (before === size) this.#choose(row, -1);
  }

  #choose(row: number, sign: 1 | -1): void {
    const range = this.list.rows[row];
    if (range === undefined) return;
    const { files, fileOf } = this.list;
    let changed = this.#sum.files;
    for (let at = range.first; at < range.end; at++) {
      if (files.moves[at] !== 1) continue;
      const file = fileOf[at] ?? 0;
      const rows = (this.#changing[file] ?? 0) + sign;
      this.#changing[file] = rows;
      if (sign === 1 && rows === 1) changed++;
      if (sign === -1 && rows === 0) changed--;
    }
    const { total, rows, predictedBytes, rewrittenBytes, foldBytes, pinnedBytes } = this.#sum;
    this.#sum = {
      total,
      rows: rows + sign,
      files: changed,
      predictedBytes: predictedBytes + sign * range.bytes,
      rewrittenBytes: rewrittenBytes + sign * range.rewrittenBytes,
      foldBytes: foldBytes + sign * range.foldBytes,
      pinnedBytes: pinnedBytes + sign * (this.#pinned[row] ?? 0),
    };
  }
}
