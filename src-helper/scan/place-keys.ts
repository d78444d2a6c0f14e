import type { IndexStore } from "../store/index-store.ts";
import { findPair } from "../store/pairs.ts";

const LOAD = `SELECT stored.keys AS keys, recent.keys AS recent
  FROM place_keys AS stored LEFT JOIN recent_keys AS recent USING (size) WHERE size = ?`;
const STORE = "INSERT OR REPLACE INTO place_keys VALUES (?, ?)";
const STORE_RECENT = "INSERT OR REPLACE INTO recent_keys VALUES (?, ?)";
const DROP = "DELETE FROM place_keys WHERE size = ?";
const DROP_RECENT = "DELETE FROM recent_keys WHERE size = ?";

/** One key in so many may be a change that is written apart; with more all are written anew. */
const RECENT_PART = 4;

/**
 * A part of the print of every place of one size: places with different keys
 * have different contents. Most files are like no other of their size, and
 * this is all that is kept of those; a row of print, with the whole print, have
 * only those with company, which is what is looked at closer.
 *
 * There are keys only of sizes in which checksums alone decide (see
 * contents.ts): then what came and went of a size concerns the places of its
 * own keys, and the others need not be looked at, be there ever so many.
 *
 * Stored as pairs of doubles: layout, key; by layout, ascending. What changed
 * is stored in a table of its own, and wins; there, one that went has no key
 * (NaN). To write all keys of every size of which one changed would be a third
 * of what a scan writes, and of a size with very many files more than that.
 */
export class PlaceKeys {
  readonly #stored: Float64Array;
  /** What is otherwise than stored; NaN: gone. */
  readonly #recent: Map<number, number>;
  #changed = false;

  private constructor(stored: Float64Array, recent: Map<number, number>) {
    this.#stored = stored;
    this.#recent = recent;
  }

  /** The keys of a size; null where it is compared as a whole. */
  static load(store: IndexStore, size: number): PlaceKeys | null {
    const row = store.get(LOAD, size) as { keys: Buffer; recent: Buffer | null } | undefined;
    if (row === undefined) return null;
    const recent = new Map<number, number>();
    if (row.recent !== null) {
      const pairs = doublesOf(row.recent);
      for (let k = 0; k < pairs.length; k += 2) recent.set(pairs[k] ?? 0, pairs[k + 1] ?? 0);
    }
    return new PlaceKeys(doublesOf(row.keys), recent);
  }

  /** The key of the place at a layout. */
  get(layout: number): number | undefined {
    const recent = this.#recent.get(layout);
    if (recent !== undefined) return Number.isNaN(recent) ? undefined : recent;
    const at = findPair(this.#stored, layout);
    return this.#stored[at] === layout ? this.#stored[at + 1] : undefined;
  }

  set(layout: number, key: number): void {
    this.#recent.set(layout, key);
    this.#changed = true;
  }

  delete(layout: number): void {
    if (this.get(layout) === undefined) return;
    this.#recent.set(layout, NaN);
    this.#changed = true;
  }

  /** Layouts by key, of some keys. */
  layoutsOf(keys: ReadonlySet<number>): Map<number, number[]> {
    const found = new Map<number, number[]>();
    const add = (layout: number, key: number): void => {
      if (!keys.has(key)) return;
      const some = found.get(key);
      if (some === undefined) found.set(key, [layout]);
      else some.push(layout);
    };
    const sieve = new Sieve(keys);
    const words = new Uint32Array(this.#stored.buffer, this.#stored.byteOffset, 2 * this.#stored.length);
    for (let k = 0; k < this.#stored.length; k += 2) {
      if (!sieve.mayHave(words[2 * k + 2] ?? 0, words[2 * k + 3] ?? 0)) continue;
      const layout = this.#stored[k] ?? 0;
      if (!this.#recent.has(layout)) add(layout, this.#stored[k + 1] ?? 0);
    }
    sieve.end();
    for (const [layout, key] of this.#recent) add(layout, key);
    return found;
  }

  save(store: IndexStore, size: number): void {
    if (!this.#changed) return;
    this.#changed = false;
    const stored = this.#stored.length / 2;
    if (this.#recent.size * RECENT_PART <= stored) {
      store.run(STORE_RECENT, size, bytesOf(Float64Array.from([...this.#recent].flat())));
      return;
    }
    const pairs = this.#all();
    if (pairs.length === 0) dropKeys(store, size);
    else storeKeys(store, size, pairs);
  }

  /** Stored and recent put together. */
  #all(): Float64Array {
    const recent = [...this.#recent].filter(([, key]) => !Number.isNaN(key)).sort((a, b) => a[0] - b[0]);
    const pairs = new Float64Array(this.#stored.length + 2 * recent.length);
    let length = 0;
    const put = (layout: number, key: number): void => {
      pairs[length++] = layout;
      pairs[length++] = key;
    };
    let next = 0;
    for (let k = 0; k < this.#stored.length; k += 2) {
      const layout = this.#stored[k] ?? 0;
      for (; (recent[next]?.[0] ?? Infinity) < layout; next++) put(...(recent[next] ?? [0, 0]));
      if (!this.#recent.has(layout)) put(layout, this.#stored[k + 1] ?? 0);
    }
    for (; next < recent.length; next++) put(...(recent[next] ?? [0, 0]));
    return pairs.subarray(0, length);
  }
}

/** @param pairs layout, key, layout, key, ...; by layout, ascending */
export function storeKeys(store: IndexStore, size: number, pairs: Float64Array): void {
  store.run(STORE, size, bytesOf(pairs));
  store.run(DROP_RECENT, size);
}

/** From now on the size is compared as a whole. */
export function dropKeys(store: IndexStore, size: number): void {
  store.run(DROP, size);
  store.run(DROP_RECENT, size);
}

/** The key that a print gives: 53 bits of it. @param print at `at` of a buffer, as rf_csum_prints writes it */
export function keyOf(print: Buffer, at = 0): number {
  return print.readUInt32LE(at) + (print.readUInt32LE(at + 4) & 0x1fffff) * 2 ** 32;
}

/** Tells of most numbers that they are not in a set, sooner than the set does. One at a time: all use the same slots. */
class Sieve {
  /** To make new ones for each of a thousand sizes takes longer than all else that is done for them. */
  static readonly #slots = new Uint8Array(2 ** 16);
  readonly #words: Uint32Array;

  constructor(values: ReadonlySet<number>) {
    this.#words = new Uint32Array(Float64Array.from(values).buffer);
    this.#mark(1);
  }

  /** @param low, high the halves of a double */
  mayHave(low: number, high: number): boolean {
    return Sieve.#slots[slotOf(low, high)] === 1;
  }

  /** Not to be asked any more: the next may be made. */
  end(): void {
    this.#mark(0);
  }

  #mark(value: 0 | 1): void {
    const words = this.#words;
    for (let k = 0; k < words.length; k += 2) Sieve.#slots[slotOf(words[k] ?? 0, words[k + 1] ?? 0)] = value;
  }
}

function slotOf(low: number, high: number): number {
  const mixed = low ^ high;
  return (mixed ^ (mixed >>> 16)) & 0xffff;
}

/** Copied where a Buffer is not aligned. */
function doublesOf(bytes: Buffer): Float64Array {
  if (bytes.byteOffset % 8 === 0) return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  return new Float64Array(new Uint8Array(bytes).buffer);
}

function bytesOf(pairs: Float64Array): Buffer {
  return Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength);
}
