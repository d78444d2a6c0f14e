/** What a scan does one after the other, for --verbose and the scale bench. */
export type ScanStep = "flush" | "trees" | "extents" | "contents" | "indexes" | "sums" | "commit";

/** Says how long each step took. */
export class Stopwatch {
  readonly #took = new Map<ScanStep, number>();
  #since = performance.now();

  /** A step is done; what was since the one before counts for it. */
  done(step: ScanStep): void {
    const now = performance.now();
    this.#took.set(step, (this.#took.get(step) ?? 0) + now - this.#since);
    this.#since = now;
  }

  /** "trees 812 ms, contents 97 ms, ..." */
  toString(): string {
    return Array.from(this.#took, ([step, ms]) => `${step} ${ms.toFixed(0)} ms`).join(", ");
  }
}
