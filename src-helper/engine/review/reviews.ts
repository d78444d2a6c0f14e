import type { Choices } from "./choices.ts";
import { Review, type ReviewRequest } from "./review.ts";
import { Queue } from "./slices.ts";
import { StaleReviewError } from "./stale.ts";

/** The open reviews: one a volume at a time. */
export class OpenReviews {
  readonly #byVolume = new Map<string, Review>();
  /** What was ticked in the last one of each. */
  readonly #choices = new Map<string, Choices>();
  /** Two that open one volume at the same time get the same review. */
  readonly #queue = new Queue();

  /**
   * The review of such a request: the one that is open, if nothing but the
   * excludes is different, else a new one in its place. What is there of files
   * that were not ticked in that is not ticked in the new one.
   * @throws as Review
   */
  open(request: ReviewRequest): Promise<Review> {
    return this.#queue.run(async () => {
      const known = this.#byVolume.get(request.uuid);
      if (known?.serves(request) === true) {
        await known.exclude(request.exclude);
        return known;
      }
      this.drop(request.uuid);
      const review = new Review({ ...request, choices: this.#choices.get(request.uuid) ?? null });
      this.#byVolume.set(request.uuid, review);
      try {
        if (request.exclude.length > 0) await review.exclude(request.exclude);
      } catch (error) {
        this.close(review.id);
        throw error;
      }
      return review;
    });
  }

  /** @throws StaleReviewError where it is not open (any more) */
  get(id: string): Review {
    for (const review of this.#byVolume.values()) if (review.id === id) return review;
    throw new StaleReviewError("This review is closed");
  }

  /** @returns the volume's uuid; @throws StaleReviewError */
  volumeOf(id: string): string {
    for (const [uuid, review] of this.#byVolume) if (review.id === id) return uuid;
    throw new StaleReviewError("This review is closed");
  }

  /** Closes one review, if it is open. */
  close(id: string): void {
    for (const [uuid, review] of this.#byVolume) if (review.id === id) this.drop(uuid);
  }

  /** Closes the review of a volume, if there is one. */
  drop(uuid: string): void {
    const review = this.#byVolume.get(uuid);
    if (review === undefined) return;
    this.#byVolume.delete(uuid);
    const choices = review.choices();
    if (choices !== null) this.#choices.set(uuid, choices);
    review.close();
  }

  closeAll(): void {
    for (const uuid of [...this.#byVolume.keys()]) this.drop(uuid);
  }
}
