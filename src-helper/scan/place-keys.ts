import type { IndexStore } from "../store/index-store.ts";

const LOAD = "SELECT keys FROM place_keys WHERE size = ?";
const STORE = "INSERT OR REPLACE INTO place_keys VALUES (?, ?)";
const DROP = "DELETE FROM place_keys WHERE size = ?";

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
 * Stored as pairs of doubles: layout, key.
 */
export class PlaceKeys {
  readonly #pairs: Map<number, number>;
  #changed = false;

  private constructor(pairs: Map<number, number>) {
    this.#pairs = pairs;
  }

  /** The keys of a size; null where it is compared as a whole. */
  static load(store: IndexStore, size: number): PlaceKeys | null {
    const row = store.get(LOAD, size) as { keys: Buffer } | undefined;
    if (row === undefined) return null;
    // copied: a Buffer need not be aligned
    const doubles = new Float64Array(new Uint8Array(row.keys).buffer);
    const pairs = new Map<number, number>();
    for (let k = 0; k < doubles.length; k += 2) pairs.set(doubles[k] ?? 0, doubles[k + 1] ?? 0);
    return new PlaceKeys(pairs);
  }

  /** The key of the place at a layout. */
  get(layout: number): number | undefined {
    return this.#pairs.get(layout);
  }

  set(layout: number, key: number): void {
    this.#pairs.set(layout, key);
    this.#changed = true;
  }

  delete(layout: number): void {
    if (this.#pairs.delete(layout)) this.#changed = true;
  }

  /** Layouts by key, of some keys. */
  layoutsOf(keys: ReadonlySet<number>): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (const [layout, key] of this.#pairs) {
      if (!keys.has(key)) continue;
      const some = found.get(key);
      if (some === undefined) found.set(key, [layout]);
      else some.push(layout);
    }
    return found;
  }

  save(store: IndexStore, size: number): void {
    if (!this.#changed) return;
    this.#changed = false;
    if (this.#pairs.size === 0) {
      dropKeys(store, size);
      return;
    }
    const pairs = new Float64Array(2 * this.#pairs.size);
    let k = 0;
    for (const [layout, key] of this.#pairs) {
      pairs[k++] = layout;
      pairs[k++] = key;
    }
    storeKeys(store, size, pairs);
  }
}

/** @param pairs layout, key, layout, key, ... */
export function storeKeys(store: IndexStore, size: number, pairs: Float64Array): void {
  store.run(STORE, size, Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength));
}

/** From now on the size is compared as a whole. */
export function dropKeys(store: IndexStore, size: number): void {
  store.run(DROP, size);
}

/** The key that a print gives: 53 bits of it. @param print at `at` of a buffer, as rf_csum_prints writes it */
export function keyOf(print: Buffer, at = 0): number {
  return print.readUInt32LE(at) + (print.readUInt32LE(at + 4) & 0x1fffff) * 2 ** 32;
}
