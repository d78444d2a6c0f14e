import { setImmediate } from "node:timers/promises";
import { Turns } from "../../deep/turns.ts";
import { RefoldError } from "../errors.ts";

/** Turns of a review's work, so that requests are answered between them; they end with the signal's reason. */
export class Slices extends Turns {
  constructor(signal: AbortSignal) {
    super(async () => {
      await setImmediate();
      signal.throwIfAborted();
    });
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
