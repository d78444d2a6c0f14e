import type { DeepPlan, MappedRange, Victim } from "./types.ts";

/** Ranges of files with the same content, of which the first is to share the data of the others. */
export interface RangeGroup {
  /** Bytes. */
  readonly length: number;
  /** Bytes that moving the first gives back; the savings of all groups are those of the plan. */
  readonly saving: number;
  readonly ranges: readonly MappedRange[];
}

interface Pair {
  readonly to: MappedRange;
  readonly from: MappedRange;
  length: number;
  saving: number;
}

/** What a plan shares, extents that lie one after the other in both files made one range. Largest saving first. */
export function rangeGroupsOf({ victims }: DeepPlan): RangeGroup[] {
  const pairs: Pair[] = [];
  for (const victim of victims) pairs.push(...pairsOf(victim));
  pairs.sort((a, b) => a.to.file - b.to.file || a.to.fileOffset - b.to.fileOffset);
  const merged: Pair[] = [];
  for (const pair of pairs) {
    const last = merged.at(-1);
    if (
      last?.to.file === pair.to.file &&
      last.from.file === pair.from.file &&
      last.to.fileOffset + last.length === pair.to.fileOffset &&
      last.from.fileOffset + last.length === pair.from.fileOffset
    ) {
      last.length += pair.length;
      last.saving += pair.saving;
    } else merged.push({ ...pair });
  }
  return merged
    .map(({ to, from, length, saving }) => ({ length, saving: Math.round(saving), ranges: [to, from] }))
    .sort((a, b) => b.saving - a.saving || b.length - a.length);
}

/** The moves of an extent, each with its share of what the extent gives back. */
function pairsOf({ moves, rewrites, diskBytes, rewrittenBytes }: Victim): Pair[] {
  const saving = diskBytes - rewrittenBytes;
  const pairs = moves.map(({ to, from, length }) => ({ to, from, length }));
  if (pairs.length === 0) {
    // what is equal to it lies in the same extent: ranges that come to share one part of the copy
    const byTarget = Map.groupBy(rewrites, ({ target }) => target);
    for (const [first, ...rest] of byTarget.values()) {
      if (first === undefined) continue;
      for (const { to, length } of rest)
        pairs.push({ to, from: first.to, length: Math.min(length, first.length) });
    }
  }
  const total = pairs.reduce((sum, { length }) => sum + length, 0);
  return pairs.map((pair) => ({ ...pair, saving: (saving * pair.length) / total }));
}
