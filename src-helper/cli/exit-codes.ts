import { assertNever, type ErrorCode } from "../engine/errors.ts";

/** What the process says of itself at its end; documented in the root help. */
export const EXIT = {
  done: 0,
  /** Done, but some files were skipped, or something failed. */
  incomplete: 1,
  usage: 2,
  notPermitted: 3,
  noVolume: 4,
  cancelled: 130,
} as const;

export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case "usage":
      return EXIT.usage;
    case "permission":
      return EXIT.notPermitted;
    case "no-volume":
      return EXIT.noVolume;
    case "busy":
    case "failed":
      return EXIT.incomplete;
    case "cancelled":
      return EXIT.cancelled;
    default:
      return assertNever(code);
  }
}
