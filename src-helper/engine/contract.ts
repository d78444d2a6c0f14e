/**
 * What the engine offers to whoever drives it: the command line today, the RPC
 * server beside it. Sizes are bytes, times are milliseconds since the epoch
 * unless a name says otherwise, generations are btrfs transids.
 */
import type { PathBytes, RunContext } from "./contract/base.ts";
import type { FoldFilesResult, FoldOptions, FoldPreview, FoldResult } from "./contract/fold.ts";
import type {
  DeepOptions,
  FolderRule,
  Group,
  ScanOptions,
  ScanTotals,
  Selection,
} from "./contract/groups.ts";
import type { Pinned } from "./contract/pinned.ts";
import type { HistoryFile, HistoryRun, RepairResult, StuckFile } from "./contract/records.ts";
import type { ChangedFile, Sight, SizeMatch, VolumeSummary } from "./contract/volumes.ts";

export * from "./contract/base.ts";
export * from "./contract/fold.ts";
export * from "./contract/groups.ts";
export * from "./contract/pinned.ts";
export * from "./contract/records.ts";
export * from "./contract/volumes.ts";

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
