/** Paths, and how a long call is watched and ended. */
import type { SkipReason } from "./fold.ts";

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
