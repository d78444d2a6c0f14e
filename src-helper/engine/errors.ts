/** What went wrong, as a closed set: the command line turns it into an exit code. */
export type ErrorCode =
  | "usage" // the call's words are off
  | "permission" // needs root, or a capability that is missing
  | "no-volume" // not btrfs, not mounted, no such volume
  | "busy" // another run holds the volume
  | "cancelled"
  | "failed"; // anything else that was tried and did not work

export interface ErrorDetails {
  readonly kept?: string;
  readonly next?: string;
  readonly cause?: unknown;
}

/**
 * An error that a person can act on.
 *
 * message says what happened; kept, what was kept safe (empty where nothing
 * was at risk); next, what to do now. Each is a sentence.
 */
export class RefoldError extends Error {
  override readonly name = "RefoldError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }
}

/** Makes the compiler see that a closed set was handled whole. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${String(value)}`);
}
