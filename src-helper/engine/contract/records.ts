/** Files that are stuck, and past runs. */
import type { PathBytes } from "./base.ts";
import type { Difference, SkipReason } from "./fold.ts";

export interface StuckFile {
  /** e.g. "256:1234:77": subvolume, inode, generation. */
  readonly id: string;
  readonly volume: string;
  readonly path: PathBytes;
  readonly inode: number;
  readonly origin: "refold" | "unknown";
  /** When Refold set the flag; for an unknown one when it was first seen so. null: not known. */
  readonly since: number | null;
}

export interface RepairResult {
  readonly repaired: readonly string[];
  readonly failed: readonly { id: string; path: PathBytes; reason: string }[];
}

export interface HistoryRun {
  readonly id: number;
  readonly volume: string;
  readonly startedAt: number;
  /** null: the run was cut off (power loss, SIGKILL). */
  readonly finishedAt: number | null;
  readonly state: "done" | "cancelled" | "interrupted";
  readonly groups: number;
  readonly files: number;
  readonly predictedBytes: number;
  /** null: was never measured. */
  readonly freedBytes: number | null;
  /** What predictedBytes and freedBytes differ by; empty also for runs of versions that did not know. */
  readonly differences: readonly Difference[];
  readonly skipped: number;
  /** Extents that were freed by moving ranges, which `groups` counts too, and bytes written anew; absent: none. */
  readonly ranges?: { readonly extents: number; readonly rewrittenBytes: number };
}

export interface HistoryFile {
  readonly path: PathBytes;
  readonly inode: number;
  readonly outcome: "folded" | SkipReason;
  readonly detail: string;
}
