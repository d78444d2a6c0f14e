import { setImmediate } from "node:timers/promises";
import type { PathBytes, Phase, Progress, RunContext } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import { callAsync, Control, NativeError } from "../native/library.ts";

/** What the steps of a scan share. */
export interface ScanContext {
  /** Any open directory of the volume. */
  readonly dir: number;
  readonly sectorSize: number;
  readonly csumSize: number;
  readonly uuid: string;
  /** The filesystem's generation, that of a transaction under way included. */
  generation(): number;
  readonly run: RunContext;
  /** A path to show for an inode. Never throws. */
  pathOf(subvolume: number, inode: number): PathBytes;
  /** Bytes of file data read so far. */
  bytesRead: number;
}

const PROGRESS_INTERVAL_MS = 100;

/**
 * Runs a long native call so that it can be cancelled, and reports its progress.
 *
 * @param work gets the control block to pass on
 * @throws RefoldError "cancelled"
 */
export async function runNative(
  context: ScanContext,
  progress: (done: number) => Pick<Progress, "phase" | "done" | "total" | "unit">,
  work: (control: Control) => Promise<number>,
): Promise<number> {
  // where nothing holds, the call is under way when this returns: who goes on with something else counts on it
  const gate = context.run.gate?.();
  if (gate !== undefined) await gate;
  throwIfCancelled(context.run);
  const control = new Control();
  const cancel = (): void => {
    control.cancel();
  };
  context.run.signal.addEventListener("abort", cancel, { once: true });
  const report = (): void => {
    context.run.progress({ ...progress(control.done), volume: context.uuid });
  };
  const timer = setInterval(report, PROGRESS_INTERVAL_MS);
  try {
    const result = await work(control);
    report();
    return result;
  } catch (error) {
    if (error instanceof NativeError && error.code === "ECANCELED") throw cancelledError();
    throw error;
  } finally {
    clearInterval(timer);
    context.run.signal.removeEventListener("abort", cancel);
    context.bytesRead += control.bytesRead;
  }
}

export function reportPhase(context: ScanContext, phase: Phase, done: number, total: number | null): void {
  context.run.progress({ phase, done, total, unit: "files", volume: context.uuid });
}

/** Lets others of this thread have their turn: a cancel, say. */
export async function breathe(context: Pick<ScanContext, "run">): Promise<void> {
  await setImmediate();
  throwIfCancelled(context.run);
}

export function throwIfCancelled(run: RunContext): void {
  if (run.signal.aborted) throw cancelledError();
}

function cancelledError(): RefoldError {
  return new RefoldError("cancelled", "cancelled", {
    kept: "No file was changed; the last scan is kept as it was.",
  });
}

/** Waits for the filesystem to write what it holds, so that new data has extents. */
export async function flushVolume(context: ScanContext): Promise<void> {
  context.run.progress({ phase: "sync", done: 0, total: null, unit: "files", volume: context.uuid });
  await callAsync("rf_syncfs", context.dir);
}
