import { readSync } from "node:fs";
import { constants } from "node:os";
import { INODE } from "../btrfs/constants.ts";
import { callAsync, STEP, tryCall } from "../native/library.ts";
import type { BatchFold } from "./batch.ts";
import type { GroupFold, MemberFold } from "./group-fold.ts";
import { mergeRanges, Prefetch } from "./prefetch.ts";
import * as reasons from "./reasons.ts";
import { planSteps, windowsOf, type Step } from "./steps.ts";

interface GroupStep {
  readonly group: GroupFold;
  readonly source: MemberFold;
  readonly step: Step<MemberFold>;
}

/**
 * Folds every group of a batch onto its source of the moment.
 * @param first the first window is being read already
 * @returns false where nothing was left to do
 */
export async function foldRound(batch: BatchFold, first: boolean): Promise<boolean> {
  const steps = batch.groups.flatMap(stepsOf);
  if (steps.length === 0) return false;
  const windows = windowsOf(steps);
  const [start] = windows;
  // the first window of the first round was read ahead before the files were locked
  let ahead = first || start === undefined ? null : await readAhead(batch, start);
  try {
    for (const [k, window] of windows.entries()) {
      const next = windows[k + 1];
      const reading = next === undefined ? null : readAhead(batch, next);
      try {
        await dedupe(batch, window);
      } finally {
        const read = ahead;
        ahead = reading === null ? null : await reading;
        await read?.end();
      }
      batch.run.tellProgress();
      if (batch.run.isCancelled()) break;
      if (next !== undefined) {
        yieldToWriters(batch);
        await batch.releaseEarly();
      }
    }
  } finally {
    await ahead?.end();
  }
  return true;
}

function stepsOf(group: GroupFold): GroupStep[] {
  group.prune();
  const { source } = group;
  if (source === null || group.pending.length === 0) return [];
  const targets = group.pending.map((destination) => ({ destination, extents: destination.extents }));
  const { steps, shared } = planSteps(source.extents, targets, group.plan.size);
  for (const destination of shared) destination.outcome = { kind: "shared", detail: "" };
  for (const destination of group.pending) destination.stepsLeft = 0;
  for (const step of steps) for (const destination of step.destinations) destination.stepsLeft++;
  group.prune();
  return steps.map((step) => ({ group, source, step }));
}

function readAhead(batch: BatchFold, window: readonly GroupStep[]): Promise<Prefetch> {
  const files = new Map<MemberFold, { start: number; end: number }[]>();
  for (const { source, step } of window) {
    const range = { start: step.offset, end: step.offset + step.length };
    for (const fold of [source, ...step.destinations]) {
      if (fold.lock.fd < 0) continue;
      const ranges = files.get(fold);
      if (ranges === undefined) files.set(fold, [range]);
      else ranges.push(range);
    }
  }
  const list = [...files].map(([{ member }, ranges]) => ({ file: member, ranges: mergeRanges(ranges) }));
  return Prefetch.open(batch.run.volume.dir, list, batch.run.control);
}

