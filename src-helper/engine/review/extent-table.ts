import { NumberTable } from "../../deep/number-table.ts";
import type { CountRefs } from "../../dedupe/predict.ts";

/** Extents that several rows of the index hold, a column a field: an object each would take three times the room. */
export class ExtentTable {
  readonly #refsOf: CountRefs;
  readonly #numbers = new NumberTable();
  #count = 0;
  /** By number: references that there are, those that go by what is chosen, and bytes on disk. */
  refs = new Float64Array(1024);
  released = new Float64Array(1024);
  diskBytes = new Float64Array(1024);

  constructor(refsOf: CountRefs) {
    this.#refsOf = refsOf;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of an extent by its address, -1 where it has none. */
  find(bytenr: number): number {
    return this.#numbers.get(bytenr) ?? -1;
  }

  /** References to an extent, whether it has a number or not. */
  refsOf(bytenr: number): number {
    const number = this.find(bytenr);
    return number < 0 ? this.#refsOf(bytenr) : (this.refs[number] ?? 0);
  }

  /** @param refs as refsOf says */
  number(bytenr: number, diskBytes: number, refs: number): number {
    const known = this.find(bytenr);
    if (known >= 0) return known;
    const number = this.#count++;
    if (number === this.refs.length) this.#grow();
    this.#numbers.set(bytenr, number);
    this.refs[number] = refs;
    this.diskBytes[number] = diskBytes;
    return number;
  }

  #grow(): void {
    this.refs = doubled(this.refs);
    this.released = doubled(this.released);
    this.diskBytes = doubled(this.diskBytes);
  }
}

/** A copy with room for twice as much. */
export function doubled(from: Float64Array): Float64Array<ArrayBuffer> {
  const to = new Float64Array(2 * from.length);
  to.set(from);
  return to;
}
