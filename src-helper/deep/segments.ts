import type { Occurrence, SpaceExtent } from "./space.ts";

/**
 * Canonical sectors cut wherever an occurrence begins or ends, so that an
 * occurrence covers segments whole. A segment is one content; what is counted
 * is how many copies of it are to stay.
 */
export class Segments {
  readonly #cuts: Float64Array;
  /** Occurrences of each segment that are to stay. */
  readonly copies: Int32Array;
  /** A victim counts on a copy of it: the last one must stay. */
  readonly needed: Uint8Array;

  constructor(extents: readonly SpaceExtent[]) {
    const ends: number[] = [];
    for (const extent of extents) {
      for (const { canon, length } of extent.occurrences) ends.push(canon, canon + length);
    }
    const sorted = Float64Array.from(ends).sort();
    let count = 0;
    for (const value of sorted) {
      if (count === 0 || sorted[count - 1] !== value) sorted[count++] = value;
    }
    this.#cuts = sorted.slice(0, count);
    this.copies = new Int32Array(count);
    this.needed = new Uint8Array(count);
    for (const extent of extents) {
      for (const occurrence of extent.occurrences) this.#count(occurrence, 1);
    }
  }

  get size(): number {
    return this.copies.length;
  }

  /** First canonical sector of a segment. */
  start(segment: number): number {
    return this.#cuts[segment] ?? 0;
  }

  length(segment: number): number {
    return (this.#cuts[segment + 1] ?? 0) - (this.#cuts[segment] ?? 0);
  }

  /** The segments of an occurrence: [first, end). */
  of({ canon, length }: Occurrence): { first: number; end: number } {
    return { first: this.at(canon), end: this.at(canon + length) };
  }

  /** The segment that begins at, or holds, a canonical sector. */
  at(canon: number): number {
    let low = 0;
    let high = this.#cuts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#cuts[middle] ?? 0) <= canon) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The copies in an extent are not to stay. */
  remove(extent: SpaceExtent): void {
    for (const occurrence of extent.occurrences) this.#count(occurrence, -1);
  }

  #count(occurrence: Occurrence, change: number): void {
    const { first, end } = this.of(occurrence);
    for (let k = first; k < end; k++) this.copies[k] = (this.copies[k] ?? 0) + change;
  }
}
