import type { Slices } from "./slices.ts";

const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;
const HIGH = 2 ** 32;

/**
 * The indexes of keys in ascending order of the keys, by radix: a comparing
 * sort of 200,000 groups would hold the event loop ten times as long.
 *
 * @param keys integers from 0 to 2^53 - 1
 * @param start the indexes in an order that equal keys keep; default 0, 1, 2...
 */
export function orderBy(keys: Float64Array, start?: Int32Array): Int32Array<ArrayBuffer> {
  const radix = new Radix(keys, start);
  while (!radix.done) radix.pass();
  return radix.order;
}

/** As orderBy; others run between its passes. */
export async function orderInSlices(
  keys: Float64Array,
  slices: Slices,
  start?: Int32Array,
): Promise<Int32Array<ArrayBuffer>> {
  const radix = new Radix(keys, start);
  while (!radix.done) {
    await slices.next();
    radix.pass();
  }
  await slices.next();
  return radix.order;
}

/** Sorts by one digit after the other, the lowest first. */
class Radix {
  order: Int32Array<ArrayBuffer>;
  readonly #keys: Float64Array;
  readonly #counts = new Int32Array(DIGITS);
  #spare: Int32Array<ArrayBuffer>;
  #shift = 0;
  #max = 0;

  constructor(keys: Float64Array, start: Int32Array | undefined) {
    const n = start?.length ?? keys.length;
    this.#keys = keys;
    this.order = new Int32Array(n);
    this.#spare = new Int32Array(n);
    for (let k = 0; k < n; k++) {
      const index = start?.[k] ?? k;
      this.order[k] = index; // Int32Array.from is many times slower
      this.#max = Math.max(this.#max, keys[index] ?? 0);
    }
  }

  get done(): boolean {
    return 2 ** this.#shift > this.#max;
  }

  pass(): void {
    const [from, to, counts, keys, shift] = [this.order, this.#spare, this.#counts, this.#keys, this.#shift];
    // bits beyond 32 are out of the reach of >>>
    const scale = shift < 32 ? 1 : HIGH;
    const bits = shift % 32;
    const digit = (index: number): number => (Math.floor((keys[index] ?? 0) / scale) >>> bits) & (DIGITS - 1);
    counts.fill(0);
    for (const index of from) {
      const at = digit(index);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    let sum = 0;
    for (let at = 0; at < DIGITS; at++) {
      const count = counts[at] ?? 0;
      counts[at] = sum;
      sum += count;
    }
    for (const index of from) {
      const at = digit(index);
      const place = counts[at] ?? 0;
      counts[at] = place + 1;
      to[place] = index;
    }
    this.order = to;
    this.#spare = from;
    this.#shift += DIGIT_BITS;
  }
}

/** As orderBy, largest first; equal keys keep the order of start. */
export function orderByDescending(keys: Float64Array, start?: Int32Array): Int32Array<ArrayBuffer> {
  let max = 0;
  for (const key of keys) max = Math.max(max, key);
  return orderBy(
    keys.map((key) => max - key),
    start,
  );
}

/**
 * The indexes of texts in their order (UTF-16 code units), in steps that let
 * others run.
 *
 * @param pause called often; a promise is awaited
 */
export async function orderOfTexts(
  texts: readonly string[],
  pause: () => Promise<void> | undefined,
): Promise<Int32Array> {
  const RUN = 4096;
  const compare = (a: number, b: number): number => {
    const [x = "", y = ""] = [texts[a], texts[b]];
    return x < y ? -1 : x > y ? 1 : a - b;
  };
  let from: Int32Array<ArrayBuffer> = Int32Array.from(texts, (_, k) => k);
  for (let start = 0; start < from.length; start += RUN) {
    from.subarray(start, start + RUN).sort(compare);
    await pause();
  }
  let to = new Int32Array(from.length);
  for (let width = RUN; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let [a, b] = [start, middle];
      for (let k = start; k < end; k++) {
        const left = b >= end || (a < middle && compare(from[a] ?? 0, from[b] ?? 0) <= 0);
        to[k] = from[left ? a++ : b++] ?? 0;
        if (k % RUN === 0) await pause();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
