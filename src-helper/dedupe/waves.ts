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

/** Threads that open files and start reads at one time; each waits for the metadata of its files. */
const PREFETCH_THREADS = 2;

/** Plans whose files are being read ahead. end() must be called. */
export class Wave {
  readonly plans: readonly FoldPlan[];
  readonly #run: FoldRun;
  readonly #prefetches: readonly Prefetch<Member>[];

  private constructor(run: FoldRun, plans: readonly FoldPlan[], prefetches: readonly Prefetch<Member>[]) {
    this.#run = run;
    this.plans = plans;
    this.#prefetches = prefetches;
  }

  /** Begins to read what the scan says will be compared; of a large group, what comes first. */
  static async open(run: FoldRun, plans: readonly FoldPlan[]): Promise<Wave> {
    const files = plans.flatMap((plan) => filesToRead(plan, run.volume.sectorSize));
    files.sort((a, b) => a.bytenr - b.bytenr); // a disk that has to move its head does so once
    const share = Math.ceil(files.length / PREFETCH_THREADS);
    const opening: Promise<Prefetch<Member>>[] = [];
    for (let start = 0; start < files.length; start += share) {
      opening.push(Prefetch.open(run.volume.dir, files.slice(start, start + share), run.control));
    }
    return new Wave(run, plans, await Promise.all(opening));
  }

  /** Files that our flag may be set on, so need an intent: not those that are immutable already. */
  lockable(): Member[] {
    return this.#prefetches
      .flatMap((prefetch) => prefetch.files.filter((_, k) => prefetch.immutable(k) === 0))
      .map(({ file }) => file)
      .filter((file) => this.#run.needsFlag(file));
  }

  async end(): Promise<void> {
    await Promise.all(this.#prefetches.map((prefetch) => prefetch.end()));
  }
}

/**
 * The first window of a plan by what the scan knows: a hint for the read-ahead,
 * trusted for nothing else.
 */
function filesToRead(plan: FoldPlan, sectorSize: number): (PrefetchFile<Member> & { bytenr: number })[] {
  const members = [plan.source, ...plan.destinations].map((file) => ({
    file,
    extents: unpackExtents(file.extents, sectorSize),
    ranges: [] as Range[],
  }));
  const [source, ...destinations] = members;
  if (source === undefined) return [];
  const targets = destinations.map((destination) => ({ destination, extents: destination.extents }));
  const { steps } = planSteps(source.extents, targets, plan.size);
  const [window = []] = windowsOf(steps.map((step) => ({ step })));
  for (const { step } of window) {
    const range = { start: step.offset, end: step.offset + step.length };
    for (const member of [source, ...step.destinations]) member.ranges.push(range);
  }
  return members.map(({ file, extents, ranges }) => {
    return { file, ranges: mergeRanges(ranges), bytenr: extents[0]?.bytenr ?? 0 };
  });
}
