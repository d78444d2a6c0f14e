import type { Member } from "../dedupe/types.ts";
import type { Numbered } from "./columns.ts";

/** A file that takes part in a fold of ranges. Its extents are read again when it is locked. */
export interface DeepFile extends Member {
  /** For who shows it: its owner, and seconds since the epoch. */
  readonly uid: number;
  readonly mtime: number;
}

/** What the data of an extent is stored like, beside KIND of btrfs/extents.ts: as it is, without checksums. */
export const UNSUMMED = 8;

/** Bytes of a file, and where they lie: at `offset` inside the (uncompressed) extent at `bytenr`. */
export interface MappedRange {
  /** Number in DeepPlan.files. */
  readonly file: number;
  /** Bytes. */
  readonly fileOffset: number;
  readonly bytenr: number;
  readonly offset: number;
}

/** One range that is to share the data of another. length: bytes, a whole block but at the end of a file. */
export interface Move {
  readonly to: MappedRange;
  readonly from: MappedRange;
  readonly length: number;
  /**
   * The extent at from.bytenr is a victim, too, and earlier in the plan: once it
   * is gone, `from` lies on what was written anew for it.
   */
  readonly anew?: boolean;
}

/** One range that is to share what was copied to the temporary file. */
export interface Rewrite {
  readonly to: MappedRange;
  /** Where in the temporary file, bytes. */
  readonly target: number;
  readonly length: number;
}

/** An extent that goes when all of its ranges are moved: onto other extents, or onto a copy of what is left. */
export interface Victim {
  readonly bytenr: number;
  /**
   * Victims of one bundle share what is written anew, so that what they give
   * back is had by all of them together: they are chosen together or not at all.
   * One that shares with no other has a bundle of its own.
   */
  readonly bundle: number;
  readonly diskBytes: number;
  /** KIND of btrfs/extents.ts, or UNSUMMED. */
  readonly kind: number;
  readonly moves: readonly Move[];
  readonly rewrites: readonly Rewrite[];
  /** Bytes that will be written, as far as can be told: compressed data may take more or less. */
  readonly rewrittenBytes: number;
}

export interface DeepPlan {
  readonly files: Numbered<DeepFile>;
  /** In the order of the fold, bundle after bundle; any of them can be left out. */
  readonly victims: Numbered<Victim>;
  /** Bytes that the filesystem gains: those of the extents less what is written anew. */
  readonly predictedBytes: number;
  readonly rewrittenBytes: number;
  /** One block of so many was looked up. */
  readonly sample: number;
}
