import type { Extent } from "../btrfs/extents.ts";
import { callAsync, type Control } from "../native/library.ts";
import type { FoldVolume } from "./types.ts";

const FIRST_CAPACITY = 4096;
/** Extents looked up in one native call, between which progress is told. */
const BATCH = 4096;

/**
 * Measures what a run freed: it keeps the extents that files had before their
 * ranges were moved, and looks afterwards which of them are gone.
 */
export class FreedMeter {
  /** Triples: address on disk, bytes on disk, generation of the filesystem when it was seen. */
  #extents = new Float64Array(FIRST_CAPACITY * 3);
  #count = 0;
  #written = 0;

  /**
   * Notes an extent that the fold takes from a file.
   * @param generation of the filesystem while the file was locked: an extent at
   *   the same address that is newer is another one
   */
  note(extent: Extent, generation: number): void {
    if (extent.diskBytes === 0) return;
    if ((this.#count + 1) * 3 > this.#extents.length) {
      const larger = new Float64Array(this.#extents.length * 2);
      larger.set(this.#extents);
      this.#extents = larger;
    }
    this.#extents.set([extent.bytenr, extent.diskBytes, generation], this.#count * 3);
    this.#count++;
  }

  /** Notes bytes that the fold itself wrote anew (a defragmented source). */
  noteWritten(bytes: number): void {
    this.#written += bytes;
  }

  /**
   * Bytes of the extents noted that are gone, less those written anew. Sync the
   * volume first: references are dropped when a transaction commits.
   * @throws NativeError
   */
  async measure(
    volume: FoldVolume,
    control: Control,
    progress: (done: number, total: number) => void,
  ): Promise<number> {
    const unique = this.#unique();
    let freed = 0 - this.#written;
    let done = 0;
    const total = [...unique.values()].reduce((sum, extents) => sum + extents.length / 2, 0);
    for (const [generation, extents] of unique) {
      for (let start = 0; start < extents.length / 2; start += BATCH) {
        const n = Math.min(BATCH, extents.length / 2 - start);
        const bytenrs = Float64Array.from({ length: n }, (_, k) => extents[(start + k) * 2] ?? 0);
        const alive = new Uint8Array(n);
        await callAsync("rf_extents_alive", volume.dir, bytenrs, n, generation, alive, control.buffer);
        for (let k = 0; k < n; k++) if (alive[k] === 0) freed += extents[(start + k) * 2 + 1] ?? 0;
        done += n;
        progress(done, total);
      }
    }
    return freed;
  }

  /** Each extent once, pairs of address and bytes in ascending order, by generation. */
  #unique(): Map<number, number[]> {
    const at = (k: number, field: number): number => this.#extents[k * 3 + field] ?? 0;
    const order = Uint32Array.from({ length: this.#count }, (_, k) => k);
    // of one extent seen twice the later sight comes first
    order.sort((a, b) => at(a, 0) - at(b, 0) || at(b, 2) - at(a, 2));
    const unique = new Map<number, number[]>();
    let last = -1;
    for (const k of order) {
      if (at(k, 0) === last) continue;
      last = at(k, 0);
      const list = unique.get(at(k, 2));
      if (list === undefined) unique.set(at(k, 2), [last, at(k, 1)]);
      else list.push(last, at(k, 1));
    }
    return unique;
  }
}
