import type { Subvolume } from "../btrfs/root-tree.ts";
import { Prediction } from "../dedupe/predict.ts";
import { ExtentRefs } from "../store/extent-refs.ts";
import type { IndexStore } from "../store/index-store.ts";
import { decideContents } from "./contents.ts";
import { computeCsumPrints } from "./csum-prints.ts";
import { contentsOf, contentsOfSize, rebuildGroups, type Content } from "./groups.ts";
import { InodeWriter } from "./inode-writer.ts";
import { breathe, flushVolume, reportPhase, throwIfCancelled, type ScanContext } from "./scan-context.ts";
import { loadSizeClass, storePlaces, type SizeClass } from "./size-class.ts";
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
  /** Moment of a fold of all groups, which left nothing of them. */
  readonly foldedAt?: number;
  /** Subvolumes that were read-only: which copies may be folded hangs on it. */
  readonly readOnlySubvolumes: readonly number[];
}

const SHARED_SIZES = `
  SELECT size FROM inode WHERE kind = 1 AND size >= ? AND size < ?
  GROUP BY size HAVING MIN(layout) <> MAX(layout)`;

/** Files whose rows are in memory at a time. */
const BATCH_FILES = 50_000;
/** Sizes whose groups are made without a pause: some ten milliseconds. */
const SIZES_AT_ONCE = 1000;

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
  await context.run.gate?.();
  throwIfCancelled(context.run);
  const { generation, subvolumes } = readState();
  const last = store.meta("scan") as ScanRecord | undefined;
  store.begin();
  try {
    const refs = new ExtentRefs(store, context.sectorSize, last === undefined);
    const writer = new InodeWriter(store, refs);
    const walk = await walkSubvolumes(context, store, writer, subvolumes, () => context.generation());
    writer.finish();
    const sharedChanged = refs.flush();
    if (last === undefined) store.createIndexes();

    const readOnly = subvolumes.filter((subvolume) => subvolume.readOnly).map((subvolume) => subvolume.id);
    const everything =
      last === undefined ||
      sharedChanged ||
      writer.setsChanged ||
      last.readOnlySubvolumes.join() !== readOnly.join();
    const minSize = Math.min(options.minSize, last?.minSize ?? Infinity);
    const sizes = sizesToGroup(store, writer.dirtySizes, minSize, last);
    const grouping = new Grouping(context, store, refs, new Set(readOnly));
    await grouping.decide(sizes, last === undefined);
    const joint =
      last === undefined || (last.pinnedBytes !== undefined && !everything && !grouping.crossed)
        ? sumOf(grouping.joint, last)
        : await grouping.all();
    if (walk.subvolumesWalked + walk.subvolumesInherited > 0)
      store.setMeta("walk", { inodes: store.holders.rows() });
    const now = Date.now();
    const same = last !== undefined && !everything && sizes.length === 0 && isUnchanged(walk);
    const record: ScanRecord = {
      generation,
      incremental: last !== undefined,
      ...store.holders.totals(),
      bytesRead: context.bytesRead,
      elapsedMs: Math.round(performance.now() - start),
      finishedAt: now,
      changedAt: same ? (last.changedAt ?? last.finishedAt) : now,
      minSize,
      ...joint,
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

function isUnchanged(walk: WalkReport): boolean {
  const { subvolumesWalked, subvolumesInherited, subvolumesUpdated, subvolumesRemoved } = walk;
  return subvolumesWalked + subvolumesInherited + subvolumesUpdated + subvolumesRemoved === 0;
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

type JointBytes = Required<Pick<ScanRecord, "crossingBytes" | "pinnedBytes">>;

/** Right where no group of one side shares an extent with one of the other. */
function sumOf(joint: JointBytes, last: ScanRecord | undefined): JointBytes {
  return {
    crossingBytes: joint.crossingBytes + (last?.crossingBytes ?? 0),
    pinnedBytes: joint.pinnedBytes + (last?.pinnedBytes ?? 0),
  };
}

/** Decides contents and writes groups, a bounded number of files at a time. */
class Grouping {
  /** Some group lets go of extents that others hold too. */
  crossed = false;
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #refs: ExtentRefs;
  readonly #readOnly: ReadonlySet<number>;
  #joint: Prediction;

  constructor(context: ScanContext, store: IndexStore, refs: ExtentRefs, readOnly: ReadonlySet<number>) {
    this.#context = context;
    this.#store = store;
    this.#refs = refs;
    this.#readOnly = readOnly;
    this.#joint = this.#newPrediction();
  }

  /** What the groups written so far give back, or pin, only together. */
  get joint(): JointBytes {
    return { crossingBytes: this.#joint.crossingBytes(), pinnedBytes: this.#joint.pinnedBytes() };
  }

  /** @param fresh nothing was stored before */
  async decide(sizes: readonly number[], fresh: boolean): Promise<void> {
    this.#store.run("DELETE FROM pending");
    let batch: SizeClass[] = [];
    let files = 0;
    for (const size of sizes) {
      const sizeClass = loadSizeClass(this.#store, size, fresh);
      batch.push(sizeClass);
      files += sizeClass.files.length;
      if (files < BATCH_FILES) continue;
      await this.#decideBatch(batch);
      batch = [];
      files = 0;
    }
    await this.#decideBatch(batch);
  }

  /** Counts all groups together, from what is stored. */
  async all(): Promise<JointBytes> {
    const sizes = this.#store.all<{ size: number }>("SELECT DISTINCT size FROM grp").map((row) => row.size);
    this.#joint = this.#newPrediction();
    for (const [k, size] of sizes.entries()) {
      if (k % SIZES_AT_ONCE === 0) {
        reportPhase(this.#context, "groups", k, sizes.length);
        await breathe(this.#context);
      }
      this.#rebuild(size, contentsOfSize(this.#store, size, this.#readOnly, true));
    }
    return this.joint;
  }

  async #decideBatch(batch: readonly SizeClass[]): Promise<void> {
    // one place on disk, or none: nothing to compare, but there may have been a group before
    const several = batch.filter((sizeClass) => sizeClass.places.length > 1);
    await computeCsumPrints(this.#context, several);
    for (const size of await decideContents(this.#context, several)) {
      this.#store.run("INSERT INTO pending VALUES (?)", size);
    }
    for (const [k, sizeClass] of batch.entries()) {
      if (k % SIZES_AT_ONCE === SIZES_AT_ONCE - 1) await breathe(this.#context);
      storePlaces(this.#store, sizeClass);
      this.#rebuild(sizeClass.size, contentsOf(sizeClass, this.#readOnly, this.#store.holders, true));
    }
  }

  #rebuild(size: number, contents: readonly Content[]): void {
    if (rebuildGroups(this.#store, size, contents, this.#joint)) this.crossed = true;
  }

  #newPrediction(): Prediction {
    return new Prediction((bytenr) => this.#refs.count(bytenr), this.#context.sectorSize);
  }
}
