import type { ErrorData } from "../../src-helper/rpc/protocol.ts";

/** An error that a person can act on; `data` is what the page and the tray are told of it. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly data: ErrorData;

  constructor(data: ErrorData, cause?: unknown) {
    super(data.message, cause === undefined ? undefined : { cause });
    this.data = data;
  }
}

/** Shorthand for an AppError. kept: what was kept safe; next: what to do now. Each is a sentence or empty. */
export function appError(
  code: ErrorData["code"],
  message: string,
  { kept = "", next = "", cause }: { kept?: string; next?: string; cause?: unknown } = {},
): AppError {
  return new AppError({ code, message, kept, next }, cause);
}

/** What a caller outside is told of any error: of an unexpected one nothing but that it happened. */
export function errorDataOf(error: unknown): ErrorData {
  if (error instanceof AppError) return error.data;
  return {
    code: "failed",
    message: "Something inside Refold went wrong.",
    kept: "",
    next: "Try it again. The log says more.",
  };
}
