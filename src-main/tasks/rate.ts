/** Speed of the last seconds, and the time that is left at it. */

interface Sample {
  readonly at: number;
  readonly done: number;
}

const WINDOW_MS = 8000;
/** A rate of less than this is a guess that would jump about. */
const SHORTEST_MS = 1000;

export interface Rate {
  /** Units a second; null while not known. */
  readonly rate: number | null;
  /** Milliseconds; null while not known. */
  readonly etaMs: number | null;
}

/**
 * Measures one task. A new phase, a step back and a pause begin anew: what was
 * before says nothing of what comes.
 *
 * @param now milliseconds of a clock that does not jump
 */
export class RateMeter {
  readonly #now: () => number;
  #samples: Sample[] = [];
  #phase = "";

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes what was reported and returns the rate with it. */
  add(progress: {
    readonly phase: string;
    readonly done: number;
    readonly total: number | null;
    readonly unit: string;
    readonly paused: boolean;
  }): Rate {
    const phase = `${progress.phase} ${progress.unit}`;
    const last = this.#samples.at(-1);
    if (progress.paused || phase !== this.#phase || (last !== undefined && progress.done < last.done)) {
      this.#samples = [];
    }
    this.#phase = phase;
    if (progress.paused) return { rate: null, etaMs: null };
    const at = this.#now();
    this.#samples.push({ at, done: progress.done });
    // one sample older than the window stays, so that sparse reports are measured too
    while ((this.#samples[1]?.at ?? Infinity) <= at - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || at - first.at < SHORTEST_MS) return { rate: null, etaMs: null };
    const rate = ((progress.done - first.done) * 1000) / (at - first.at);
    const left = progress.total === null ? null : Math.max(0, progress.total - progress.done);
    return { rate, etaMs: left === null || rate <= 0 ? null : Math.round((left * 1000) / rate) };
  }
}
