import { existsSync } from "node:fs";
import { INODE } from "../btrfs/constants.ts";
import { foldPlans } from "../dedupe/fold.ts";
import type { FoldVolume } from "../dedupe/types.ts";
import { repairStuck } from "../journal/repair.ts";
import { Journal, journalPath } from "../journal/store.ts";
import { findStuck, type ImmutableInode } from "../journal/stuck.ts";
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

/** Folds every group of a selection of the last scan. */
export async function foldSelection(
  state: VolumeState,
  databaseDir: string,
  selection: Selection,
  options: FoldOptions,
  ctx: RunContext,
  warn: Warn,
): Promise<FoldResult> {
  state.handle.forgetNames();
  const { reclaimableBytes: predictedBytes, foldBytes: totalBytes } = state.totals(selection);
  const { differingSizes, ...result } = await withWritableJournal(
    databaseDir,
    state.handle.uuid,
    warn,
    (journal) =>
      foldPlans(
        foldVolumeOf(state.handle),
        state.plans(selection),
        { ...options, predictedBytes, totalBytes },
        journal,
        ctx,
      ),
  );
  for (const size of differingSizes) {
    state.store.run("INSERT OR IGNORE INTO suspect VALUES (?)", size);
    state.store.run("INSERT OR IGNORE INTO pending VALUES (?)", size);
  }
  return result;
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
  return withWritableJournal(databaseDir, state.handle.uuid, warn, (journal) =>
    repairStuck(
      volume,
      journal,
      findStuck(volume, journal, () => immutableInodes(state)),
      ids,
      ctx,
    ),
  );
}

function immutableInodes(state: VolumeState): ImmutableInode[] {
  return state.store
    .all<{ subvol: number; ino: number; gen: number }>(
      `SELECT subvol, ino, gen FROM inode WHERE kind = 1 AND (flags & ${INODE.immutable}) <> 0`,
    )
    .map(({ subvol, ino, gen }) => ({ subvolume: subvol, inode: ino, generation: gen, firstSeen: null }));
}
