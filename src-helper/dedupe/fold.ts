import type {
  Difference,
  FileOutcome,
  FoldOptions,
  FoldResult,
  PathBytes,
  RunContext,
  Skipped,
} from "../engine/contract.ts";
import { fileId, type Journal } from "../journal/store.ts";
import { openStuckIntents } from "../journal/stuck.ts";
import { BatchFold } from "./batch.ts";
import type { Measured } from "./freed.ts";
import type { Outcome } from "./group-fold.ts";
import { applyPriority } from "./priority.ts";
import * as reasons from "./reasons.ts";
import { FoldRun, type FoldRunOptions } from "./run.ts";
import type { FoldPlan, FoldVolume, Member } from "./types.ts";
import { batchesOf, Wave, wavesOf } from "./waves.ts";

export interface PlannedOptions extends FoldOptions {
  /** What was promised. */
  readonly predictedBytes: number;
  /** The sizes of all destinations together, for the progress. */
  readonly totalBytes: number;
  /** What mending gave back before, to count as freed. */
  readonly mendedBytes: number;
}

/**
 * Folds groups: every destination onto its group's source. The caller holds the
 * volume's lock and has called journal.markInterruptedRuns().
 *
 * Aborting ctx.signal ends the step at hand, unlocks every file, measures what
 * was freed and closes the run as cancelled; files that were not reached are
 * not among the skipped.
 *
 * @returns differingSizes: sizes in which files that looked the same were not;
 *   freedBytes is measured from the extents that are gone. With defrag,
 *   what was written anew is taken off, so it can be negative.
 * @param then more work of the same run, after the plans; not where it was cancelled
 * @param explain called when all is measured: why something else was freed than was promised
 * @throws NativeError, RefoldError, SqliteError where the run itself cannot go
 *   on; every file is unlocked then, and the run closed as interrupted
 */
export async function foldPlans(
  volume: FoldVolume,
  plans: Iterable<FoldPlan>,
  options: PlannedOptions,
  journal: Journal,
  ctx: RunContext,
  then?: (run: FoldRun, runId: number) => Promise<void>,
  explain?: Explain,
): Promise<FoldResult & { readonly differingSizes: readonly number[] }> {
  const skipped: Skipped[] = [];
  const differingSizes = new Set<number>();
  let whole = true;
  const result = await runFold(
    volume,
    plans,
    { ...options, fixedSource: false },
    journal,
    ctx,
    (member, outcome) => {
      if (outcome.kind === "skipped") {
        if (whole && outcome.refusal.reason === "differs") differingSizes.add(member.size);
        skipped.push({ path: volume.pathOf(member.subvolume, member.inode), ...outcome.refusal });
      }
    },
    async (run, runId) => {
      whole = false;
      await then?.(run, runId);
    },
    explain,
  );
  return {
    ...result,
    uuid: volume.uuid,
    predictedBytes: options.predictedBytes,
    skipped,
    differingSizes: [...differingSizes],
  };
}

/** A file that the caller named and opened once to identify it. */
export interface NamedMember {
  readonly member: Member;
  readonly path: PathBytes;
}

/**
 * Folds named files onto a named source. The volume must have been synced after
 * the members were last written to.
 * @returns one entry a destination, in their order; those that a cancelled run
 *   did not reach are "cancelled"
 * @throws as foldPlans
 */
