import { Prefetch, mergeRanges, type PrefetchFile } from "./prefetch.ts";
import { planSteps, WINDOW_BYTES, windowsOf } from "./steps.ts";
import { unpackExtents, type Range } from "../btrfs/extents.ts";
import type { FoldRun } from "./run.ts";
import type { FoldPlan, Member } from "./types.ts";

/** Files whose intents go to the journal in one transaction. */
const WAVE_FILES = 512;
/** Files and bytes locked at one time: others get an error while a file is immutable, so few and short. */
const BATCH_FILES = 64;
const BATCH_BYTES = 8 << 20;

function filesOf(plan: FoldPlan): number {
  return plan.destinations.length + 1;
}

/** Cuts a series of plans where the next one would exceed a limit. A plan larger than a limit stands alone. */
function* cut(plans: Iterable<FoldPlan>, maxFiles: number, maxBytes: number): Generator<FoldPlan[]> {
  let part: FoldPlan[] = [];
  let files = 0;
  let bytes = 0;
  for (const plan of plans) {
    const planBytes = filesOf(plan) * plan.size;
    if (part.length > 0 && (files + filesOf(plan) > maxFiles || bytes + planBytes > maxBytes)) {
      yield part;
      part = [];
      files = bytes = 0;
    }
    part.push(plan);
    files += filesOf(plan);
    bytes += planBytes;
  }
  if (part.length > 0) yield part;
}

/** Plans that are journaled and read ahead together. */
export function wavesOf(plans: Iterable<FoldPlan>): Generator<FoldPlan[]> {
  return cut(plans, WAVE_FILES, WINDOW_BYTES);
}

/** Plans of a wave that are locked together. */
export function batchesOf(plans: readonly FoldPlan[]): Generator<FoldPlan[]> {
  return cut(plans, BATCH_FILES, BATCH_BYTES);
}

/** Plans whose files are being read ahead. end() must be called. */
export class Wave {
  readonly plans: readonly FoldPlan[];
  readonly #run: FoldRun;
  readonly #files: readonly Member[];
  readonly #prefetch: Prefetch;

  private constructor(
    run: FoldRun,
    plans: readonly FoldPlan[],
    files: readonly Member[],
    prefetch: Prefetch,
  ) {
    this.#run = run;
    this.plans = plans;
    this.#files = files;
    this.#prefetch = prefetch;
  }

  /** Begins to read what the scan says will be compared; of a large group, what comes first. */
  static async open(run: FoldRun, plans: readonly FoldPlan[]): Promise<Wave> {
    const files: Member[] = [];
    const list: PrefetchFile[] = [];
    for (const plan of plans) {
      for (const [member, ranges] of rangesOf(plan, run.volume.sectorSize)) {
        files.push(member);
        list.push({ file: member, ranges: mergeRanges(ranges) });
      }
    }
    return new Wave(run, plans, files, await Prefetch.open(run.volume.dir, list, run.control));
  }

  /** Files that our flag may be set on, so need an intent: not those that are immutable already. */
  lockable(): Member[] {
    return this.#files.filter((file, k) => this.#run.needsFlag(file) && this.#prefetch.immutable(k) === 0);
  }

  end(): Promise<void> {
    return this.#prefetch.end();
  }
}

/** The first window of a plan by what the scan knows: a hint for the read-ahead, trusted for nothing else. */
function rangesOf(plan: FoldPlan, sectorSize: number): Map<Member, Range[]> {
  const ranges = new Map<Member, Range[]>([plan.source, ...plan.destinations].map((member) => [member, []]));
  const extents = (member: Member): ReturnType<typeof unpackExtents> =>
    unpackExtents(member.extents, sectorSize);
  const targets = plan.destinations.map((destination) => ({ destination, extents: extents(destination) }));
  const { steps } = planSteps(extents(plan.source), targets, plan.size);
  const [window = []] = windowsOf(steps.map((step) => ({ step })));
  for (const { step } of window) {
    const range = { start: step.offset, end: step.offset + step.length };
    for (const member of [plan.source, ...step.destinations]) ranges.get(member)?.push(range);
  }
  return ranges;
}
