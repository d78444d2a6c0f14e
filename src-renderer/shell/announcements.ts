/** What a screen reader is told of running tasks: beginnings, quarters, ends. */
import type { Task } from "../../src-main/ipc/state.ts";
import { shareDone } from "../lib/task-figures.ts";

export interface Announcement {
  readonly what: "begun" | "share" | "paused" | "done" | "cancelled" | "failed";
  readonly task: Task;
  /** Quarters done, of "share". */
  readonly quarter: number;
}

function quarterOf(task: Task): number {
  return Math.floor((shareDone(task) ?? 0) * 4);
}

function ending(task: Task): Announcement["what"] {
  if (task.result?.kind === "failed") return "failed";
  const cancelled =
    task.result?.kind === "cancelled" || (task.result?.kind === "fold" && task.result.result.cancelled);
  return cancelled ? "cancelled" : "done";
}

/** What has changed between two moments that is worth a sentence; at most one a task. */
export function announcements(before: readonly Task[], after: readonly Task[]): readonly Announcement[] {
  const found: Announcement[] = [];
  for (const task of after) {
    const was = before.find((one) => one.id === task.id);
    const quarter = quarterOf(task);
    const say = (what: Announcement["what"]): void => void found.push({ what, task, quarter });
    if (task.result !== null) {
      if (was?.result === null) say(ending(task));
    } else if (was === undefined) say("begun");
    else if (task.progress?.paused === true) {
      if (was.progress?.paused !== true) say("paused");
      // a new phase begins at nothing again: that is not worth a word, its first quarter is
    } else if (quarter > quarterOf(was) && quarter < 4) say("share");
  }
  return found;
}
