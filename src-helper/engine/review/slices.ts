import { RefoldError } from "../errors.ts";

/** How long a piece of long work may hold the event loop: milliseconds. */
const SLICE_MS = 8;

/** Cuts long work into slices, so that requests are answered between them. */
export class Slices {
  readonly #signal: AbortSignal;
  #start = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the slice is used up: then await next(). Costs as much as reading a clock. */
  get over(): boolean {
    return performance.now() - this.#start > SLICE_MS;
  }

  /** Lets others run. @throws the signal's reason where the work is not wanted any more */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#signal.throwIfAborted();
    this.#start = performance.now();
  }
}

/** Work done one after the other, in the order in which it was asked for. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#last.then(work);
    // who asked is told; who comes next begins all the same
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/**
 * Waits for work that goes on whatever happens.
 * @throws RefoldError "cancelled" where the signal is aborted before
 */
export async function unlessCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const cancelled = Promise.withResolvers<never>();
  const cancel = (): void => {
    cancelled.reject(new RefoldError("cancelled", "cancelled"));
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    if (signal.aborted) cancel();
    return await Promise.race([work, cancelled.promise]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
