import type { Turns } from "./turns.ts";

/** Items sorted without letting others have their turn: a millisecond or two. */
const AT_ONCE = 4096;

/** Numbers, ascending. @throws what turns throw */
export async function sortNumbersInTurns(values: Float64Array, turns: Turns): Promise<Float64Array> {
  const sorted = values.slice();
  for (let start = 0; start < sorted.length; start += AT_ONCE) {
    sorted.subarray(start, start + AT_ONCE).sort();
    if (turns.over) await turns.next();
  }
  return mergeInTurns<number, Float64Array>(sorted, sorted.slice(), (a, b) => a - b, turns);
}

/** Numbers of rows, sorted by what is in these; equal ones as they were. @throws what turns throw */
export async function sortRowsInTurns(
  rows: Int32Array,
  compare: (a: number, b: number) => number,
  turns: Turns,
): Promise<Int32Array> {
  const sorted = rows.slice();
  for (let start = 0; start < sorted.length; start += AT_ONCE) {
    sorted.subarray(start, start + AT_ONCE).sort(compare);
    if (turns.over) await turns.next();
  }
  return mergeInTurns<number, Int32Array>(sorted, sorted.slice(), compare, turns);
}

/** 0 and so on, for so many rows. */
export function rowsOf(count: number): Int32Array {
  const rows = new Int32Array(count);
  for (let k = 0; k < count; k++) rows[k] = k;
  return rows;
}

/**
 * Merges runs of AT_ONCE that are sorted each.
 * @param spare as long as the list, of whatever
 */
async function mergeInTurns<T, List extends { readonly length: number; [at: number]: T }>(
  list: List,
  spare: List,
  compare: (a: T, b: T) => number,
  turns: Turns,
): Promise<List> {
  let [from, to] = [list, spare];
  for (let width = AT_ONCE; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let [a, b] = [start, middle];
      for (let k = start; k < end; k++) {
        const left = b >= end || (a < middle && compare(from[a] as T, from[b] as T) <= 0);
        to[k] = from[left ? a++ : b++] as T;
        if (k % AT_ONCE === 0 && turns.over) await turns.next();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
