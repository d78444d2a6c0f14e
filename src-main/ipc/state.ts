/** What the window and the tray show: made by the main process, read by both. Plain data. */
import type {
  ErrorData,
  FoldResultInfo,
  RepairResultInfo,
  Result,
  TaskProgress,
  VolumeInfo,
} from "../../src-helper/rpc/protocol.ts";
import type { Settings } from "../settings/schema.ts";

export type TaskKind = "scan" | "fold" | "names" | "stuck" | "repair" | "demo";

/** How a task ended. */
export type TaskResult =
  | { readonly kind: "scan"; readonly totals: Result<"scan"> }
  | { readonly kind: "fold"; readonly result: FoldResultInfo }
  | { readonly kind: "repair"; readonly result: RepairResultInfo }
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly error: ErrorData };

/** A long piece of work of the helper. */
export interface Task {
  readonly id: string;
  readonly kind: TaskKind;
  /** uuid; null for the demo's making. */
  readonly volume: string | null;
  readonly startedAt: number;
  /** null before the first. */
  readonly progress: Omit<TaskProgress, "task"> | null;
  /** Units of progress a second, over the last seconds; null while not known. */
  readonly rate: number | null;
  /** Milliseconds left in this phase; null while not known. */
  readonly etaMs: number | null;
  /** Cancel was asked for; the step at hand ends first. */
  readonly cancelling: boolean;
  /** null while it runs. A fold's stays until it is dismissed; others go by themselves. */
  readonly result: TaskResult | null;
}

export interface HelperState {
  /**
   * "user": runs without root's rights and lists volumes only. "observing": lists and scans without a
   * password; what shows names or changes files asks for one. "running": everything.
   */
  readonly status: "starting" | "user" | "observing" | "running" | "lost";
  /** Why it was lost, or could not be started. */
  readonly error: ErrorData | null;
}

export interface AppState {
  readonly version: string;
  readonly helper: HelperState;
  /** null before they were first listed. */
  readonly volumes: readonly VolumeInfo[] | null;
  readonly tasks: readonly Task[];
  /** Files that are known to be stuck, by volume. */
  readonly stuck: Readonly<Record<string, { readonly ours: number; readonly unknown: number }>>;
  readonly settings: Settings;
  /** What the settings' "system" came to: "en" or "de". */
  readonly locale: "en" | "de";
  readonly tray: boolean;
  /** When the schedule next scans: a moment, "idle" (when idle and on mains), or null (off). */
  readonly nextScan: number | "idle" | null;
}
