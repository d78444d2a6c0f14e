/** A task's progress in figures, for its card, the strip and what is read out. */
import type { Task } from "../../src-main/ipc/state.ts";
import type { Texts } from "../i18n/index.ts";
import type { Format } from "./use-format.ts";

/** 0 to 1; null while no total is known. */
export function shareDone(task: Task): number | null {
  const progress = task.progress;
  if (progress === null || progress.total === null || progress.total === 0) return null;
  return Math.min(1, progress.done / progress.total);
}

/** "1,180,224 of 2,100,000 files", "17.3 GiB of 48.6 GiB"; null before the first progress. */
export function amountDone(task: Task, texts: Texts, format: Format): string | null {
  if (task.progress === null) return null;
  const { done, total, unit } = task.progress;
  if (unit === "bytes") {
    if (total === null) return format.bytes(done);
    return texts.t("volumes.task.of", { done: format.bytes(done), total: format.bytes(total) });
  }
  const key = unit === "files" ? "volumes.unit.files" : "volumes.unit.extents";
  if (total === null) return texts.n(key, done);
  return texts.t("volumes.task.of", { done: format.count(done), total: texts.n(key, total) });
}

/** "about 9 s left"; null while it is not known or the task stands still. */
export function timeLeft(task: Task, texts: Texts, format: Format): string | null {
  if (task.etaMs === null || task.cancelling || task.progress?.paused === true) return null;
  // the last seconds are never known to a tenth
  if (task.etaMs < 10_000) return texts.t("volumes.task.leftSoon");
  return texts.t("volumes.task.left", { time: format.duration(task.etaMs) });
}

/** What the task is: "Folding", "Paused", "Ending after the step at hand". */
export function taskHeading(task: Task, texts: Texts): string {
  if (task.cancelling) return texts.t("volumes.task.cancelling");
  if (task.progress?.paused === true) return texts.t("volumes.task.paused");
  return texts.t(`volumes.task.${task.kind}`);
}
