/** How long work may hold the event loop at a time: milliseconds. */
const TURN_MS = 8;

/** Cuts long work into turns, between which others have theirs: a call to the helper, or a cancel. */
export class Turns {
  readonly #breathe: () => Promise<void>;
  #start = performance.now();

  /** @param breathe lets others run; throws where the work is to end */
  constructor(breathe: () => Promise<void>) {
    this.#breathe = breathe;
  }

  /** Whether the turn is used up: then await next(). Costs as much as reading a clock. */
  get over(): boolean {
    return performance.now() - this.#start > TURN_MS;
  }

  /** @throws what breathe throws */
  async next(): Promise<void> {
    await this.#breathe();
    this.#start = performance.now();
  }
}
