import { INODE } from "../btrfs/constants.ts";
import type { Refusal } from "../dedupe/reasons.ts";
import type { FoldRun } from "../dedupe/run.ts";
import type { Journal, JournaledRewrite } from "../journal/store.ts";
import { DeepBatch, filesOf, type DeepOutcomes } from "./batch.ts";
import type { Numbered } from "./columns.ts";
import type { DeepFile, DeepPlan, Victim } from "./types.ts";

/** What is locked, and read ahead, at one time. */
const BATCH_FILES = 64;
const BATCH_BYTES = 32 << 20;

/** Bytes that a fold of these extents compares. */
export function bytesToFold(victims: Iterable<Victim>): number {
  let sum = 0;
  for (const victim of victims) sum += bytesOf(victim);
  return sum;
}

function bytesOf({ moves, rewrites }: Victim): number {
  const add = (sum: number, { length }: { length: number }): number => sum + length;
  return rewrites.reduce(add, moves.reduce(add, 0));
}

/** In the order of the plan, a bounded number of files and bytes at a time. */
function* batchesOf(victims: Iterable<Victim>): Generator<Victim[]> {
  let batch: Victim[] = [];
  let files = new Set<number>();
  let bytes = 0;
  for (const victim of victims) {
    const own = filesOf([victim]);
    const size = bytesOf(victim);
    const together = new Set([...files, ...own]).size;
    if (batch.length > 0 && (together > BATCH_FILES || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      files = new Set();
      bytes = 0;
    }
    batch.push(victim);
    for (const file of own) files.add(file);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Frees extents: moves every range that refers to one onto a copy of it that
 * stays, or onto a new copy of what is nowhere else. Whatever was refused keeps
 * its extent, and nothing takes more room than before.
 */
export async function foldDeep(run: FoldRun, plan: DeepPlan, journal: Journal, runId: number): Promise<void> {
  const outcomes: DeepOutcomes = {
    moved: new Set(),
    refused: new Map(),
    unfinished: new Set(),
    anew: new Map(),
  };
  const written: number[] = [];
  for (const victims of batchesOf(plan.victims)) {
    await run.ctx.gate?.();
    if (run.isCancelled()) {
      run.leftOver = true;
      break;
    }
    journal.addRewrites(victims.flatMap((victim) => rewritesOf(victim, plan.files, runId)));
    written.push(...victims.filter((victim) => victim.rewrites.length > 0).map((victim) => victim.bytenr));
    const { ended } = run;
    run.ended = [];
    run.intents.advance(lockable(run, plan, victims), ended);
    await DeepBatch.fold(run, plan.files, victims, outcomes);
    await run.intents.settleSometimes();
  }
  report(run, plan, outcomes);
  await run.intents.settle();
  journal.removeRewrites(
    runId,
    written.filter((bytenr) => !outcomes.unfinished.has(bytenr)),
  );
}

/** Files that our flag may be set on. */
function lockable(
  run: FoldRun,
  plan: DeepPlan,
  victims: readonly Victim[],
): (Pick<DeepFile, "subvolume" | "inode" | "generation"> & { path: Buffer })[] {
  return [...filesOf(victims)]
    .map((index) => plan.files.at(index))
    .filter((file) => file !== undefined)
    .filter((file) => run.needsFlag(file) && (file.flags & INODE.immutable) === 0)
    .map((file) => {
      const { subvolume, inode, generation } = file;
      return { subvolume, inode, generation, path: run.pathOf(file) };
    });
}

function rewritesOf(victim: Victim, files: Numbered<DeepFile>, run: number): JournaledRewrite[] {
  if (victim.rewrites.length === 0) return [];
  const moves = victim.moves.map(({ to, length }) => ({ to, length, target: -1 }));
  return [...moves, ...victim.rewrites].map(({ to, target, length }) => {
    const file = files.at(to.file);
    if (file === undefined) throw new Error(`no file ${to.file}`);
    const { subvolume, inode, generation } = file;
    return {
      run,
      extent: victim.bytenr,
      kind: victim.kind,
      subvolume,
      inode,
      generation,
      fileOffset: to.fileOffset,
      length,
      extentOffset: to.offset,
      target,
    };
  });
}

/** Each file once: what was refused of it, else that it was folded. */
function report(run: FoldRun, { files }: DeepPlan, { moved, refused }: DeepOutcomes): void {
  const tell = (index: number, refusal: Refusal | undefined): void => {
    const file = files.at(index);
    if (file !== undefined)
      run.report(file, refusal === undefined ? { kind: "folded" } : { kind: "skipped", refusal });
  };
  for (const index of moved) if (!refused.has(index)) tell(index, undefined);
  for (const [index, refusal] of refused) tell(index, refusal);
}
