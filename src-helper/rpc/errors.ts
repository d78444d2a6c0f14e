import { RefoldError } from "../engine/errors.ts";
import type { ErrorData } from "./protocol.ts";

/**
 * An error that only this boundary knows ("stale", "refused"), or any other of
 * the closed set of errorDataSchema. A handler throws it, or a RefoldError.
 *
 * message says what happened; kept, what was kept safe; next, what to do now.
 */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: ErrorData["code"];
  readonly kept: string;
  readonly next: string;

  constructor(
    code: ErrorData["code"],
    message: string,
    details: { readonly kept?: string; readonly next?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.kept = details.kept ?? "";
    this.next = details.next ?? "";
  }
}

/** Longest text of an error that leaves the helper: characters. */
const MAX_TEXT = 4096;

/**
 * What the other side is told of an error. Of one that nobody foresaw it is
 * told no more than that: `unexpected` gets it whole, for the log.
 */
export function toErrorData(error: unknown, unexpected: (error: unknown) => void): ErrorData {
  if (error instanceof RpcError) {
    return clip({ code: error.code, message: error.message, kept: error.kept, next: error.next });
  }
  if (error instanceof RefoldError) {
    const { kept = "", next = "" } = error.details;
    return clip({ code: error.code, message: error.message, kept, next });
  }
  unexpected(error);
  return {
    code: "failed",
    message: "The helper met an error that it does not know.",
    kept: "Every file is unlocked, or listed among the stuck files.",
    next: "Try again. If it comes back, report it with the helper's log.",
  };
}

function clip(data: ErrorData): ErrorData {
  const short = (text: string): string => (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`);
  return { code: data.code, message: short(data.message), kept: short(data.kept), next: short(data.next) };
}
