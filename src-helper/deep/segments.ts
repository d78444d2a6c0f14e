import { sortNumbersInTurns } from "./sort.ts";
import type { Turns } from "./turns.ts";
import type { Occurrences } from "./space.ts";

/**
 * Canonical sectors cut wherever an occurrence begins or ends, so that an
 * occurrence covers segments whole. A segment is one content.
 */
export class Segments {
  readonly #cuts: Float64Array;

  private constructor(cuts: Float64Array) {
    this.#cuts = cuts;
  }

  /** @throws what turns throw */
  static async of({ canon, length }: Occurrences, turns: Turns): Promise<Segments> {
    const ends = new Float64Array(2 * canon.length);
    for (let k = 0; k < canon.length; k++) {
      ends[2 * k] = canon[k] ?? 0;
      ends[2 * k + 1] = (canon[k] ?? 0) + (length[k] ?? 0);
      if (k % 1024 === 0 && turns.over) await turns.next();
    }
    const cuts = await sortNumbersInTurns(ends, turns);
    let count = 0;
    for (const value of cuts) {
      if (count === 0 || cuts[count - 1] !== value) cuts[count++] = value;
    }
    return new Segments(cuts.slice(0, count));
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
  of({ canon, length }: Occurrences, occurrence: number): { first: number; end: number } {
    const first = canon[occurrence] ?? 0;
    return { first: this.at(first), end: this.at(first + (length[occurrence] ?? 0)) };
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
