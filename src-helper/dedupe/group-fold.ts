import { KIND, type Extent, type Range } from "../btrfs/extents.ts";
import type { FreshInode } from "./inodes.ts";
import type { FileLock } from "./locks.ts";
import { mergeRanges } from "./prefetch.ts";
import type { Refusal } from "./reasons.ts";
import type { FoldPlan, Member } from "./types.ts";

/** How a destination ended. */
export type Outcome =
  | { readonly kind: "folded" }
  | { readonly kind: "shared"; readonly detail: string }
  | { readonly kind: "skipped"; readonly refusal: Refusal };

/** One member of a group while it is locked. */
export class MemberFold {
  readonly member: Member;
  readonly lock: FileLock;
  fresh: FreshInode | null = null;
  /** Its data is not where the scan saw it: it may have been written to since. */
  changed = false;
  outcome: Outcome | null = null;
  /** Ranges that share the source's data since this fold. */
  readonly moved: Range[] = [];
  /** Steps of the round at hand that are still to be done. */
  stepsLeft = 0;
  /** Bytes of it that the progress has counted. */
  counted = 0;

  constructor(member: Member, lock: FileLock) {
    this.member = member;
    this.lock = lock;
  }

  get extents(): readonly Extent[] {
    return this.fresh?.extents ?? [];
  }

  /** Locked, and nothing has been said of it yet. */
  get waits(): boolean {
    return this.outcome === null && this.lock.fd >= 0;
  }

  /** All its data stands in the metadata: there is nothing to share. */
  get inline(): boolean {
    return this.extents.length > 0 && this.extents.every((extent) => extent.kind === KIND.inline);
  }

  skip(refusal: Refusal): void {
    this.outcome ??= { kind: "skipped", refusal };
  }

  /** The extents that it held before ranges of it were moved. */
  *movedExtents(): Generator<Extent> {
    const ranges = mergeRanges(this.moved);
    let k = 0;
    for (const extent of this.extents) {
      while ((ranges[k]?.end ?? Infinity) <= extent.fileOffset) k++;
      const range = ranges[k];
      if (range === undefined) return;
      if (range.start < extent.fileOffset + extent.length) yield extent;
    }
  }
}

/** A group being folded: who is the source, and which destinations wait. */
export class GroupFold {
  readonly plan: FoldPlan;
  readonly members: readonly MemberFold[];
  source: MemberFold | null;
  /** Destinations without an outcome yet. */
  pending: MemberFold[];

  /** @param members the source first, then the destinations */
  constructor(plan: FoldPlan, members: readonly MemberFold[]) {
    this.plan = plan;
    this.members = members;
    this.source = members[0] ?? null;
    this.pending = members.slice(1);
  }

  /** Takes destinations that have an outcome off the list. */
  prune(): void {
    this.pending = this.pending.filter((destination) => destination.outcome === null);
  }

  /**
   * Makes the best remaining destination the source: the one in the fewest
   * pieces. It needs no outcome then, for nothing more is asked of it.
   */
  promote(): void {
    this.prune();
    const pieces = (fold: MemberFold): number => fold.fresh?.pieces ?? 0;
    const [best = null] = this.pending.toSorted((a, b) => pieces(a) - pieces(b));
    this.source = best;
    this.pending = this.pending.filter((destination) => destination !== best);
  }
}
