import type { IndexStore } from "../store/index-store.ts";

/** A size that more files have is compared some of them at a time: all would be a kilobyte of memory each. */
export const CROWD = 16_384;
/** Files by size, roughly: sizes that differ by a multiple of this prime are counted together. */
export const BUCKETS = 65_521;

/** Sizes of the rows that a walk writes: how many there are of each, at most. */
export class SizeCounts {
  readonly #counts = new Uint32Array(BUCKETS);

  add(size: number): void {
    const bucket = size % BUCKETS;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Buckets in which there may be a size of more files than that. */
  crowded(files: number): number[] {
    const buckets: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > files) buckets.push(bucket);
    return buckets;
  }
}

const COUNTED =
  "SELECT size FROM inode WHERE kind = 1 AND size >= ? AND size < ? GROUP BY size HAVING COUNT(*) > ?";

/** The same as SizeCounts.crowded, of an index that has been made. */
export function crowdedBuckets(store: IndexStore, from: number, below: number, files: number): number[] {
  const sizes = store.all<{ size: number }>(COUNTED, from, below, files);
  return [...new Set(sizes.map(({ size }) => size % BUCKETS))];
}

/** Keys of the places of crowded sizes, as they come to be known. */
export class CrowdedKeys {
  /** By size, layout, key, layout, key, ...; null: checksums do not decide in each of them. */
  readonly #parts = new Map<number, Float64Array[] | null>();

  /**
   * Adds places whose layouts are beyond those of all that were added of the size.
   * @param pairs layout, key, layout, key, ...; null where checksums do not decide
   */
  add(size: number, pairs: Float64Array | null): void {
    const parts = this.#parts.get(size);
    if (pairs === null) this.#parts.set(size, null);
    else if (parts === undefined) this.#parts.set(size, [pairs]);
    else parts?.push(pairs);
  }

  has(size: number): boolean {
    return this.#parts.has(size);
  }

  get sizes(): number[] {
    return [...this.#parts.keys()];
  }

  /** Of all places of a size, by layout, ascending; they are forgotten here. */
  take(size: number): Float64Array | null {
    const parts = this.#parts.get(size) ?? null;
    this.#parts.delete(size);
    if (parts === null) return null;
    const pairs = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      pairs.set(part, at);
      at += part.length;
    }
    return pairs;
  }
}

/**
 * Layouts of one size, so many at a time, those of one key together.
 * @param pairs layout, key, layout, key, ...
 * @param alone those that share their key with none as well
 */
export function* byKey(pairs: Float64Array, alone: boolean, atOnce: number): Generator<number[]> {
  const keys = new Float64Array(pairs.length / 2);
  for (let k = 0; k < keys.length; k++) keys[k] = pairs[2 * k + 1] ?? 0;
  keys.sort();
  const looked = alone ? keys : keys.filter((key, k) => keys[k - 1] === key || keys[k + 1] === key);
  /** The first key of each part. */
  const parts: number[] = [];
  for (let at = 0; at < looked.length;) {
    parts.push(looked[at] ?? 0);
    at = Math.min(at + atOnce, looked.length);
    while (at < looked.length && looked[at] === looked[at - 1]) at++;
  }
  // the places of all parts, one part after the other
  const layouts = new Float64Array(looked.length);
  const ends = new Int32Array(parts.length);
  const partOf = (key: number): number => (alone || has(looked, key) ? lastUpTo(parts, key) : -1);
  for (const key of looked) {
    const part = lastUpTo(parts, key);
    ends[part] = (ends[part] ?? 0) + 1;
  }
  for (let part = 1; part < parts.length; part++) ends[part] = (ends[part] ?? 0) + (ends[part - 1] ?? 0);
  const next = Int32Array.from(parts, (_, part) => ends[part - 1] ?? 0);
  for (let k = 0; k < pairs.length; k += 2) {
    const part = partOf(pairs[k + 1] ?? 0);
    if (part < 0) continue;
    const at = next[part] ?? 0;
    layouts[at] = pairs[k] ?? 0;
    next[part] = at + 1;
  }
  for (const [part, end] of ends.entries()) yield Array.from(layouts.subarray(ends[part - 1] ?? 0, end));
}

/** The index of the last of ascending numbers that is no more than one; -1 where all are. */
function lastUpTo(values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function has(values: Float64Array, value: number): boolean {
  return values[lastUpTo(values, value)] === value;
}
