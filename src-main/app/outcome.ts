import type { TaskResult } from "../ipc/state.ts";
import { appError, AppError } from "./app-error.ts";

/** A task's result, for who waited for it. @throws AppError where it failed or was cancelled */
export function outcome(result: TaskResult): TaskResult {
  if (result.kind === "failed") throw new AppError(result.error);
  if (result.kind === "cancelled") throw appError("cancelled", "It was cancelled.", {});
  return result;
}
