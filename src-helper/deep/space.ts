import type { Numbered } from "./columns.ts";
import type { SubvolumeInode } from "./index-files.ts";
import type { DeepFile } from "./types.ts";

/** An extent; what it has in common with others is told beside it. */
export interface Extent {
  readonly bytenr: number;
  readonly diskBytes: number;
  /** KIND of btrfs/extents.ts, or UNSUMMED. */
  readonly kind: number;
  /** Sectors, uncompressed. */
  readonly length: number;
  /** 1: it stays; something that cannot be moved refers to it. */
  readonly pinned: number;
}

/** One extent item of a file that refers to an extent; sectors. */
export interface Reference {
  readonly file: number;
  /** First sector in the file. */
  readonly at: number;
  /** First sector in the extent. */
  readonly offset: number;
  readonly length: number;
  /** Bytes of the file in the last block of the item where the file ends inside of it, else 0. */
  readonly tail: number;
}

/** The extents that have something in common with another, or with themselves: a row each, ascending by bytenr. */
export interface SpaceExtents {
  readonly bytenr: Float64Array;
  readonly diskBytes: Float64Array;
  readonly kind: Uint8Array;
  readonly length: Uint32Array;
  readonly pinned: Uint8Array;
  /** Its first of References, Spans and Occurrences; the next extent's is where they end. A row more than extents. */
  readonly references: Int32Array;
  readonly whole: Int32Array;
  readonly occurrences: Int32Array;
}

/** Extent items of files that refer to extents; sectors. In the order of their extents, and of files in each. */
export interface References {
  readonly file: Int32Array;
  readonly at: Float64Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly tail: Uint16Array;
}

/** Whole blocks of extents that files hold: what must live on, and what can be shared with. Ascending in each extent. */
export interface Spans {
  readonly start: Uint32Array;
  readonly end: Uint32Array;
}

/** Blocks of extents that are equal to those of others; sectors. Ascending in each extent; parts of Spans only. */
export interface Occurrences {
  /** Row of SpaceExtents. */
  readonly extent: Int32Array;
  /** First sector in the extent. */
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly canon: Float64Array;
}

export interface Space {
  readonly files: Numbered<DeepFile>;
  /** How many rows extents has. */
  readonly count: number;
  readonly extents: SpaceExtents;
  readonly references: References;
  readonly whole: Spans;
  readonly occurrences: Occurrences;
  readonly sectorSize: number;
}

/** Whether a file may be changed: by what the index says, and by what was selected. */
export type IsMovable = (row: SubvolumeInode) => boolean;
/** Whether a file may be locked and shared with, though it is not changed. */
export type IsSource = (row: SubvolumeInode) => boolean;
