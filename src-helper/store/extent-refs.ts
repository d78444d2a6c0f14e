import type { IndexStore } from "./index-store.ts";

const CHUNK_BYTES = 2 ** 30;

/**
 * How many extent items, of all files of all subvolumes, refer to each extent
 * on disk. An extent's space comes back only when the last of them goes, so a
 * promise of freed bytes stands and falls with these counts.
 *
 * Kept a gibibyte of disk addresses a row: sorted pairs (sector in the chunk,
 * count) of 32 bits each; most rows of a scan are never looked at again.
 */
export class ExtentRefs {
  readonly #store: IndexStore;
  readonly sectorSize: number;
  /** Changes not yet stored: by address. */
  readonly #changes = new Map<number, number>();
  readonly #chunks = new Map<number, Uint32Array>();
  /** While the index is empty, references are only appended and counted at the end. */
  #bulk: Float64Array | null;
  #bulkLength = 0;

  constructor(store: IndexStore, sectorSize: number, empty: boolean) {
    this.#store = store;
    this.sectorSize = sectorSize;
    this.#bulk = empty ? new Float64Array(65536) : null;
  }

  /** Counts one more reference. bytenr: address of the extent, in bytes. */
  add(bytenr: number): void {
    if (this.#bulk !== null) {
      if (this.#bulkLength === this.#bulk.length) {
        const larger = new Float64Array(this.#bulk.length * 2);
        larger.set(this.#bulk);
        this.#bulk = larger;
      }
      this.#bulk[this.#bulkLength++] = bytenr;
      return;
    }
    this.#changes.set(bytenr, (this.#changes.get(bytenr) ?? 0) + 1);
  }

  remove(bytenr: number): void {
    this.#changes.set(bytenr, (this.#changes.get(bytenr) ?? 0) - 1);
  }

  /** The references to an extent, as last stored. */
  count(bytenr: number): number {
    const chunk = Math.floor(bytenr / CHUNK_BYTES);
    const pairs = this.#chunk(chunk);
    const sector = (bytenr - chunk * CHUNK_BYTES) / this.sectorSize;
    const at = find(pairs, sector);
    return pairs[at] === sector ? (pairs[at + 1] ?? 0) : 0;
  }

  /**
   * Stores what was added and removed.
   * @returns true where some extent that changed is, or was, referred to more
   * than once: other groups than those of the changed files may be affected
   */
  flush(): boolean {
    if (this.#bulk !== null) {
      this.#storeAll(this.#bulk.subarray(0, this.#bulkLength).sort());
      this.#bulk = null;
      return true;
    }
    let shared = false;
    const byChunk = new Map<number, Map<number, number>>();
    for (const [bytenr, change] of this.#changes) {
      if (change === 0) continue;
      const chunk = Math.floor(bytenr / CHUNK_BYTES);
      let changes = byChunk.get(chunk);
      if (changes === undefined) byChunk.set(chunk, (changes = new Map<number, number>()));
      changes.set((bytenr - chunk * CHUNK_BYTES) / this.sectorSize, change);
    }
    this.#changes.clear();
    for (const [chunk, changes] of byChunk) {
      const pairs = this.#chunk(chunk);
      const counts = new Map<number, number>();
      for (let k = 0; k < pairs.length; k += 2) counts.set(pairs[k] ?? 0, pairs[k + 1] ?? 0);
      for (const [sector, change] of changes) {
        const before = counts.get(sector) ?? 0;
        const after = before + change;
        if (before > 1 || after > 1) shared = true;
        if (after > 0) counts.set(sector, after);
        else counts.delete(sector);
      }
      const sorted = [...counts].sort((a, b) => a[0] - b[0]);
      this.#put(chunk, Uint32Array.from(sorted.flat()));
    }
    return shared;
  }

  #storeAll(sorted: Float64Array): void {
    let pairs: number[] = [];
    let chunk = -1;
    for (let k = 0; k < sorted.length;) {
      const bytenr = sorted[k] ?? 0;
      let end = k + 1;
      while (sorted[end] === bytenr) end++;
      const itsChunk = Math.floor(bytenr / CHUNK_BYTES);
      if (itsChunk !== chunk) {
        if (pairs.length > 0) this.#put(chunk, Uint32Array.from(pairs));
        pairs = [];
        chunk = itsChunk;
      }
      pairs.push((bytenr - chunk * CHUNK_BYTES) / this.sectorSize, end - k);
      k = end;
    }
    if (pairs.length > 0) this.#put(chunk, Uint32Array.from(pairs));
  }

  #chunk(chunk: number): Uint32Array {
    let pairs = this.#chunks.get(chunk);
    if (pairs === undefined) {
      const row = this.#store.get("SELECT data FROM extent_refs WHERE chunk = ?", chunk) as
        { data: Buffer } | undefined;
      // copied: a Buffer need not be aligned for 32-bit words
      pairs = row === undefined ? new Uint32Array() : new Uint32Array(new Uint8Array(row.data).buffer);
      this.#chunks.set(chunk, pairs);
    }
    return pairs;
  }

  #put(chunk: number, pairs: Uint32Array): void {
    this.#chunks.set(chunk, pairs);
    if (pairs.length === 0) {
      this.#store.run("DELETE FROM extent_refs WHERE chunk = ?", chunk);
      return;
    }
    const data = Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength);
    this.#store.run("INSERT OR REPLACE INTO extent_refs VALUES (?, ?)", chunk, data);
  }
}

/** Index of the first pair whose sector is not below the one sought. */
function find(pairs: Uint32Array, sector: number): number {
  let low = 0;
  let high = pairs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pairs[2 * middle] ?? 0) < sector) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