export async function foldFiles(
  volume: FoldVolume,
  source: NamedMember,
  destinations: readonly NamedMember[],
  options: FoldOptions,
  journal: Journal,
  ctx: RunContext,
): Promise<{ runId: number; files: readonly FileOutcome[]; freedBytes: number; cancelled: boolean }> {
  const members = new Map<string, Member>();
  for (const { member } of destinations) {
    if (fileId(member) !== fileId(source.member)) members.set(fileId(member), member);
  }
  const { size } = source.member;
  const plan: FoldPlan = {
    groupId: "",
    size,
    source: source.member,
    destinations: [...members.values()],
    left: [],
  };
  const paths = new Map([source, ...destinations].map(({ member, path }) => [fileId(member), path]));
  const named: FoldVolume = {
    uuid: volume.uuid,
    dir: volume.dir,
    sectorSize: volume.sectorSize,
    generation: () => volume.generation(),
    pathOf: (subvolume, inode) => {
      const member = [source.member, ...members.values()].find(
        (one) => one.subvolume === subvolume && one.inode === inode,
      );
      return (
        (member === undefined ? undefined : paths.get(fileId(member))) ?? volume.pathOf(subvolume, inode)
      );
    },
  };
  const outcomes = new Map<string, Outcome>();
  const runOptions = {
    ...options,
    predictedBytes: 0,
    totalBytes: size * members.size,
    mendedBytes: 0,
    fixedSource: true,
  };
  const result = await runFold(
    named,
    members.size === 0 ? [] : [plan],
    runOptions,
    journal,
    ctx,
    (member, outcome) => {
      outcomes.set(fileId(member), outcome);
    },
  );
  const files = destinations.map(({ member, path }): FileOutcome => {
    if (fileId(member) === fileId(source.member)) {
      return { path, outcome: "already-shared", detail: "It is the source itself, perhaps by another name." };
    }
    return { path, ...toFileOutcome(outcomes.get(fileId(member))) };
  });
  return { runId: result.runId, files, freedBytes: result.freedBytes, cancelled: result.cancelled };
}

function toFileOutcome(outcome: Outcome | undefined): Omit<FileOutcome, "path"> {
  switch (outcome?.kind) {
    case undefined:
      return {
        outcome: "cancelled",
        detail: "The run was cancelled before its turn came. It was left as it is.",
      };
    case "folded":
      return { outcome: "folded", detail: "" };
    case "shared":
      return { outcome: "already-shared", detail: outcome.detail };
    case "skipped":
      return { outcome: outcome.refusal.reason, detail: outcome.refusal.detail };
  }
}

type RunResult = Pick<
  FoldResult,
  "runId" | "groups" | "files" | "freedBytes" | "differences" | "elapsedMs" | "cancelled"
>;

/** @param measured what was noted since the last measurement */
export type Explain = (
  run: FoldRun,
  measured: Measured,
  cancelled: boolean,
) => Promise<readonly Difference[]>;

async function runFold(
  volume: FoldVolume,
  plans: Iterable<FoldPlan>,
  options: FoldRunOptions & PlannedOptions,
  journal: Journal,
  ctx: RunContext,
  onOutcome: (member: Member, outcome: Outcome) => void,
  then?: (run: FoldRun, runId: number) => Promise<void>,
  explain?: Explain,
): Promise<RunResult> {
  const started = Date.now();
  applyPriority(options);
  const earlier = openStuckIntents(volume, journal);
  if (earlier.length > 0) {
    ctx.log(
      "warning",
      `An earlier run was cut off and left ${earlier.length === 1 ? "one file" : `${earlier.length} files`} immutable. Their content is whole; \`refold repair\` mends them.`,
    );
  }
  const runId = journal.beginRun({
    lock: options.lock,
    generation: volume.generation(),
    predictedBytes: options.predictedBytes,
  });
  const run = new FoldRun(volume, options, journal, runId, new Set(earlier.map(fileId)), ctx, onOutcome);
  run.freedBytes = options.mendedBytes;
  const cancel = (): void => {
    run.control.cancel();
  };
  ctx.signal.addEventListener("abort", cancel, { once: true });
  let state: "done" | "cancelled" | "interrupted" = "interrupted";
  let freedBytes: number | null = null;
  let differences: readonly Difference[] = [];
  try {
    if (ctx.signal.aborted) cancel();
    await foldWaves(run, plans);
    if (!run.isCancelled()) await then?.(run, runId);
    run.tellProgress(true);
    const measured = await measure(run);
    freedBytes = run.freedBytes;
    differences = (await explain?.(run, measured, run.leftOver)) ?? [];
    state = run.leftOver ? "cancelled" : "done";
  } finally {
    ctx.signal.removeEventListener("abort", cancel);
    await closeRun(run, journal, runId, state, freedBytes, differences);
  }
  const { groups, files } = run;
  const elapsedMs = Date.now() - started;
  return { runId, groups, files, freedBytes, differences, elapsedMs, cancelled: state === "cancelled" };
}

