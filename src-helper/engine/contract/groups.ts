/** What is asked of a scan, and the groups that it finds. */
import type { PathBytes } from "./base.ts";

/** Narrows what a call looks at; every field has the default of the command line. */
export interface Selection {
  /** Files smaller than this are left out. */
  readonly minSize: number;
  /** Globs; a file whose path or one of whose folders matches is left out. */
  readonly exclude: readonly string[];
  /** Only files whose path matches; null for all. */
  readonly pathGlob: string | null;
  /** false: only duplicates inside one subvolume count. */
  readonly crossVolume: boolean;
  /** true: copies in read-only snapshots are folded too. */
  readonly snapshots: boolean;
  /** true: only files in folders that may be folded without asking; absent: what no rule leaves alone. */
  readonly always?: boolean;
}

/** What is said of a folder and everything below it; the nearest folder decides. */
export interface FolderRule {
  /** Absolute, as it is reached. */
  readonly path: PathBytes;
  /** "always": may be folded without asking. "never": not changed, not shared with, not locked. */
  readonly fold: "always" | "never";
  /** Filesystems that it finds something on now; none: the folder is not there, or not on a btrfs that is mounted. */
  readonly volumes: readonly string[];
}

/** How to look for ranges that occur more than once, and what freeing them may cost. */
export interface DeepOptions {
  /** Bytes of memory that the search may take; with less it looks at a thinner sample. */
  readonly memory: number;
  /** Most that may be written anew, of the bytes of the extents that go, all of them together; 0 to 1. */
  readonly maxRewrite: number;
  /** Bytes; shorter runs are passed over. */
  readonly minRun: number;
  /**
   * true: compressed extents and files without checksums are read, and compared block by block; absent: what
   * is compressed is compared as a whole, and what has no checksums is left out.
   */
  readonly read?: boolean;
}

/** What is taken where nothing else is said. Shorter runs are not worth the metadata that they take. */
export const DEEP_DEFAULTS: DeepOptions = { memory: 256 << 20, maxRewrite: 0.5, minRun: 16 << 10 };

/** What folding ranges comes to, after whole files are folded. */
export interface DeepTotals {
  /** Extents that go. */
  readonly extents: number;
  /** Files of which ranges are moved. */
  readonly files: number;
  /** Bytes that the filesystem gains; what is written anew is taken off. */
  readonly reclaimableBytes: number;
  /** Bytes that are written anew. */
  readonly rewrittenBytes: number;
  /** One block of so many was looked up. */
  readonly sample: number;
}

export interface ScanTotals {
  readonly uuid: string;
  readonly label: string;
  readonly mountPath: string;
  readonly generation: number;
  /** false where everything was walked. */
  readonly incremental: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly groups: number;
  readonly duplicateFiles: number;
  readonly reclaimableBytes: number;
  /** Bytes of extents that a fold lets go of in part, and something else keeps; absent where nobody counted them. */
  readonly pinnedBytes?: number;
  readonly bytesRead: number;
  readonly elapsedMs: number;
  /** Where ranges were asked for. */
  readonly deep?: DeepTotals;
}

export interface GroupFile {
  /** The subvolume's path from the top level. */
  readonly subvolume: PathBytes;
  readonly subvolumeId: number;
  /** Absolute under the mount path where it can be reached; else from the top level. */
  readonly path: PathBytes;
  readonly reachable: boolean;
  readonly inode: number;
  readonly generation: number;
  /** In a read-only subvolume or snapshot. */
  readonly readOnly: boolean;
  /** Number of the files of this group, itself included, that it shares all its data with; 1 where that is inline. */
  readonly shared: number;
  /** Where in the file the range begins, bytes; of a group of ranges only. */
  readonly offset?: number;
}

export interface Group {
  /** "range": a part of each file; absent: "file", whole files. */
  readonly kind?: "file" | "range";
  readonly volume: string; // uuid
  /** Stable as long as size and content stay the same. */
  readonly id: string;
  readonly size: number;
  readonly reclaimableBytes: number;
  readonly files: readonly GroupFile[];
}

/** What a scan looks at, and how. */
export interface ScanOptions {
  /** Bytes; smaller files are not compared. */
  readonly minSize: number;
  /** Waits until the filesystem has written what it holds, so that new data has extents. */
  readonly flush: boolean;
  /** What the totals are of. */
  readonly selection: Selection;
  readonly deep?: DeepOptions;
}
