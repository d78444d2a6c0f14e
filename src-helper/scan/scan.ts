import type { Subvolume } from "../btrfs/root-tree.ts";
import { Prediction } from "../dedupe/predict.ts";
import { ExtentRefs } from "../store/extent-refs.ts";
import type { IndexStore } from "../store/index-store.ts";
import { decideContents } from "./contents.ts";
import { computeCsumPrints } from "./csum-prints.ts";
import { rebuildGroups } from "./groups.ts";
import { InodeWriter, type FileCounts } from "./inode-writer.ts";
import { flushVolume, reportPhase, throwIfCancelled, type ScanContext } from "./scan-context.ts";
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
  /** Smallest size of which duplicates were looked for. */
  readonly minSize: number;
  /** Bytes that only several groups together give back. */
  readonly crossingBytes: number;
  /** Subvolumes that were read-only: which copies may be folded hangs on it. */
  readonly readOnlySubvolumes: readonly number[];
}

const SHARED_SIZES = `
  SELECT size FROM inode WHERE kind = 1 AND size >= ? AND size < ?
  GROUP BY size HAVING MIN(layout) <> MAX(layout)`;

const LAYOUTS = "SELECT MIN(layout) <> MAX(layout) AS several FROM inode WHERE kind = 1 AND size = ?";

/**
 * Brings the index up to date with the filesystem, in one transaction: a scan
 * that is cancelled or fails leaves the one before.
 *
 * @param readState reads generation and subvolumes; called after the flush
 * @param minSize bytes; files below are walked but not compared
 * @throws RefoldError "cancelled"
 */
export async function scanVolume(
  context: ScanContext,
  store: IndexStore,
  readState: () => { generation: number; subvolumes: readonly Subvolume[] },
  options: { minSize: number; flush: boolean },
): Promise<{ record: ScanRecord; walk: WalkReport }> {
  const start = performance.now();
  if (options.flush) await flushVolume(context);
  throwIfCancelled(context.run);
  const { generation, subvolumes } = readState();
  const last = store.meta<ScanRecord>("scan");
  store.begin();
  try {
    const counts: FileCounts = store.meta<FileCounts>("counts") ?? { files: 0, bytes: 0 };
    const refs = new ExtentRefs(store, context.sectorSize, last === undefined);
    const writer = new InodeWriter(store, refs, counts);
    const walk = await walkSubvolumes(context, store, writer, subvolumes);
    writer.finish();
    const sharedChanged = refs.flush();
    if (last === undefined) store.createIndexes();

    const readOnly = subvolumes.filter((subvolume) => subvolume.readOnly).map((subvolume) => subvolume.id);
    const everything =
      last === undefined || sharedChanged || last.readOnlySubvolumes.join() !== readOnly.join();
    const minSize = Math.min(options.minSize, last?.minSize ?? Infinity);
    const sizes = sizesToGroup(store, writer.dirtySizes, minSize, last);
    const shared = last === undefined ? sizes : sizes.filter((size) => isOfSeveralLayouts(store, size));
    await computeCsumPrints(context, store, shared);
    const unread = await decideContents(context, store, shared);
    store.run("DELETE FROM pending");
    for (const size of unread) store.run("INSERT INTO pending VALUES (?)", size);

    const crossingBytes = groupAll(context, store, refs, { sizes, minSize, everything, readOnly, last });
    if (walk.subvolumesWalked > 0) store.setMeta("walk", { inodes: countInodes(store) });
    const record: ScanRecord = {
      generation,
      incremental: last !== undefined,
      ...counts,
      bytesRead: context.bytesRead,
      elapsedMs: Math.round(performance.now() - start),
      finishedAt: Date.now(),
      minSize,
      crossingBytes,
      readOnlySubvolumes: readOnly,
    };
    store.setMeta("scan", record);
    store.commit();
    return { record, walk };
  } catch (error) {
    store.rollback();
    throw error;
  }
}

/** Sizes whose groups may have changed: of files that did, could not be read, or were never compared. */
function sizesToGroup(
  store: IndexStore,
  dirty: ReadonlySet<number>,
  minSize: number,
  last: ScanRecord | undefined,
): number[] {
  if (last === undefined) {
    return store.all<{ size: number }>(SHARED_SIZES, minSize, Number.MAX_SAFE_INTEGER).map((row) => row.size);
  }
  const sizes = new Set<number>();
  for (const size of dirty) if (size >= minSize) sizes.add(size);
  for (const row of store.all<{ size: number }>("SELECT size FROM pending")) sizes.add(row.size);
  if (minSize < last.minSize) {
    for (const row of store.all<{ size: number }>(SHARED_SIZES, minSize, last.minSize)) sizes.add(row.size);
  }
  return [...sizes];
}

function isOfSeveralLayouts(store: IndexStore, size: number): boolean {
  return store.get<{ several: number | null }>(LAYOUTS, size)?.several === 1;
}

interface Grouping {
  readonly sizes: readonly number[];
  readonly minSize: number;
  readonly everything: boolean;
  readonly readOnly: readonly number[];
  readonly last: ScanRecord | undefined;
}

/** Rebuilds what has to be; returns the bytes that only several groups together give back. */
function groupAll(context: ScanContext, store: IndexStore, refs: ExtentRefs, grouping: Grouping): number {
  const readOnly = new Set(grouping.readOnly);
  const rebuild = (sizes: readonly number[]): { crossed: boolean; crossingBytes: number } => {
    reportPhase(context, "groups", 0, sizes.length);
    const joint = new Prediction((bytenr) => refs.count(bytenr), context.sectorSize);
    const crossed = rebuildGroups(store, sizes, readOnly, joint);
    return { crossed, crossingBytes: joint.crossingBytes() };
  };
  const allSizes = (): number[] => {
    const grouped = store.all<{ size: number }>("SELECT DISTINCT size FROM grp").map((row) => row.size);
    return [...new Set([...grouped, ...grouping.sizes])];
  };
  if (!grouping.everything) {
    const { crossed } = rebuild(grouping.sizes);
    // one group at a time is exact unless extents are held across groups
    if (!crossed) return grouping.last?.crossingBytes ?? 0;
  }
  return rebuild(allSizes()).crossingBytes;
}

function countInodes(store: IndexStore): number {
  return store.get<{ n: number }>("SELECT COUNT(*) AS n FROM inode")?.n ?? 0;
}