/** One wave is read ahead while the one before it is folded. */
async function foldWaves(run: FoldRun, plans: Iterable<FoldPlan>): Promise<void> {
  const waves = wavesOf(plans);
  const open = (): Promise<Wave> | null => {
    if (run.isCancelled()) return null;
    const taken = waves.next();
    if (taken.done === true) return null;
    const wave = Wave.open(run, taken.value);
    wave.catch(() => undefined); // looked at when its turn comes
    return wave;
  };
  let next = open();
  let ending = Promise.resolve();
  try {
    while (next !== null) {
      const wave: Wave = await next;
      next = null;
      try {
        next = open();
        await foldWave(run, wave);
      } finally {
        await ending;
        ending = wave.end(); // while the next one is folded
        ending.catch(() => undefined); // looked at above, or below
      }
      await run.intents.settleSometimes();
    }
    if (run.isCancelled() && waves.next().done !== true) run.leftOver = true;
  } finally {
    await (await next)?.end();
    await ending;
  }
}

async function foldWave(run: FoldRun, wave: Wave): Promise<void> {
  for (const plan of wave.plans) {
    for (const { member, reason } of plan.left) {
      const refusal = {
        immutable: run.immutableRefusal(member),
        nocow: reasons.nocow(),
      }[reason];
      run.report(member, { kind: "skipped", refusal });
    }
  }
  if (run.isCancelled()) {
    run.leftOver = true;
    return;
  }
  const { ended } = run;
  run.ended = [];
  run.intents.advance(
    wave.lockable().map((member) => ({ ...identity(member), path: run.pathOf(member) })),
    ended,
  );
  const batches = batchesOf(wave.plans);
  /** @returns whether it stopped for a pause, before the last batch */
  const lane = async (): Promise<boolean> => {
    while (run.ctx.pausing?.() !== true || run.isCancelled()) {
      const next = batches.next();
      if (next.done === true) return false;
      if (run.isCancelled()) run.leftOver = true;
      else await BatchFold.fold(run, next.value);
      run.tellProgress();
    }
    return true;
  };
  for (let paused = true; paused;) {
    // a pause holds here, where every lane has unlocked its files
    await run.ctx.gate?.();
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
    for (const ended of lanes) if (ended.status === "rejected") throw ended.reason;
    paused = lanes.some((ended) => ended.status === "fulfilled" && ended.value);
  }
}

/** Batches folded at one time: while the kernel writes one to its trees it compares another. */
const LANES = 2;

function identity({ subvolume, inode, generation }: Member): {
  subvolume: number;
  inode: number;
  generation: number;
} {
  return { subvolume, inode, generation };
}

/** Makes everything durable, forgets the intents, and looks what is gone. */
async function measure(run: FoldRun): Promise<Measured> {
  run.intents.clearUntouched();
  await run.intents.settle();
  return run.measure((done, total) => {
    run.ctx.progress({ phase: "measure", done, total, unit: "extents", volume: run.volume.uuid });
  });
}

/** Ends the run in the journal. After an error that must not hide it, so what fails here is only told. */
async function closeRun(
  run: FoldRun,
  journal: Journal,
  runId: number,
  state: "done" | "cancelled" | "interrupted",
  freedBytes: number | null,
  differences: readonly Difference[],
): Promise<void> {
  const { groups, files, skipped, ended, extents, rewrittenBytes } = run;
  const ranges = { extents, rewrittenBytes };
  const close = (): void => {
    run.intents.advance([], ended);
    const end = { state, groups, files, skipped, freedBytes, differences, ranges };
    journal.finishRun(runId, end);
  };
  if (state !== "interrupted") {
    close();
    return;
  }
  try {
    run.intents.clearUntouched();
    await run.intents.settle();
    close();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    run.ctx.log(
      "warning",
      `The journal keeps its entries of this run (${what}). \`refold repair\` looks after them.`,
    );
  }
}
