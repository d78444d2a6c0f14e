import type { Contents } from "./contents.ts";

/**
 * Which extents stay, and what that is worth: bytes of those that go, less
 * `factor` times what must be written anew for it. A content is written once,
 * however many of those that go have held it, and not at all while one that
 * stays holds it.
 */
export class Stay {
  readonly #contents: Contents;
  /** 1 where an extent stays; at first all do. */
  readonly stays: Uint8Array;
  /** Of each segment, how many of the extents that stay hold it. */
  readonly #covered: Int32Array;
  /** What one byte that is written counts. */
  factor = 1;
  /** Bytes that are written anew. */
  written = 0;
  /** Bytes of the extents that go. */
  gone = 0;
  /** Segments looked at so far: a measure of the work done. */
  work = 0;

  constructor(contents: Contents) {
    this.#contents = contents;
    this.stays = new Uint8Array(contents.count).fill(1);
    this.#covered = new Int32Array(contents.segments.size);
    for (let k = 0; k < this.#covered.length; k++) this.#covered[k] = contents.holders.size(k);
  }

  /** Bytes written anew for an extent alone, were it to go, or since it went. */
  alone(extent: number): number {
    const { held, weight, own } = this.#contents;
    const last = this.stays[extent] === 1 ? 1 : 0;
    const end = held.first[extent + 1] ?? 0;
    let bytes = own[extent] ?? 0;
    let k = held.first[extent] ?? 0;
    this.work += end - k;
    for (; k < end; k++) {
      const segment = held.values[k] ?? 0;
      if (this.#covered[segment] === last) bytes += weight[segment] ?? 0;
    }
    return bytes;
  }

  /** What is won where an extent goes that stays, or the other way round. */
  worth(extent: number): number {
    const { bytes, items } = this.#contents;
    const gain = (bytes[extent] ?? 0) - (items[extent] ?? 0) - this.factor * this.alone(extent);
    return this.stays[extent] === 1 ? gain : -gain;
  }

  /** Lets an extent go that stays, or the other way round. */
  toggle(extent: number): void {
    const { held, bytes } = this.#contents;
    const alone = this.alone(extent);
    const change = this.stays[extent] === 1 ? -1 : 1;
    this.stays[extent] = change === 1 ? 1 : 0;
    this.written -= change * alone;
    this.gone -= change * (bytes[extent] ?? 0);
    const end = held.first[extent + 1] ?? 0;
    for (let k = held.first[extent] ?? 0; k < end; k++) {
      const segment = held.values[k] ?? 0;
      this.#covered[segment] = (this.#covered[segment] ?? 0) + change;
    }
  }

  /** Bytes that the filesystem gains. */
  get freed(): number {
    return this.gone - this.written;
  }
}
