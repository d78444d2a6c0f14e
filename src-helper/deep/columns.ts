type Values = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

const FIRST_ROOM = 64;
const GROWTH = 1.5;

/** Numbers in a row that grows: of hundreds of thousands of things that are known at once, none is an object. */
export class Column<T extends Values> {
  readonly #make: (buffer: ArrayBuffer) => T;
  #values: T;
  length = 0;

  /** @param kind Float64Array, say */
  constructor(kind: { new (buffer: ArrayBuffer): T; readonly BYTES_PER_ELEMENT: number }) {
    this.#make = (buffer) => new kind(buffer);
    this.#values = this.#make(new ArrayBuffer(FIRST_ROOM * kind.BYTES_PER_ELEMENT));
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow();
    this.#values[this.length++] = value;
  }

  /** 0 where there is none. */
  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** Takes off the end what came last. */
  truncate(length: number): void {
    this.length = length;
  }

  /** What is there now: not to be used any more once something is added. */
  get values(): T {
    return this.#values.subarray(0, this.length) as T;
  }

  #grow(): void {
    const size = Math.ceil(this.#values.length * GROWTH) * this.#values.BYTES_PER_ELEMENT;
    // what it was is given back at once, not when garbage is collected next
    this.#values = this.#make((this.#values.buffer as ArrayBuffer).transfer(size));
  }
}

/** Of things that are made where they are asked for; an array is one, too. */
export interface Numbered<T> extends Iterable<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** Things of which only numbers are kept, in columns. */
export abstract class NumberedRows<T> implements Numbered<T> {
  abstract get length(): number;

  at(index: number): T | undefined {
    return index < 0 || index >= this.length ? undefined : this.row(index);
  }

  *[Symbol.iterator](): Generator<T> {
    for (let k = 0; k < this.length; k++) yield this.row(k);
  }

  /** @param index of one that is there */
  protected abstract row(index: number): T;
}