/** One native call for the steps of a window whose source still serves. */
async function dedupe(batch: BatchFold, window: readonly GroupStep[]): Promise<void> {
  const { run } = batch;
  const index = new Map<MemberFold, number>();
  const steps: number[] = [];
  const entries: { group: GroupFold; source: MemberFold; fold: MemberFold; step: Step<MemberFold> }[] = [];
  for (const { group, source, step } of window) {
    const waiting = step.destinations.filter((fold) => fold.waits);
    if (group.source !== source || waiting.length === 0) continue;
    steps.push(source.lock.fd, step.offset, step.length, waiting.length);
    for (const fold of waiting) {
      if (!index.has(fold)) index.set(fold, index.size);
      entries.push({ group, source, fold, step });
    }
  }
  if (entries.length === 0) return;
  const folds = [...index.keys()];
  const clear = Uint8Array.from(folds, ({ lock }) => (lock.flagged ? 1 : 0));
  const status = new Int32Array(entries.length);
  await callAsync(
    "rf_dedupe_steps",
    Float64Array.from(steps),
    steps.length / STEP.fields,
    Int32Array.from(entries, ({ fold }) => index.get(fold) ?? -1),
    Int32Array.from(folds, ({ lock }) => lock.fd),
    clear,
    folds.length,
    status,
    run.control.buffer,
  );
  for (const [fold, k] of index) {
    if (!fold.lock.flagged || clear[k] !== 0) continue;
    fold.lock.flagged = false;
    run.intents.cleared(fold.member);
  }
  const lost = new Map<GroupFold, reasons.Refusal>();
  entries.forEach(({ group, source, fold, step }, k) => {
    fold.stepsLeft--;
    const refusal = settle(batch, source, fold, step, status[k] ?? 0);
    if (refusal !== null) lost.set(group, refusal);
  });
  for (const [group, refusal] of lost) batch.loseSource(group, refusal);
}

/**
 * What the status of one destination in one step means for it.
 * @returns why the source is lost, or null
 */
function settle(
  batch: BatchFold,
  source: MemberFold,
  fold: MemberFold,
  step: Step<MemberFold>,
  status: number,
): reasons.Refusal | null {
  const { run } = batch;
  const shared = fold.moved.length > 0;
  switch (status) {
    case STEP.same:
      run.count(fold, step.length);
      if (fold.inline) fold.outcome = { kind: "shared", detail: INLINE };
      else {
        fold.moved.push({ start: step.offset, end: step.offset + step.length });
        if (fold.stepsLeft === 0) fold.outcome ??= { kind: "folded" };
      }
      return null;
    case STEP.differs:
      fold.skip(reasons.differs(changeOf(source, fold), shared));
      return null;
    case STEP.wanted:
      fold.skip(reasons.wanted(shared));
      return null;
    case STEP.sourceWanted:
      return reasons.wanted(false);
    case STEP.passed:
    case STEP.cancelled:
      return null; // told by an earlier step, or never
  }
  const errno = -status;
  if (status >= STEP.flag) fold.skip(reasons.refusal(status - STEP.flag, "clear"));
  else if (errno === constants.errno.EIO && !readable(source, step)) return reasons.ioError();
  else if (errno === constants.errno.EINVAL && noCowMismatch(source, fold)) fold.skip(reasons.nocow());
  else fold.skip(run.explain(fold.member, errno, "dedupe"));
  return null;
}

const INLINE =
  "It is the same, but so small that its data stands in the metadata: there is nothing to share.";

/** Which side is not where the scan saw it, and so was probably written to. */
function changeOf(source: MemberFold, fold: MemberFold): "destination" | "source" | "none" {
  if (fold.changed) return "destination";
  return source.changed ? "source" : "none";
}

function noCowMismatch(a: MemberFold, b: MemberFold): boolean {
  return (((a.fresh?.flags ?? 0) ^ (b.fresh?.flags ?? 0)) & INODE.nodatasum) !== 0;
}

/** Whose data is broken: the kernel says EIO for either side. */
function readable(source: MemberFold, step: Step<MemberFold>): boolean {
  const buffer = Buffer.allocUnsafe(Math.min(step.length, 1 << 20));
  try {
    for (let done = 0; done < step.length;) {
      const read = readSync(
        source.lock.fd,
        buffer,
        0,
        Math.min(buffer.length, step.length - done),
        step.offset + done,
      );
      if (read === 0) return true;
      done += read;
    }
    return true;
  } catch {
    return false;
  }
}

/** In a long fold, destinations whose turn has not come are looked after between its windows. */
function yieldToWriters(batch: BatchFold): void {
  for (const group of batch.groups) {
    for (const fold of group.pending) {
      if (fold.waits && tryCall("rf_lease_broken", fold.lock.fd) !== 0) {
        fold.skip(reasons.wanted(fold.moved.length > 0));
      }
    }
    group.prune();
  }
}
