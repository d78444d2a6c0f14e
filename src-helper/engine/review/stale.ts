/**
 * What a review shows is not what the index says any more, or somebody named a
 * thing that it does not have. It has to be opened anew.
 */
export class StaleReviewError extends Error {
  override readonly name = "StaleReviewError";
}

/** The volume was scanned, folded or mended since the review was opened. */
export function outOfDate(): StaleReviewError {
  return new StaleReviewError("The volume was scanned or folded since this review was opened");
}

/** Other files may be touched now than were shown. */
export function rulesChanged(): StaleReviewError {
  return new StaleReviewError("Rules of folders were changed since this review was opened");
}
