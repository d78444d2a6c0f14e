import { Column } from "./columns.ts";
import { NumberTable } from "./number-table.ts";
import type { Runs } from "./runs.ts";
import { rowsOf, sortRowsInTurns } from "./sort.ts";
import type { Span } from "./spans.ts";
import type { Turns } from "./turns.ts";

/** Compressed extents get places of their own, beyond any disk: their blocks are not those on disk. */
const COMPRESSED_BASE = 2 ** 48;

/** Places for extents that are compared whole: their blocks are not those on disk. */
export class Wholes {
  readonly #bases = new NumberTable();
  #end = COMPRESSED_BASE;

  baseOf(sector: number, length: number): number {
    let base = this.#bases.get(sector);
    if (base === undefined) {
      base = this.#end;
      this.#end += length;
      this.#bases.set(sector, base);
    }
    return base;
  }
}

/**
 * All blocks that are equal to others: runs, and what they were found equal to, which is equal to itself.
 * @throws what turns throw
 */
export async function equalBlocks(runs: Runs, turns: Turns): Promise<Runs> {
  const { start, end } = await canonicalOf(runs, turns);
  const count = runs.start.length + start.length;
  const all = {
    start: new Float64Array(count),
    length: new Float64Array(count),
    canon: new Float64Array(count),
  };
  let [run, own] = [0, 0];
  for (let k = 0; k < count; k++) {
    if (k % 1024 === 0 && turns.over) await turns.next();
    const first = own < start.length ? start.at(own) : Infinity;
    if ((runs.start[run] ?? Infinity) < first) {
      all.start[k] = runs.start[run] ?? 0;
      all.length[k] = runs.length[run] ?? 0;
      all.canon[k] = runs.canon[run++] ?? 0;
    } else {
      all.start[k] = first;
      all.length[k] = end.at(own++) - first;
      all.canon[k] = first;
    }
  }
  return all;
}

/** What runs were found equal to, those that overlap or touch made one. Ascending. */
async function canonicalOf(
  { length, canon }: Runs,
  turns: Turns,
): Promise<{ start: Column<Float64Array>; end: Column<Float64Array> }> {
  const byCanon = (a: number, b: number): number => (canon[a] ?? 0) - (canon[b] ?? 0);
  const [start, end] = [new Column(Float64Array), new Column(Float64Array)];
  let k = 0;
  for (const run of await sortRowsInTurns(rowsOf(canon.length), byCanon, turns)) {
    if (++k % 1024 === 0 && turns.over) await turns.next();
    const first = canon[run] ?? 0;
    const behind = first + (length[run] ?? 0);
    const last = start.length - 1;
    if (last < 0 || end.at(last) < first) {
      start.push(first);
      end.push(behind);
    } else if (end.at(last) < behind) end.set(last, behind);
  }
  return { start, end };
}

/** The index of the first run that ends after a sector; they do not overlap. */
export function firstRunAfter({ start, length }: Runs, sector: number): number {
  let low = 0;
  let high = start.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((start[middle] ?? 0) + (length[middle] ?? 0) <= sector) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Blocks of an extent that are equal to those of others; sectors, offset in the extent. */
export type Found = (offset: number, length: number, canon: number) => void;

/**
 * Tells of the parts of runs that lie in whole blocks of an extent, ascending.
 * @param base of the extent
 * @param whole blocks of it that files hold, ascending
 */
export function partsOfRuns(runs: Runs, base: number, whole: readonly Span[], found: Found): void {
  for (const { start, end } of whole) {
    for (let k = firstRunAfter(runs, base + start); k < runs.start.length; k++) {
      const from = (runs.start[k] ?? 0) - base;
      if (from >= end) break;
      const offset = Math.max(start, from);
      const length = Math.min(end, from + (runs.length[k] ?? 0)) - offset;
      found(offset, length, (runs.canon[k] ?? 0) + (offset - from));
    }
  }
}
