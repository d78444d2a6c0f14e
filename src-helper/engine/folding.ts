import { existsSync } from "node:fs";
import { INODE } from "../btrfs/constants.ts";
import { bytesToFold, foldDeep } from "../deep/fold.ts";
import { mendRewrites, type Mended } from "../deep/mend.ts";
import { NOT_AS_SHOWN } from "../deep/shown.ts";
import type { DeepPlan } from "../deep/types.ts";
import { foldPlans } from "../dedupe/fold.ts";
import type { FoldRun } from "../dedupe/run.ts";
import type { FoldPlan, FoldVolume, Member } from "../dedupe/types.ts";
import { repairStuck } from "../journal/repair.ts";
import { Journal, journalPath } from "../journal/store.ts";
import { findStuck, type ImmutableInode } from "../journal/stuck.ts";
import { FoldAccount } from "./account.ts";
import type { FoldOptions, FoldResult, RepairResult, RunContext, Selection, StuckFile } from "./contract.ts";
import type { VolumeState } from "./volume-state.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";

type Warn = (message: string) => void;

/** Works on the journal of a filesystem; null where it has none. Makes no database. */
export function withJournal<Result>(
  databaseDir: string,
  uuid: string,
  warn: Warn,
  work: (journal: Journal) => Result,
): Result | null {
  if (!existsSync(journalPath(databaseDir, uuid))) return null;
  const journal = Journal.open(databaseDir, uuid, warn);
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}

/** What folding needs of a volume. */
export function foldVolumeOf(handle: VolumeHandle): FoldVolume {
  return {
    uuid: handle.uuid,
    dir: handle.dir,
    sectorSize: handle.sectorSize,
    pathOf: (subvolume, inode) => handle.pathOf(subvolume, inode),
    generation: () => handle.generation(),
  };
}

/** Opens the journal to write; the caller holds the volume's lock. */
export async function withWritableJournal<Result>(
  databaseDir: string,
  uuid: string,
  warn: Warn,
  work: (journal: Journal) => Promise<Result>,
): Promise<Result> {
  const journal = Journal.open(databaseDir, uuid, warn);
  try {
    journal.markInterruptedRuns();
    return await work(journal);
  } finally {
    journal.close();
  }
}

/** What to fold, and what was promised of it. */
export interface PlannedFold {
  /** Can be gone through again, as long as the index is the same. */
  readonly plans: Iterable<FoldPlan>;
  readonly predictedBytes: number;
  /** The sizes of all destinations together. */
  readonly totalBytes: number;
}

/** Every group of a selection of the last scan. */
export function planSelection(state: VolumeState, selection: Selection): PlannedFold {
  const { reclaimableBytes: predictedBytes, foldBytes: totalBytes } = state.totals(selection);
  const plans = { [Symbol.iterator]: () => state.plans(selection) };
  return { plans, predictedBytes, totalBytes };
}

/** Ranges to fold after whole files. */
export interface PlannedRanges {
  /** As it was promised. */
  readonly promised: DeepPlan;
  /** What is folded of it, or in its place, when whole files are folded. */
  plan(): Promise<RangesToFold>;
}

export interface RangesToFold {
  readonly plan: DeepPlan;
  /** Files of ranges that were promised and are left, since they are not as they were. */
  readonly changed: readonly Member[];
}

/** Ends what an earlier run was cut off in; the caller holds the volume's lock. */
export async function mendEarlier(
  state: VolumeState,
  databaseDir: string,
  ctx: RunContext,
  warn: Warn,
): Promise<Mended> {
  const { handle } = state;
  return withWritableJournal(databaseDir, handle.uuid, warn, (journal) =>
    mendRewrites(foldVolumeOf(handle), journal, ctx),
  );
}

/** What one run is to do. */
export interface FoldWork {
  /** Groups of the last scan. */
  readonly files: PlannedFold;
  /** Comes after them. */
  readonly ranges: PlannedRanges | null;
  /** What came back before, from mending: the run counts it as freed. */
  readonly mendedBytes: number;
}

/** Folds groups of the last scan, and then ranges. */
export async function foldPlanned(
  state: VolumeState,
  databaseDir: string,
  { files: planned, ranges, mendedBytes }: FoldWork,
  options: FoldOptions,
  ctx: RunContext,
  warn: Warn,
): Promise<FoldResult> {
  state.handle.forgetNames();
  const promised = ranges?.promised;
  const account = new FoldAccount(state, planned, promised?.predictedBytes ?? 0, mendedBytes);
  const sums = {
    predictedBytes: planned.predictedBytes + (promised?.predictedBytes ?? 0),
    totalBytes: planned.totalBytes + bytesToFold(promised?.victims ?? []),
    mendedBytes,
  };
  const volume = foldVolumeOf(state.handle);
  let folded: FoldResult["ranges"];
  const { differingSizes, ...result } = await withWritableJournal(
    databaseDir,
    state.handle.uuid,
    warn,
    async (journal) => {
      const then = async (run: FoldRun, runId: number): Promise<void> => {
        if (ranges === null) return;
        // so that the trees, and the next scan, say where whole files lie now
        await run.intents.settle();
        await account.endFiles(run);
        const { plan, changed } = await ranges.plan();
        account.beginRanges(plan, changed.length > 0 ? "changed" : "replanned");
        await foldDeep(run, plan, journal, runId);
        for (const file of changed) run.report(file, { kind: "skipped", refusal: NOT_AS_SHOWN });
        folded = { extents: run.extents, rewrittenBytes: run.rewrittenBytes };
      };
      return foldPlans(volume, planned.plans, { ...options, ...sums }, journal, ctx, then, (...end) =>
        account.end(...end),
      );
    },
  );
  for (const size of differingSizes) {
    state.store.run("INSERT OR IGNORE INTO suspect VALUES (?)", size);
    state.store.run("INSERT OR IGNORE INTO pending VALUES (?)", size);
  }
  return { ...result, ...(folded === undefined ? {} : { ranges: folded }) };
}

/** Immutable files, by whom; the index must be fresh. */
export async function stuckFiles(
  state: VolumeState,
  databaseDir: string,
  warn: Warn,
): Promise<readonly StuckFile[]> {
  state.handle.forgetNames();
  return withWritableJournal(databaseDir, state.handle.uuid, warn, (journal) =>
    Promise.resolve(findStuck(foldVolumeOf(state.handle), journal, () => immutableInodes(state))),
  );
}

export async function repairFiles(
  state: VolumeState,
  databaseDir: string,
  ids: readonly string[],
  ctx: RunContext,
  warn: Warn,
): Promise<RepairResult> {
  state.handle.forgetNames();
  const volume = foldVolumeOf(state.handle);
  return withWritableJournal(databaseDir, state.handle.uuid, warn, async (journal) => {
    const result = await repairStuck(
      volume,
      journal,
      findStuck(volume, journal, () => immutableInodes(state)),
      ids,
      ctx,
    );
    await mendRewrites(volume, journal, ctx);
    return result;
  });
}

function immutableInodes(state: VolumeState): ImmutableInode[] {
  const { holders } = state.store;
  return state.store
    .all<{ holder: number; ino: number; gen: number }>(
      `SELECT holder, ino, gen FROM inode WHERE kind = 1 AND (flags & ${INODE.immutable}) <> 0`,
    )
    .flatMap(({ holder, ino, gen }) =>
      holders
        .subvolumes(holder)
        .map((subvolume) => ({ subvolume, inode: ino, generation: gen, firstSeen: null })),
    )
    .sort((a, b) => a.subvolume - b.subvolume || a.inode - b.inode);
}
