import type { SubvolumeInode } from "./index-files.ts";
import type { Span } from "./spans.ts";
import type { DeepFile } from "./types.ts";

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

/** Blocks of an extent that are equal to those of others; sectors. */
export interface Occurrence {
  readonly extent: SpaceExtent;
  /** First sector in the extent. */
  readonly offset: number;
  readonly length: number;
  readonly canon: number;
}

/** An extent that has something in common with another, or with itself. */
export interface SpaceExtent {
  readonly bytenr: number;
  readonly diskBytes: number;
  /** KIND of btrfs/extents.ts, or UNSUMMED. */
  readonly kind: number;
  /** Sectors, uncompressed. */
  readonly length: number;
  /** Its first sector among all; of a compressed one a made-up number. */
  readonly base: number;
  /** Whether its blocks were compared, or its compressed bytes with all of another's. */
  readonly compared: "blocks" | "whole";
  references: Reference[];
  /** Whole blocks that files hold: what must live on, and what can be shared with. Ascending. */
  whole: Span[];
  /** Ascending by offset; parts of `whole` only. */
  occurrences: Occurrence[];
  /** It stays: something that cannot be moved refers to it. */
  pinned: boolean;
}

export interface Space {
  readonly files: readonly DeepFile[];
  /** Ascending by bytenr. */
  readonly extents: readonly SpaceExtent[];
  readonly sectorSize: number;
}

/** Whether a file may be changed: by what the index says, and by what was selected. */
export type IsMovable = (row: SubvolumeInode) => boolean;
/** Whether a file may be locked and shared with, though it is not changed. */
export type IsSource = (row: SubvolumeInode) => boolean;
