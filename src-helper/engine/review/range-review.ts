import type { RangeSum, Sum } from "../../rpc/protocol.ts";
import { pathMatcher } from "../../scan/selection.ts";
import type { FoldPlan } from "../../dedupe/types.ts";
import type { DeepPlan } from "../../deep/types.ts";
import type { DeepOptions } from "../contract.ts";
import { planRanges } from "../ranges.ts";
import type { VolumeState } from "../volume-state.ts";
import type { GroupColumns } from "./columns.ts";
import type { Names } from "./filter.ts";
import type { Loaded } from "./loading.ts";
import { readNames } from "./names.ts";
import type { PagedRanges } from "./pages.ts";
import { Planner } from "./planner.ts";
import { RangeList } from "./range-list.ts";
import { NO_RANGES, RangeTicks } from "./range-ticks.ts";
import { scanContextOf } from "../scan-context.ts";
import { Slices } from "./slices.ts";
import type { ReviewSource } from "./source.ts";
import { outOfDate } from "./stale.ts";
import type { Tally } from "./tally.ts";

/** After the last tick: who unticks one file unticks another. Milliseconds. */
const REST_MS = 250;

/** Ranges that are shown. */
export interface ShownRanges {
  readonly list: RangeList;
  readonly names: Names;
}

/** What of a review's options ranges hang on. */
export interface RangeReviewOptions {
  readonly minSize: number;
  readonly snapshots: boolean;
  readonly deep: DeepOptions;
}

/**
 * Parts of files in a review. Which extents can go hangs on where whole files
 * will lie, so the plan is worked out anew, in the background, when other
 * whole files are ticked; until it is there, no range counts.
 *
 * A file that is not ticked in its group, or that a glob leaves out, is neither
 * changed by ranges nor shared with.
 */
export class RangeReview {
  readonly ticks: RangeTicks;
  readonly #source: ReviewSource;
  readonly #groups: GroupColumns;
  readonly #options: RangeReviewOptions;
  readonly #closing: AbortSignal;
  /** Runs what must not see, nor be seen in, half of a change. */
  readonly #exclusively: (work: () => Promise<void>) => Promise<void>;
  #shown: ShownRanges | null = null;
  #state: RangeSum["state"] = "working";
  #running = new AbortController();
  #settled = Promise.withResolvers<undefined>();
  #error: unknown = null;
  #ended: Promise<unknown> = Promise.resolve();
  /** Rises with every new list. */
  epoch = 0;

  /**
   * @param closing aborted when the review ends
   * @param before what was ticked in another review of the volume
   */
  constructor(
    source: ReviewSource,
    groups: GroupColumns,
    options: RangeReviewOptions,
    closing: AbortSignal,
    before: RangeTicks | null,
    exclusively: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.ticks = RangeTicks.after(before);
    this.#source = source;
    this.#groups = groups;
    this.#options = options;
    this.#closing = closing;
    this.#exclusively = exclusively;
    this.#settled.promise.catch(() => undefined);
  }

  get state(): RangeSum["state"] {
    return this.#state;
  }

  /** What a page is made of; null before they were worked out first. */
  get paged(): PagedRanges | null {
    const shown = this.#shown;
    return shown === null ? null : { ...shown, epoch: this.epoch, ticks: this.ticks };
  }

