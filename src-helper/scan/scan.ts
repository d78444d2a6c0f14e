import type { Subvolume } from "../btrfs/root-tree.ts";
import { ExtentRefs } from "../store/extent-refs.ts";
import type { IndexStore } from "../store/index-store.ts";
import { CROWD, crowdedBuckets } from "./crowded-sizes.ts";
import { Grouping, type JointBytes } from "./grouping.ts";
import { addSums, sumGroups, type GroupSums } from "./groups.ts";
import { InodeWriter } from "./inode-writer.ts";
import { flushVolume, throwIfCancelled, type ScanContext } from "./scan-context.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { TouchedSize } from "./touched.ts";
import { walkSubvolumes, type WalkReport } from "./walk-subvolumes.ts";

/** What the last scan found; kept with the index. */
export interface ScanRecord {
  readonly generation: number;
  readonly incremental: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly bytesRead: number;
  readonly elapsedMs: number;
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
  /** When a scan last found anything changed; an older record has none. */
  readonly changedAt?: number;
  /** Smallest size of which duplicates were looked for. */
  readonly minSize: number;
  /** Bytes that only several groups together give back. */
  readonly crossingBytes: number;
  /** Bytes that stay although folds let go of some of their references; an older record has none. */
  readonly pinnedBytes?: number;
  /** What all groups come to; an older record has none. */
  readonly groups?: GroupSums;
  /** Moment of a fold of all groups, which left nothing of them. */
  readonly foldedAt?: number;
  /** Subvolumes that were read-only: which copies may be folded hangs on it. */
  readonly readOnlySubvolumes: readonly number[];
}

/**
 * Brings the index up to date with the filesystem, in one transaction: a scan
 * that is cancelled or fails leaves the one before.
 *
 * @param readState reads generation and subvolumes; called after the flush
 * @param options minSize: bytes; files below are walked but not compared. crowd: see Grouping
 * @throws RefoldError "cancelled"
 */
export async function scanVolume(
  context: ScanContext,
  store: IndexStore,
  readState: () => { generation: number; subvolumes: readonly Subvolume[] },
  options: { minSize: number; flush: boolean; crowd?: number },
): Promise<{ record: ScanRecord; walk: WalkReport; took: Stopwatch }> {
  const start = performance.now();
  const took = new Stopwatch();
  if (options.flush) await flushVolume(context);
  took.done("flush");
  await context.run.gate?.();
  throwIfCancelled(context.run);
  const { generation, subvolumes } = readState();
  const last = store.meta("scan") as ScanRecord | undefined;
  store.begin();
  try {
    const refs = new ExtentRefs(store, context.sectorSize, last === undefined);
    const writer = new InodeWriter(store, refs, last === undefined);
    const walk = await walkSubvolumes(context, store, writer, subvolumes, () => context.generation());
    writer.finish();
    took.done("trees");
    const sharedChanged = refs.flush();
    took.done("extents");

    const readOnly = subvolumes.filter((subvolume) => subvolume.readOnly).map((subvolume) => subvolume.id);
    const everything =
      last === undefined ||
      sharedChanged ||
      writer.setsChanged ||
      last.readOnlySubvolumes.join() !== readOnly.join();
    const minSize = Math.min(options.minSize, last?.minSize ?? Infinity);
    const comparedFrom = last?.minSize ?? Number.MAX_SAFE_INTEGER;
    const sizes = sizesToGroup(store, writer.touched.sizes, comparedFrom);
    const { crowd = CROWD } = options;
    const grouping = new Grouping(context, store, refs, new Set(readOnly), crowd);
    await grouping.changes(sizes);
    if (minSize < comparedFrom) {
      const { counts } = writer.touched;
      const crowded =
        last === undefined ? counts.crowded(crowd) : crowdedBuckets(store, minSize, comparedFrom, crowd);
      await grouping.first(minSize, comparedFrom, crowded);
    }
    took.done("contents");
    if (last === undefined) store.createIndexes();
    took.done("indexes");
    await grouping.crowded();
    took.done("contents");
    // an index of before does not say which groups hang on others
    const known = last === undefined || last.groups?.pinned !== undefined;
    if (last !== undefined && (everything || !known)) await grouping.all();
    else if (last !== undefined && grouping.crossed) await grouping.ofJoint();
    const counted = last === undefined || everything || !known || grouping.crossed;
    const groups =
      last?.groups === undefined || !known ? sumGroups(store) : addSums(last.groups, grouping.difference);
    const joint = counted ? grouping.joint : jointOf(last);
    if (walk.subvolumesWalked + walk.subvolumesInherited > 0)
      store.setMeta("walk", { inodes: store.holders.rows() });
    const now = Date.now();
    const same =
      last !== undefined && !everything && sizes.size === 0 && minSize === comparedFrom && isUnchanged(walk);
    const record: ScanRecord = {
      generation,
      incremental: last !== undefined,
      ...store.holders.totals(),
      bytesRead: context.bytesRead,
      elapsedMs: Math.round(performance.now() - start),
      finishedAt: now,
      changedAt: same ? (last.changedAt ?? last.finishedAt) : now,
      minSize,
      groups,
      crossingBytes: joint.crossingBytes,
      pinnedBytes: groups.pinned + joint.pinnedBytes,
      readOnlySubvolumes: readOnly,
    };
    store.setMeta("scan", record);
    took.done("sums");
    store.commit();
    took.done("commit");
    return { record, walk, took };
  } catch (error) {
    store.rollback();
    throw error;
  }
}

function isUnchanged(walk: WalkReport): boolean {
  const { subvolumesWalked, subvolumesInherited, subvolumesUpdated, subvolumesRemoved } = walk;
  return subvolumesWalked + subvolumesInherited + subvolumesUpdated + subvolumesRemoved === 0;
}

/** Sizes whose groups may have changed: of files that did, or could not be read. */
function sizesToGroup(
  store: IndexStore,
  touched: ReadonlyMap<number, TouchedSize>,
  minSize: number,
): Map<number, TouchedSize> {
  const sizes = new Map([...touched].filter(([size]) => size >= minSize));
  for (const { size } of store.all<{ size: number }>("SELECT size FROM pending")) {
    if (size >= minSize) sizes.set(size, { layouts: null, gone: new Set(), lost: [] });
  }
  store.run("DELETE FROM pending");
  return sizes;
}

/** What groups came to together: as long as none of those changes. */
function jointOf({ crossingBytes, pinnedBytes = 0, groups }: ScanRecord): JointBytes {
  return { crossingBytes, pinnedBytes: pinnedBytes - (groups?.pinned ?? 0) };
}
