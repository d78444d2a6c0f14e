import type { Extent } from "../btrfs/extents.ts";
import { callAsync, type Control } from "../native/library.ts";
import type { FoldVolume } from "./types.ts";

const FIRST_CAPACITY = 4096;
/** Extents looked up in one native call, between which progress is told. */
const BATCH = 4096;

/** How the extents that a fold took from files ended: each once, ascending by address. */
export class Measured {
  readonly #bytenrs: Float64Array;
  readonly #diskBytes: Float64Array;
  readonly #alive: Uint8Array;
  /** Bytes of those that are gone. */
  readonly goneBytes: number;
  /** Bytes that the fold wrote anew. */
  readonly writtenBytes: number;

  constructor(bytenrs: Float64Array, diskBytes: Float64Array, alive: Uint8Array, writtenBytes: number) {
    this.#bytenrs = bytenrs;
    this.#diskBytes = diskBytes;
    this.#alive = alive;
    this.writtenBytes = writtenBytes;
    this.goneBytes = diskBytes.reduce((sum, bytes, k) => sum + (alive[k] === 0 ? bytes : 0), 0);
  }

  /** "unknown": no fold took it from a file. */
  stateOf(bytenr: number): "gone" | "alive" | "unknown" {
    let low = 0;
    let high = this.#bytenrs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bytenrs[middle] ?? 0) < bytenr) low = middle + 1;
      else high = middle;
    }
    if (this.#bytenrs[low] !== bytenr) return "unknown";
    return this.#alive[low] === 0 ? "gone" : "alive";
  }

  /** Extents that something still refers to. */
  *survivors(): Generator<{ bytenr: number; diskBytes: number }> {
    for (const [k, bytenr] of this.#bytenrs.entries()) {
      if (this.#alive[k] !== 0) yield { bytenr, diskBytes: this.#diskBytes[k] ?? 0 };
    }
  }
}

/**
 * Measures what a run freed: it keeps the extents that files had before their
 * ranges were moved, and looks afterwards which of them are gone.
 */
export class FreedMeter {
  /** Triples: address on disk, bytes on disk, generation of the filesystem when it was seen. */
  #extents = new Float64Array(FIRST_CAPACITY * 3);
  #count = 0;
  #written = 0;
  readonly #copies: { bytenr: number; diskBytes: number; generation: number }[] = [];

  /**
   * Notes an extent that the fold takes from a file.
   * @param generation of the filesystem while the file was locked: an extent at
   *   the same address that is newer is another one
   */
  note(extent: Pick<Extent, "bytenr" | "diskBytes">, generation: number): void {
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
   * Notes extents that the fold wrote anew, of which it is not known whether
   * anything will refer to them: those that are there in the end count as written.
   * @param extents bytenr -> bytes on disk
   * @param generation of the filesystem, no earlier than theirs
   */
  noteCopy(extents: ReadonlyMap<number, number>, generation: number): void {
    for (const [bytenr, diskBytes] of extents) this.#copies.push({ bytenr, diskBytes, generation });
  }

  /**
   * Looks which of the extents noted since the last call are gone. Sync the
   * volume first: references are dropped when a transaction commits.
   * @throws NativeError
   */
  async measure(
    volume: FoldVolume,
    control: Control,
    progress: (done: number, total: number) => void,
  ): Promise<Measured> {
    const order = this.#unique();
    const total = order.length;
    const field = (k: number): Float64Array =>
      Float64Array.from(order, (index) => this.#extents[index * 3 + k] ?? 0);
    const [bytenrs, diskBytes, generations] = [field(0), field(1), field(2)];
    const alive = await findAlive(volume, bytenrs, generations, control, (done) => {
      progress(done, total);
    });
    const copies = await findAlive(
      volume,
      Float64Array.from(this.#copies, ({ bytenr }) => bytenr),
      Float64Array.from(this.#copies, ({ generation }) => generation),
      control,
      () => undefined,
    );
    const kept = this.#copies.filter((_, k) => copies[k] !== 0);
    const written = kept.reduce((sum, copy) => sum + copy.diskBytes, this.#written);
    const measured = new Measured(bytenrs, diskBytes, alive, written);
    this.#copies.length = 0;
    this.#extents = new Float64Array(FIRST_CAPACITY * 3);
    this.#count = 0;
    this.#written = 0;
    return measured;
  }

  /** Each extent once, ascending by address. */
  #unique(): Uint32Array {
    const at = (k: number, field: number): number => this.#extents[k * 3 + field] ?? 0;
    const order = Uint32Array.from({ length: this.#count }, (_, k) => k);
    // of one extent seen twice the later sight comes first
    order.sort((a, b) => at(a, 0) - at(b, 0) || at(b, 2) - at(a, 2));
    let last = -1;
    return order.filter((k) => {
      const first = at(k, 0) !== last;
      last = at(k, 0);
      return first;
    });
  }
}

/**
 * Which extents are there, no newer than a generation each.
 * @returns 1 where one is
 */
async function findAlive(
  volume: FoldVolume,
  bytenrs: Float64Array,
  generations: Float64Array,
  control: Control,
  progress: (done: number) => void,
): Promise<Uint8Array> {
  const alive = new Uint8Array(bytenrs.length);
  // one call looks for extents of one generation
  const byGeneration = new Map<number, number[]>();
  for (const [k, generation] of generations.entries()) {
    const list = byGeneration.get(generation);
    if (list === undefined) byGeneration.set(generation, [k]);
    else list.push(k);
  }
  let done = 0;
  for (const [generation, list] of byGeneration) {
    for (let start = 0; start < list.length; start += BATCH) {
      const some = list.slice(start, start + BATCH);
      const addresses = Float64Array.from(some, (k) => bytenrs[k] ?? 0);
      const found = new Uint8Array(some.length);
      await callAsync(
        "rf_extents_alive",
        volume.dir,
        addresses,
        some.length,
        generation,
        found,
        control.buffer,
      );
      some.forEach((k, at) => (alive[k] = found[at] ?? 0));
      done += some.length;
      progress(done);
    }
  }
  return alive;
}
