/**
 * What the engine offers to whoever drives it: the command line today, the RPC
 * server beside it. Sizes are bytes, times are milliseconds since the epoch
 * unless a name says otherwise, generations are btrfs transids.
 */

/** A path as the kernel has it: bytes, never decoded. */
export type PathBytes = Buffer;

export type Phase =
  | "sync" // waiting for the filesystem to write what it holds
  | "walk" // reading subvolume trees; unit: inodes
  | "checksums" // folding the checksum tree; unit: bytes
  | "read" // reading files that checksums cannot decide; unit: bytes
  | "groups" // grouping and counting references; unit: files
  | "fold" // FIDEDUPERANGE; unit: bytes
  | "measure" // looking for what was freed; unit: extents
  | "repair"; // clearing the immutable flag; unit: files

/** total is null while it is not known. */
export interface Progress {
  readonly phase: Phase;
  readonly done: number;
  readonly total: number | null;
  readonly unit: "files" | "bytes" | "extents";
  readonly volume: string;
}

/** Given to every long call. Abort the signal to cancel: the atomic step ends first. */
export interface RunContext {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
  /** A sentence for a person: warnings always, notes only where --verbose was said. */
  log(level: "warning" | "note", message: string): void;
  /**
   * Awaited at safe points, where no file is locked: a promise holds the work
   * until it resolves. It resolves when the signal is aborted, too.
   */
  gate?(): Promise<void> | undefined;
  /** Whether gate would hold: for work that has to come to rest in several places first. */
  pausing?(): boolean;
  /** What is worked on just now; `item` is called only where somebody wants to know. */
  working?(item: () => PathBytes): void;
  /** A file was skipped. Told once for each, as it happens. */
  skipped?(reason: SkipReason): void;
}

export interface MountPoint {
  readonly path: string;
  /** The subvolume or directory mounted there, from the top level, e.g. "/@home". */
  readonly root: string;
  readonly readOnly: boolean;
}

export interface SubvolumeSummary {
  readonly id: number;
  /** From the top level of the filesystem; "" for the top level itself. */
  readonly path: PathBytes;
  readonly readOnly: boolean;
  /** Id of the subvolume it is a snapshot of, null where it is none. */
  readonly snapshotOf: number | null;
  readonly generation: number;
  /** Generation it was last scanned at, null where it never was. */
  readonly scannedGeneration: number | null;
}

/** What can be told of a filesystem; the fields that need root are null without it. */
export interface VolumeSummary {
  readonly uuid: string;
  readonly label: string;
  readonly devices: readonly string[];
  readonly mounts: readonly MountPoint[];
  /** Where `path` values are reached: the mount the volume was named by, else the first. */
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly generation: number;
  readonly checksum: "crc32c" | "xxhash64" | "sha256" | "blake2b";
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly subvolumes: readonly SubvolumeSummary[] | null;
  readonly lastScan: ScanTotals | null;
  readonly lastScanAt: number | null;
}

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

/** A read-only snapshot, and what of that which a fold lets go of it keeps. */
export interface PinningSnapshot {
  readonly subvolumeId: number;
  /** From the top level of the filesystem. */
  readonly path: PathBytes;
  /** Bytes of extents that it holds, others of the list perhaps too. */
  readonly bytes: number;
  /** Bytes of extents that nothing else holds: they come back when it alone goes. */
  readonly aloneBytes: number;
}

/**
 * What keeps the extents that a fold of whole files lets go of in part, as of
 * the last scan. The three sums are of different extents.
 */
export interface Pinned {
  /** Held by one read-only snapshot each: the sum of all aloneBytes. */
  readonly aloneBytes: number;
  /** Held by several read-only snapshots and nothing else: they come back when all of those go. */
  readonly sharedBytes: number;
  /** Held by files that are not folded, too: a part of an extent in use, a file that is left out. */
  readonly otherBytes: number;
  /** How much more a fold with Selection.snapshots would give back than one without, ranges included where asked. */
  readonly foldedBytes: number;
  /** Largest first. */
  readonly snapshots: readonly PinningSnapshot[];
  /** Where ranges were asked about. */
  readonly ranges?: PinnedRanges;
}

/**
 * Extents that ranges could free, were ranges of files in read-only snapshots
 * moved, too. A fold without Selection.snapshots leaves them as they are; when
 * the snapshots that hold them have gone, the next search finds them.
 */
export interface PinnedRanges {
  /** What is to be had of them; what would be written anew for it is taken off. */
  readonly bytes: number;
  /** Largest first; an extent counts for each snapshot that holds a part of it. aloneBytes: no other one does. */
  readonly snapshots: readonly PinningSnapshot[];
}

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

