import { differingRanges, KIND, unpackExtents, type Extent, type Range } from "../btrfs/extents.ts";
import type { FoldPlan, Member } from "./types.ts";

/** References to an extent from all rows of the index, see store/extent-refs.ts. */
export type CountRefs = (bytenr: number) => number;

export type OnFreed = (bytenr: number, diskBytes: number) => void;

/**
 * How many references to an extent a fold lets go of. Those of a file in
 * several snapshots count as one, of which each copy lets go of its share: the
 * sums are fractions, and whole ones are told by isReleased.
 */
export interface Release {
  released: number;
  /** Bytes that come back when every reference goes. */
  readonly diskBytes: number;
}

/** Less than the smallest share, and far more than sums of shares can be off. */
const ROUNDING = 1e-6;

/** Whether so many references are all that there are. */
export function isReleased(released: number, refs: number): boolean {
  return released > refs - ROUNDING;
}

/** Whether anything at all is let go of; a sum that came back to nothing may be off by a little. */
export function isTouched(released: number): boolean {
  return released > ROUNDING;
}

/**
 * The references that the plans of one group let go of.
 * @returns by the address of each extent (disk_bytenr)
 */
export function releasesOf(plans: readonly FoldPlan[], sectorSize: number): Map<number, Release> {
  const released = new Map<number, Release>();
  for (const plan of plans) {
    if (plan.destinations.length === 0) continue;
    const source = unpackExtents(plan.source.extents, sectorSize);
    for (const destination of plan.destinations) release(released, destination, source, sectorSize);
  }
  return released;
}

function release(
  released: Map<number, Release>,
  destination: Member,
  source: readonly Extent[],
  sectorSize: number,
): void {
  const extents = unpackExtents(destination.extents, sectorSize);
  const { share = 1 } = destination;
  const end = Math.ceil(destination.size / sectorSize) * sectorSize;
  const ranges = differingRanges(source, extents, end);
  for (const extent of extents) {
    if (extent.kind === KIND.inline || !isInside(extent, ranges)) continue;
    const known = released.get(extent.bytenr);
    if (known === undefined) released.set(extent.bytenr, { released: share, diskBytes: extent.diskBytes });
    else known.released += share;
  }
}

/** The references to extents that files hold; of one in several snapshots each copy has its share. */
function heldBy(members: readonly Member[], sectorSize: number): Map<number, number> {
  const held = new Map<number, number>();
  for (const { extents, share = 1 } of members) {
    for (const { kind, bytenr } of unpackExtents(extents, sectorSize)) {
      if (kind !== KIND.inline) held.set(bytenr, (held.get(bytenr) ?? 0) + share);
    }
  }
  return held;
}

/**
 * Predicts what folds give back. An extent's space comes back when every
 * reference to it goes, so releases are added up over all plans that are
 * given, and an extent counts when they reach its references.
 */
export class Prediction {
  readonly #refs: CountRefs;
  readonly #sectorSize: number;
  #freed = 0;
  /** Only extents not freed within one plan: few, so the memory stays small. */
  readonly #partial = new Map<number, Release>();
  readonly #onFreed: OnFreed | undefined;

  /** @param onFreed called once for every extent that comes back: by add(), or by tellCrossing() */
  constructor(refs: CountRefs, sectorSize: number, onFreed?: OnFreed) {
    this.#refs = refs;
    this.#sectorSize = sectorSize;
    this.#onFreed = onFreed;
  }

  /**
   * Adds the plans of one group.
   * @returns bytes that come back by folding this group alone, and whether it
   *   lets go of extents that something else holds
   */
  add(plans: readonly FoldPlan[]): { bytes: number; crossing: boolean } {
    const released = releasesOf(plans, this.#sectorSize);
    let bytes = 0;
    let crossing = false;
    for (const [bytenr, extent] of released) {
      if (isReleased(extent.released, this.#refs(bytenr))) {
        bytes += extent.diskBytes;
        this.#onFreed?.(bytenr, extent.diskBytes);
        continue;
      }
      crossing = true;
      const before = this.#partial.get(bytenr);
      if (before === undefined) this.#partial.set(bytenr, extent);
      else before.released += extent.released;
    }
    this.#freed += bytes;
    return { bytes, crossing };
  }

  /**
   * As add, for a group of which all members are at hand. Extents that nobody
   * but its members holds are settled here: no other group lets go of them.
   *
   * @returns pinned: bytes of those of them that stay, in part let go of;
   *   joint: whether it lets go of extents that files of no member's hold, too
   */
  addWhole(
    plans: readonly FoldPlan[],
    members: readonly Member[],
  ): { bytes: number; crossing: boolean; pinned: number; joint: boolean } {
    const partial = new Map<number, Release>();
    let bytes = 0;
    for (const [bytenr, extent] of releasesOf(plans, this.#sectorSize)) {
      if (!isReleased(extent.released, this.#refs(bytenr))) partial.set(bytenr, extent);
      else {
        bytes += extent.diskBytes;
        this.#onFreed?.(bytenr, extent.diskBytes);
      }
    }
    this.#freed += bytes;
    if (partial.size === 0) return { bytes, crossing: false, pinned: 0, joint: false };
    const held = heldBy(members, this.#sectorSize);
    let pinned = 0;
    let joint = false;
    for (const [bytenr, extent] of partial) {
      if (isReleased(held.get(bytenr) ?? 0, this.#refs(bytenr))) {
        if (isTouched(extent.released)) pinned += extent.diskBytes;
        continue;
      }
      joint = true;
      const before = this.#partial.get(bytenr);
      if (before === undefined) this.#partial.set(bytenr, extent);
      else before.released += extent.released;
    }
    return { bytes, crossing: true, pinned, joint };
  }

  /** Bytes that folding everything added so far gives back. */
  total(): number {
    return this.#freed + this.crossingBytes();
  }

  /** The part of total() that no single group gives back. */
  crossingBytes(): number {
    let bytes = 0;
    for (const [bytenr, extent] of this.#partial) {
      if (isReleased(extent.released, this.#refs(bytenr))) bytes += extent.diskBytes;
    }
    return bytes;
  }

  /** Tells of the extents that no single group gives back. To be called once, when everything is added. */
  tellCrossing(): void {
    for (const [bytenr, extent] of this.#partial) {
      if (isReleased(extent.released, this.#refs(bytenr))) this.#onFreed?.(bytenr, extent.diskBytes);
    }
  }

  /** Extents that stay although folds let go of some of their references. */
  *pinned(): Generator<{ bytenr: number; diskBytes: number }> {
    for (const [bytenr, { released, diskBytes }] of this.#partial) {
      if (!isReleased(released, this.#refs(bytenr))) yield { bytenr, diskBytes };
    }
  }

  /** Bytes of extents that stay although folds let go of some of their references. */
  pinnedBytes(): number {
    let bytes = 0;
    for (const [bytenr, extent] of this.#partial) {
      if (!isReleased(extent.released, this.#refs(bytenr))) bytes += extent.diskBytes;
    }
    return bytes;
  }
}

/** Whether all of an extent item is folded; what is left of one keeps the whole extent. */
function isInside(extent: Extent, ranges: readonly Range[]): boolean {
  const end = extent.fileOffset + extent.length;
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? 0) <= extent.fileOffset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.start <= extent.fileOffset && range.end >= end;
}