  /** The sum of whole files with what the ticked ranges come to. */
  added(sum: Sum): Sum {
    const { foldBytes, pinnedBytes, ...ranges } = this.#state === "ready" ? this.ticks.sum : NO_RANGES;
    return {
      ...sum,
      foldBytes: sum.foldBytes + foldBytes,
      predictedBytes: sum.predictedBytes + ranges.predictedBytes,
      // what whole files leave of an extent, ranges may move
      pinnedBytes: sum.pinnedBytes - pinnedBytes,
      ranges: { state: this.#state, ...ranges },
    };
  }

  /** What it works on has ended, however. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** The groups could not be loaded. */
  fail(error: unknown): void {
    this.#state = "failed";
    this.#error = error;
    this.#settled.reject(error);
  }

  /** The plan of what is ticked; null where nothing is. */
  planned(): DeepPlan | null {
    const list = this.#shown?.list;
    if (list === undefined || this.#state !== "ready" || this.ticks.sum.rows === 0) return null;
    return list.planOf((row) => this.ticks.isChosen(row));
  }

  /**
   * Other whole files are ticked, or something else is left out: works the ranges out anew.
   * @param exclude globs
   */
  restart({ files, choice }: Loaded, exclude: readonly string[]): void {
    this.#running.abort();
    const running = (this.#running = new AbortController());
    if (this.#state !== "working") {
      this.#settled = Promise.withResolvers<undefined>();
      this.#settled.promise.catch(() => undefined);
    }
    this.#state = "working";
    const signal = AbortSignal.any([running.signal, this.#closing]);
    const settled = this.#settled;
    const work = this.#work(files, choice.tally, exclude, signal);
    this.#ended = Promise.allSettled([this.#ended, work]);
    work.then(
      () => {
        if (!signal.aborted) settled.resolve(undefined);
      },
      (error: unknown) => {
        if (running.signal.aborted) return; // another one is on its way
        this.#state = "failed";
        this.#error = error;
        settled.reject(error);
      },
    );
  }

  /**
   * Waits until the ranges are there, for what is ticked by then.
   * @throws why they could not be worked out
   */
  async settled(): Promise<void> {
    if (this.#state === "failed") throw this.#error;
    while (this.#state === "working") await this.#settled.promise;
  }

  async #work(
    files: Loaded["files"],
    tally: Tally,
    exclude: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    await rest(signal);
    const slices = new Slices(signal);
    const ticked = files.ticked.slice();
    for (let row = 0; row < ticked.length; row++) if (files.excluded[row] === 1) ticked[row] = 0;
    const shown = await this.#source.withState(async (state) => {
      const plan = await this.#plan(state, files, ticked, exclude, signal, slices);
      const list = await RangeList.of(plan, slices);
      const names = await readNames(state.handle, list.files, { slices, signal, progress: () => undefined });
      return { list, names };
    });
    await this.#exclusively(async () => {
      if (signal.aborted) return;
      // with another tick of whole files the tally changes, and this begins anew
      const install = await this.ticks.adopt(shown.list, (bytenr) => tally.pinnedAt(bytenr), slices);
      install();
      this.#shown = shown;
      this.#state = "ready";
      this.epoch++;
    });
  }

  async #plan(
    state: VolumeState,
    files: Loaded["files"],
    ticked: Uint8Array,
    exclude: readonly string[],
    signal: AbortSignal,
    slices: Slices,
  ): Promise<DeepPlan> {
    const { minSize, snapshots, deep } = this.#options;
    const planner = new Planner(this.#groups, files, state.store, state.handle.sectorSize, snapshots);
    const plans: FoldPlan[] = [];
    const left = new Set<string>();
    for (let group = 0; group < this.#groups.count; group++) {
      if (group % 16 === 0 && slices.over) await slices.next();
      const end = this.#groups.first[group + 1] ?? 0;
      for (let row = this.#groups.first[group] ?? 0; row < end; row++) {
        if (ticked[row] === 1) continue;
        for (const subvolume of files.subvolumesOf(row)) left.add(keyOf(subvolume, files.inode[row] ?? 0));
      }
      for (const plan of planner.plan(group, (row) => ticked[row] === 1)) {
        if (plan.destinations.length > 0) plans.push(planner.placing(plan));
      }
    }
    const excluded = exclude.length === 0 ? null : pathMatcher(exclude);
    const selection = { minSize, exclude: [], pathGlob: null, crossVolume: true, snapshots };
    const { handle } = state;
    const context = scanContextOf(handle, { signal, progress: () => undefined, log: () => undefined });
    return planRanges(state, selection, deep, plans, context, ({ subvolume, inode }) => {
      if (left.has(keyOf(subvolume, inode))) return false;
      return excluded === null || !excluded(handle.pathOf(subvolume, inode).toString());
    });
  }
}

function keyOf(subvolume: number, inode: number): string {
  return `${subvolume}:${inode}`;
}

/** @throws StaleReviewError, or whatever the signal's reason is */
async function rest(signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw outOfDate();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, REST_MS);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
  signal.throwIfAborted();
}
