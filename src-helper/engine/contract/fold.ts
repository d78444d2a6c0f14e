/** A fold: how it is asked for, what it came to, and why it came to less. */
import type { PathBytes } from "./base.ts";
import type { DeepOptions, DeepTotals } from "./groups.ts";

/** Why a file was not folded. Closed set, documented in docs/skip-reasons.md. */
export const SKIP_REASONS = [
  "in-use", // open for writing or mapped writable; detail names the process
  "changed", // not the file that was scanned any more
  "differs", // the kernel found differing bytes
  "immutable", // was immutable before Refold came
  "nocow", // one side NOCOW (no checksums), the other not
  "swap-file",
  "read-only", // in a read-only subvolume or mount
  "no-space",
  "io-error",
  "not-permitted",
  "send-running", // a btrfs send holds the snapshot
  "ruled-out", // a rule or an attribute says never
  "cancelled",
  "other",
] as const;

export type SkipReason = (typeof SKIP_REASONS)[number];

export interface Skipped {
  readonly path: PathBytes;
  readonly reason: SkipReason;
  /** A sentence. */
  readonly detail: string;
}

export interface FoldOptions {
  /** "immutable": +i and a read lease, journaled. "lease": the lease alone, ctime untouched. */
  readonly lock: "immutable" | "lease";
  /** Defragment each source before it is folded onto. */
  readonly defrag: boolean;
  /** "idle": idle I/O class and nice 19. "normal": as the process came. */
  readonly priority: "idle" | "normal";
  /** Fold ranges that occur more than once, too; absent: whole files only. */
  readonly deep?: DeepOptions;
}

/** Why bytes that were promised did not come back: a file was not folded, or something else. */
export const DIFFERENCE_CAUSES = [
  ...SKIP_REASONS,
  "pinned", // every file let go of the extent, and something that the scan did not know holds it
  "rewritten", // more, or less, was written anew than was reckoned with
  "replanned", // once whole files were folded, other ranges were left to free than foreseen
  "mended", // what an earlier run was cut off in was ended first, and gave something back
] as const;

export type DifferenceCause = (typeof DIFFERENCE_CAUSES)[number];

export interface Difference {
  readonly cause: DifferenceCause;
  /** Promised and not freed; negative where more came back than was promised. */
  readonly bytes: number;
  /** Of "pinned": who holds the extents, as far as it was looked up. An extent that several hold counts for each. */
  readonly subvolumes?: readonly { readonly path: PathBytes; readonly bytes: number }[];
}

export interface FoldResult {
  readonly uuid: string;
  readonly runId: number;
  readonly groups: number;
  /** Files folded. */
  readonly files: number;
  readonly predictedBytes: number;
  readonly freedBytes: number;
  /** What predictedBytes and freedBytes differ by: the sum of these. Absent or empty where they do not. */
  readonly differences?: readonly Difference[];
  readonly elapsedMs: number;
  readonly skipped: readonly Skipped[];
  readonly cancelled: boolean;
  /** Where ranges were folded: extents that were freed by it, which `groups` counts too, and bytes written anew. */
  readonly ranges?: { readonly extents: number; readonly rewrittenBytes: number };
}

/** What --dry-run and the question before a fold tell. */
export interface FoldPreview {
  readonly groups: number;
  readonly files: number;
  readonly predictedBytes: number;
  /** Bytes that read-only snapshots keep after a fold without --snapshots. */
  readonly pinnedBytes: number;
  /**
   * With Selection.snapshots: bytes of metadata that the fold of whole files takes at most, since leaves
   * that snapshots share with their origins are stored anew. Not taken off predictedBytes.
   */
  readonly metadataBytes?: number;
  /** --defrag: bytes of sources that are shared outside their groups, so would be written anew. */
  readonly unsharedBytes: number;
  /** The part that ranges have in predictedBytes, where they were asked for. */
  readonly deep?: DeepTotals;
}

/** How a fold of named files ended, one entry a destination. */
export interface FileOutcome {
  readonly path: PathBytes;
  readonly outcome: "folded" | "already-shared" | SkipReason;
  readonly detail: string;
}

export interface FoldFilesResult {
  readonly source: PathBytes;
  readonly files: readonly FileOutcome[];
  readonly freedBytes: number;
  readonly cancelled: boolean;
}
