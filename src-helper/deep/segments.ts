import type { Occurrence, SpaceExtent } from "./space.ts";

/**
 * Canonical sectors cut wherever an occurrence begins or ends, so that an
 * occurrence covers segments whole. A segment is one content.
 */
export class Segments {
  readonly #cuts: Float64Array;

  constructor(extents: readonly SpaceExtent[]) {
    const ends = new Float64Array(2 * extents.reduce((sum, { occurrences }) => sum + occurrences.length, 0));
    let filled = 0;
    for (const extent of extents) {
      for (const { canon, length } of extent.occurrences) {
        ends[filled++] = canon;
        ends[filled++] = canon + length;
      }
    }
    ends.sort();
    let count = 0;
    for (const value of ends) {
      if (count === 0 || ends[count - 1] !== value) ends[count++] = value;
    }
    this.#cuts = ends.slice(0, count);
  }

  get size(): number {
    return this.#cuts.length;
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
}
