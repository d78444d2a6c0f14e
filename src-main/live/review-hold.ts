import type { Method } from "../../src-helper/rpc/protocol.ts";

const MINUTE = 60_000;
/** Somebody who only looked has gone by then. */
export const LOOK_MS = 10 * MINUTE;
/** Choices are worth more: a lunch, a meeting. After that the figure is. */
export const CHOICES_MS = 12 * 60 * MINUTE;

interface InHand {
  readonly volume: string;
  usedAt: number;
  /** Something was ticked, unticked or left out. */
  chosen: boolean;
}

/**
 * Which reviews somebody has in hand. A scan that finds anything makes a review
 * of the volume out of date, with all that was chosen in it: none that nobody
 * asked for may do that. A page keeps its review while other views are shown,
 * so what counts is what was done in it, and when.
 */
export class ReviewHold {
  readonly #now: () => number;
  readonly #reviews = new Map<string, InHand>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The helper has answered a request; what is not about reviews is passed over. */
  answered(method: Method, params: unknown, result: unknown): void {
    if (method === "review.open") {
      const { review, volume } = result as { review: string; volume: string };
      const before = this.#reviews.get(review);
      for (const [id, one] of this.#reviews) if (one.volume === volume) this.#reviews.delete(id);
      this.#reviews.set(review, { volume, usedAt: this.#now(), chosen: before?.chosen ?? false });
      return;
    }
    if (!method.startsWith("review.")) return;
    const { review } = params as { review: string };
    const known = this.#reviews.get(review);
    if (known === undefined) return;
    known.usedAt = this.#now();
    if (method === "review.tick" || method === "review.exclude") known.chosen = true;
    // what was chosen is done
    if (method === "review.fold" || method === "review.close") this.#reviews.delete(review);
  }

  /** Whether somebody has a review of the volume in hand. */
  holds(volume: string): boolean {
    const now = this.#now();
    return [...this.#reviews.values()].some(
      (one) => one.volume === volume && now - one.usedAt < (one.chosen ? CHOICES_MS : LOOK_MS),
    );
  }

  /** A new helper knows none of them. */
  forget(): void {
    this.#reviews.clear();
  }
}