export interface ChangedFile {
  readonly path: PathBytes;
  readonly inode: number;
  readonly size: number;
  readonly transid: number;
}

export interface SizeMatch {
  readonly volume: string;
  readonly path: PathBytes;
  readonly subvolumeId: number;
  readonly inode: number;
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

/** What of a filesystem a scan has seen. Volume.hasNews moves it on. */
export interface Sight {
  /** Where Refold's own databases are, which are no news. */
  readonly databaseDir: string;
  /** By id. */
  readonly subvolumes: Map<number, SeenSubvolume>;
}

export interface SeenSubvolume {
  readonly uuid: string;
  readonly readOnly: boolean;
  readonly generation: number;
}

/** A volume opened for work (root). Close it, always. */
export interface Volume {
  readonly uuid: string;
  /** Nothing can be folded: no mount is writable. As summary says it, which reads trees and the database. */
  readonly readOnly: boolean;
  readonly summary: VolumeSummary;
  /** Subvolume ids the caller named by a directory, with those below; null for all. */
  readonly scope: readonly number[] | null;

  scan(options: ScanOptions, ctx: RunContext): Promise<ScanTotals>;
  /** What is there now, for `hasNews` later; after a scan, what that saw. */
  sight(): Sight;
  /** Whether a scan would see anything new, Refold's own databases apart. Writes nothing, and takes no lock. */
  hasNews(since: Sight): boolean;
  /** Groups, largest saving first. Needs a scan; `groups` of the CLI scans first where there is none. */
  groups(selection: Selection, limit: number | null): AsyncIterable<Group> | Iterable<Group>;
  /** Ranges that are worth folding after whole files are folded, largest saving first. Needs a scan. */
  rangeGroups(selection: Selection, options: DeepOptions, ctx: RunContext): Promise<readonly Group[]>;
  hasScan(minSize: number): boolean;
  /** ctx: for the search of options.deep, which takes a while. */
  preview(selection: Selection, options: FoldOptions, ctx?: RunContext): FoldPreview | Promise<FoldPreview>;
  /**
   * Who keeps the pinnedBytes of a preview. Reads the whole index once: seconds where there are millions of files.
   * @throws RefoldError "cancelled"
   */
  pinned(selection: Selection, ctx?: RunContext, deep?: DeepOptions): Promise<Pinned>;
  /** Folds all groups of the selection. Does not scan. */
  fold(selection: Selection, options: FoldOptions, ctx: RunContext): Promise<FoldResult>;
  /** Lists immutable files; looks at what changed since the last scan first. */
  stuck(ctx: RunContext): Promise<readonly StuckFile[]>;
  /** ids: unknown ones to mend too. Ours are always mended. */
  repair(ids: readonly string[], ctx: RunContext): Promise<RepairResult>;
  history(): readonly HistoryRun[];
  historyFiles(runId: number): readonly HistoryFile[];
  /** Forgets the scan, keeps journal and history; the next scan is a full one. */
  reset(): void;
  sizeLookup(size: number): readonly SizeMatch[];
  close(): void;
}

export interface Engine {
  /** Every mounted btrfs filesystem. Needs no privilege; says less without it. */
  list(): readonly VolumeSummary[];
  /**
   * Opens the volumes that the arguments name (mount path, directory of a
   * subvolume, uuid, label, /dev path); none: all mounted writable ones.
   * @throws RefoldError with the code of what is wrong
   */
  open(names: readonly string[]): readonly Volume[];
  /** Folds files given by path, which need not have been scanned. */
  foldFiles(
    source: PathBytes,
    destinations: readonly PathBytes[],
    options: FoldOptions,
    ctx: RunContext,
  ): Promise<FoldFilesResult>;
  /** Files of a subvolume changed in or after a generation; without one, since the last scan. */
  findNew(subvolume: string, generation: number | null): readonly ChangedFile[];
  /** The current generation of a subvolume. flush: sync it first. */
  generation(subvolume: string, flush: boolean): number;
  /** Removes everything Refold keeps of a filesystem, mounted or not; refuses while files of it are stuck. */
  forget(uuid: string): void;
  /** Rules of folders, by path. @throws RefoldError where the file is refused */
  rules(): readonly FolderRule[];
  /**
   * Makes or changes the rule of a folder.
   * @param folder absolute, without a link in it
   * @throws RefoldError "no-volume" where there is no such folder on a mounted btrfs
   */
  setRule(folder: PathBytes, fold: FolderRule["fold"]): FolderRule;
  /** Takes the rule of a folder away. @returns false where it had none */
  removeRule(folder: PathBytes): boolean;
  /** uuids the database directory holds something of. */
  known(): readonly string[];
}
