import { getPriority } from "node:os";
import type { FoldOptions } from "../engine/contract.ts";
import { tryCall } from "../native/library.ts";

const IO_CLASS_NONE = 0;
const IO_CLASS_IDLE = 3;
const NICE_LOWEST = 19;
/** The nice value that the process came with; null while it has it. */
let cameWith: number | null = null;

/**
 * Gives way to everybody else where the options say so: idle I/O class and
 * nice 19, for every thread of this process, those of the pool included. It
 * stays so until restorePriority: foldPlans and foldFiles call it; a command
 * that should give way while it scans too calls it at its start. Where the
 * kernel refuses, the work goes on at the priority that it has.
 */
export function applyPriority(options: Pick<FoldOptions, "priority">): void {
  if (options.priority !== "idle") return;
  cameWith ??= getPriority();
  tryCall("rf_set_priority", IO_CLASS_IDLE, 0, NICE_LOWEST);
}

/** The idle I/O class alone, for short work of a process that lives on: a nice value is not had back by everybody. */
export function giveWayOnDisk(): void {
  cameWith ??= getPriority();
  tryCall("rf_set_priority", IO_CLASS_IDLE, 0, getPriority());
}

/** Takes applyPriority back, for a process that lives on after the work. Needs CAP_SYS_NICE. */
export function restorePriority(): void {
  if (cameWith === null) return;
  tryCall("rf_set_priority", IO_CLASS_NONE, 0, cameWith);
  cameWith = null;
}
