/** What snapshots keep of that which a fold lets go of. */
import type { PathBytes } from "./base.ts";

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
