import { Column } from "./columns.ts";
import type { Turns } from "./turns.ts";

/** Lists of numbers, one after the other. */
export class Lists {
  readonly first: Int32Array;
  readonly values: Int32Array;

  private constructor(first: Int32Array, values: Int32Array) {
    this.first = first;
    this.values = values;
  }

  /** @throws what turns throw */
  static async of(count: number, listOf: (item: number) => Iterable<number>, turns: Turns): Promise<Lists> {
    const first = new Int32Array(count + 1);
    const values = new Column(Int32Array);
    for (let k = 0; k < count; k++) {
      for (const value of listOf(k)) values.push(value);
      first[k + 1] = values.length;
      if (turns.over) await turns.next();
    }
    return new Lists(first, values.values.slice());
  }

  /**
   * Items by the list that each is in, ascending.
   * @param lists how many there are
   * @param listOf of each item the list; of one that is in none -1
   * @throws what turns throw
   */
  static async grouped(lists: number, listOf: Int32Array, turns: Turns): Promise<Lists> {
    const first = new Int32Array(lists + 1);
    let total = 0;
    for (const list of listOf) {
      if (list < 0) continue;
      first[list + 1] = (first[list + 1] ?? 0) + 1;
      total++;
    }
    for (let list = 0; list < lists; list++) first[list + 1] = (first[list + 1] ?? 0) + (first[list] ?? 0);
    const [next, values] = [first.slice(), new Int32Array(total)];
    for (let item = 0; item < listOf.length; item++) {
      if (item % AT_ONCE === 0 && turns.over) await turns.next();
      const list = listOf[item] ?? -1;
      if (list < 0) continue;
      const at = next[list] ?? 0;
      values[at] = item;
      next[list] = at + 1;
    }
    return new Lists(first, values);
  }

  get count(): number {
    return this.first.length - 1;
  }

  size(list: number): number {
    return (this.first[list + 1] ?? 0) - (this.first[list] ?? 0);
  }

  each(list: number, visit: (value: number) => void): void {
    const end = this.first[list + 1] ?? 0;
    for (let k = this.first[list] ?? 0; k < end; k++) visit(this.values[k] ?? 0);
  }

  /** A list by itself. */
  list(list: number): number[] {
    return Array.from(this.values.subarray(this.first[list], this.first[list + 1]));
  }

  /** For each value the lists that it is in, ascending. @throws what turns throw */
  async inverse(values: number, turns: Turns): Promise<Lists> {
    const first = new Int32Array(values + 1);
    for (const value of this.values) first[value + 1] = (first[value + 1] ?? 0) + 1;
    for (let value = 0; value < values; value++) {
      first[value + 1] = (first[value + 1] ?? 0) + (first[value] ?? 0);
    }
    const [next, lists] = [first.slice(), new Int32Array(this.values.length)];
    for (let list = 0; list + 1 < this.first.length; list++) {
      const end = this.first[list + 1] ?? 0;
      for (let k = this.first[list] ?? 0; k < end; k++) {
        const value = this.values[k] ?? 0;
        const at = next[value] ?? 0;
        lists[at] = list;
        next[value] = at + 1;
      }
      if (turns.over) await turns.next();
    }
    return new Lists(first, lists);
  }
}

/** Items between two looks at the clock. */
const AT_ONCE = 1024;
