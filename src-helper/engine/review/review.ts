import type {
  Comparison,
  Facets,
  Filter,
  FolderNode,
  Params,
  Result,
  ReviewInfo,
  Sum,
  TickTarget,
} from "../../rpc/protocol.ts";
import { addressesOf } from "../../deep/victims.ts";
import type { FoldOptions, FoldResult, RunContext, Selection } from "../contract.ts";
import type { ChosenFold } from "../volume.ts";
import type { Choice } from "./choice.ts";
import { Choices } from "./choices.ts";
import { beingFolded, chosenFold, nothingTicked, stillWorking } from "./chosen.ts";
import { comparedFile, compareFiles, type ComparedFile } from "./compare.ts";
import type { GroupColumns } from "./columns.ts";
import { Early, type ReviewOptions } from "./early.ts";
import { facetsOf } from "./facets.ts";
import { globTest } from "./filter.ts";
import { loadGroups } from "./load.ts";
import { Loading, type Loaded } from "./loading.ts";
import { Owners } from "./owners.ts";
import { Pages } from "./pages.ts";
import { reviewPinned, reviewPinnedRanges, type ReviewPinned, type ReviewPinnedRanges } from "./pinned.ts";
import { RangeReview, type RangeReviewOptions } from "./range-review.ts";
import { Queue, Slices, unlessCancelled } from "./slices.ts";
import { ReviewSource, type SourceOptions } from "./source.ts";
import { outOfDate, StaleReviewError } from "./stale.ts";
import { fileRowsOf, groupOf, isRangeId, rangeOf, rowsOf, tickRanges } from "./targets.ts";
import { foldersIn } from "./treemap.ts";

export type ReviewRequest = SourceOptions & ReviewOptions & { readonly exclude: readonly string[] };

/**
 * The groups of the last scan as a person looks through them: filtered, sorted,
 * ticked, summed up, and folded in the end. Its groups are there at once;
 * files and names are loaded in the background, and what needs them waits.
 *
 * Every method throws StaleReviewError where the scan is not the last one any
 * more, and where an id is of nothing in the review.
 */
export class Review {
  /** A fresh id. */
  readonly id: string = crypto.randomUUID();
  readonly #options: ReviewOptions;
  readonly #source: ReviewSource;
  readonly #groups: GroupColumns;
  readonly #early: Early | null;
  readonly #owners = Owners.read();
  readonly #pages: Pages;
  readonly #loading: Loading;
  /** null where only whole files are asked for. */
  readonly #ranges: RangeReview | null;
  readonly #closing = new AbortController();
  /** Changes of the choice, and what must not see half of one. */
  readonly #queue = new Queue();
  #exclude: readonly string[] = [];
  #folding = false;
  /** A fold has got so far that files may have changed. */
  #begun = false;
  #folded: Promise<unknown> = Promise.resolve();
  /** What reads the volume and an index of its own, and is to end before the review does. */
  readonly #beside = new Set<Promise<unknown>>();

  /** @throws as ReviewSource */
  constructor(request: ReviewRequest) {
    this.#options = request;
    this.#source = new ReviewSource(request, request.minSize);
    try {
      this.#groups = loadGroups(this.#source.store, request.minSize);
    } catch (error) {
      this.#source.close();
      throw error;
    }
    this.#early = Early.of(this.#groups, this.#source, request);
    this.#pages = new Pages(this.#source, this.#groups, this.#owners, request.snapshots);
    this.#loading = new Loading(this.#source, this.#groups, request, this.#closing.signal);
    const { deep } = request;
    this.#ranges = deep === undefined || deep === null ? null : this.#reviewRanges({ ...request, deep });
  }

  #reviewRanges(options: RangeReviewOptions): RangeReview {
    const { signal } = this.#closing;
    const before = this.#options.choices?.ranges ?? null;
    const ranges = new RangeReview(this.#source, this.#groups, options, signal, before, (install) =>
      this.#queue.run(async () => {
        await install();
        // what was shown before is another sum
        if (this.#loading.loaded !== null) this.#loading.loaded.choice.revision++;
      }),
    );
    this.#loading.done.then(
      (loaded) => {
        ranges.restart(loaded, this.#exclude);
      },
      (error: unknown) => {
        ranges.fail(error);
      },
    );
    return ranges;
  }

  /** What is ticked, for the next review of the volume; null: everything. */
  choices(): Choices | null {
    const { loaded } = this.#loading;
    if (loaded === null) return this.#options.choices ?? null;
    // where there are none they were not looked at: what was said before holds
    const ranges = this.#ranges?.ticks ?? this.#options.choices?.ranges ?? null;
    return new Choices(this.#groups, loaded.files, ranges);
  }

  /** Whether it is what such a request would open, its excludes aside. */
  serves({ minSize, snapshots, deep }: ReviewOptions): boolean {
    if (this.#closing.signal.aborted) return false;
    if (this.#options.minSize !== minSize || this.#options.snapshots !== snapshots) return false;
    if (JSON.stringify(this.#options.deep ?? null) !== JSON.stringify(deep ?? null)) return false;
    try {
      this.#source.checkFresh();
      return true;
    } catch (error) {
      if (error instanceof StaleReviewError) return false;
      throw error;
    }
  }

  async info(): Promise<ReviewInfo> {
    this.#check();
    const early = this.#loading.loaded === null ? this.#early : null;
    const choice = early === null ? (await this.#loaded()).choice : null;
    const sum = choice?.sum() ?? early?.sum ?? NO_SUM;
    const counts = choice?.counts() ?? early?.counts ?? { groups: 0, files: 0 };
    return {
      review: this.id,
      volume: this.#source.handle.uuid,
      scannedAt: this.#source.scan.finishedAt,
      ...counts,
      sum: this.#ranges?.added(sum) ?? sum,
      namesReady: this.#loading.loaded !== null,
    };
  }

  /**
   * Waits until every name is known.
   * @throws RefoldError "cancelled" where the signal is aborted before; the reading goes on
   */
  async names(ctx: {
    readonly signal: AbortSignal;
    progress(done: number, total: number): void;
  }): Promise<void> {
    const { listeners } = this.#loading;
    const tell = (): void => {
      ctx.progress(this.#loading.named, this.#loading.toName);
    };
    listeners.add(tell);
    try {
      tell();
      await unlessCancelled(this.#loaded(), ctx.signal);
    } finally {
      listeners.delete(tell);
    }
  }

  async rows(asked: Omit<Params<"review.rows">, "review">): Promise<Result<"review.rows">> {
    this.#check();
    if (this.#loading.loaded === null && this.#early !== null) {
      const page = this.#pages.earlyRows(this.#early, asked);
      if (page !== null) return page;
    }
    return this.#consistent((loaded, slices) =>
      this.#pages.rows(loaded, this.#ranges?.paged ?? null, asked, slices),
    );
  }

  async files(id: string, offset: number, limit: number): Promise<Result<"review.files">> {
    this.#check();
    if (isRangeId(id)) {
      const ranges = this.#ranges?.paged ?? null;
      const row = rangeOf(ranges, id);
      if (ranges !== null) return this.#pages.rangeFiles(ranges, row, offset, limit);
    }
    const group = groupOf(this.#groups, id);
    if (this.#loading.loaded === null && this.#early !== null) {
      return this.#pages.earlyFiles(group, offset, limit);
    }
    return this.#pages.files(await this.#loaded(), group, offset, limit);
  }

  /** @returns the sum after it */
  tick(target: TickTarget, ticked: boolean): Promise<Sum> {
    return this.#change(async (loaded, slices) => {
      const { views } = this.#pages;
      const ranges = this.#ranges?.paged ?? null;
      const rows = await rowsOf(target, this.#groups, loaded, ranges, views, slices);
      if (this.#ranges !== null) {
        const { ticks } = this.#ranges;
        await tickRanges(target, ticked, ticks, ranges, this.#groups, loaded, views, slices);
      }
      const changed = await loaded.choice.tick(rows, ticked, slices);
      if (changed) this.#ranges?.restart(loaded, this.#exclude);
      return this.#sum(loaded.choice);
    });
  }

  /**
   * Waits until parts of files are not being worked out any more.
   * @returns the sum then
   * @throws RefoldError "cancelled" where the signal is aborted before; why they could not be worked out
   */
  async ranges(signal: AbortSignal): Promise<Sum> {
    const { choice } = await unlessCancelled(this.#loaded(), signal);
    const ranges = this.#ranges;
    if (ranges !== null) await unlessCancelled(ranges.settled(), signal);
    this.#check();
    return this.#sum(choice);
  }

  /**
   * Who keeps what folding the ticked lets go of in part. Reads the whole index, beside the review.
   * @throws RefoldError "cancelled" where the signal is aborted before
   */
  async pinned(signal: AbortSignal): Promise<ReviewPinned> {
    const loaded = await unlessCancelled(this.#loaded(), signal);
    const gone = addressesOf(this.#ranges?.planned() ?? { victims: [] });
    return this.#workBeside(signal, (ctx) =>
      reviewPinned(this.#source, this.#groups, loaded, this.#selection(), gone, ctx),
    );
  }

  /**
   * What read-only snapshots keep in parts of files, of everything that the review may fold; null where the review has
   * no parts of files, or is to fold them in snapshots, too. Searches the whole volume twice, beside the review.
   * @throws as pinned
   */
  async pinnedRanges(signal: AbortSignal): Promise<ReviewPinnedRanges | null> {
    await unlessCancelled(this.#loaded(), signal);
    const { deep } = this.#options;
    const selection = this.#selection();
    if (deep === undefined || deep === null || selection.snapshots) return null;
    return this.#workBeside(signal, (ctx) => reviewPinnedRanges(this.#source, selection, deep, ctx));
  }

  async #workBeside<T>(signal: AbortSignal, begin: (ctx: RunContext) => Promise<T>): Promise<T> {
    const ends = AbortSignal.any([signal, this.#closing.signal]);
    const work = begin({ signal: ends, progress: () => undefined, log: () => undefined });
    this.#beside.add(work);
    try {
      return await work;
    } catch (error) {
      this.#check(); // closed meanwhile: that is why
      throw error;
    } finally {
      this.#beside.delete(work);
    }
  }

  /** Leaves out what any of the globs matches, and nothing else. */
  async exclude(globs: readonly string[]): Promise<ReviewInfo> {
    await this.#change(async (loaded, slices) => {
      const { files, names, choice, ruledOut } = loaded;
      if (globs.length === this.#exclude.length && globs.every((glob, k) => glob === this.#exclude[k]))
        return;
      const matches = globs.length === 0 ? () => false : await globTest(globs, false, files, names, slices);
      await choice.exclude((row) => ruledOut?.[row] === 1 || matches(row), slices);
      this.#exclude = [...globs];
      this.#ranges?.restart(loaded, this.#exclude);
    });
    return this.info();
  }

  folders(filter: Filter, folder: string | null): Promise<FolderNode[]> {
    return this.#consistent(async (loaded, slices) => {
      const parts = { groups: this.#groups, ...loaded, ranges: null };
      const sort = { by: "frees", descending: true } as const;
      const { list } = await this.#pages.views.get(parts, { ...filter, kind: "file" }, sort, slices);
      return foldersIn(parts, list, folder);
    });
  }

  facets(): Promise<Facets> {
    return this.#consistent((loaded, slices) =>
      facetsOf({ groups: this.#groups, ...loaded }, this.#owners, (id) => this.#source.subvolume(id), slices),
    );
  }

  async compare(group: string, a: string, b: string): Promise<Comparison> {
    const { files, names } = await this.#loaded();
    const at = groupOf(this.#groups, group);
    const file = (id: string): ComparedFile => {
      const [row = 0] = fileRowsOf(this.#groups, files, at, [id]);
      return comparedFile(files, names, row, id);
    };
    const [one, other] = [file(a), file(b)];
    return this.#source.withVolume((handle) => compareFiles(handle.dir, one, other));
  }

  /**
   * Folds what is ticked, and brings the index up to date; the review is out
   * of date then. Nothing can be ticked meanwhile.
   *
   * @param revision of the sum that was shown
   * @throws StaleReviewError where another one is true by now; RefoldError
   *   "usage" where nothing is ticked, and as Volume.fold: the review stays then
   */
  async fold(revision: number, options: FoldOptions, ctx: RunContext): Promise<FoldResult> {
    const loaded = await this.#loaded();
    const { choice } = loaded;
    await this.#queue.run(() => {
      this.#check();
      if (revision !== choice.revision)
        throw new StaleReviewError("Something was ticked or left out meanwhile");
      if (this.#ranges?.state === "working") throw stillWorking();
      if (choice.tally.files === 0 && (this.#ranges?.planned() ?? null) === null) throw nothingTicked();
      this.#refuseFolding();
      this.#folding = true;
    });
    const run = this.#source.withEngineVolume((volume) =>
      volume.foldChosen(() => this.#planned(loaded), options, ctx),
    );
    this.#folded = run;
    try {
      return await run;
    } finally {
      this.#folding = false;
      if (this.#begun) this.close();
    }
  }

  /** What is ticked now. Called under the volume's lock. @throws StaleReviewError */
  #planned(loaded: Loaded): ChosenFold {
    this.#source.begin(); // ends with the review
    this.#begun = true;
    return chosenFold(loaded, this.#ranges?.planned() ?? null, this.#selection(), this.#options.deep);
  }

  /** Everything that it may fold. */
  #selection(): Selection {
    const { minSize, snapshots } = this.#options;
    return { minSize, exclude: this.#exclude, pathGlob: null, crossVolume: true, snapshots };
  }

  #sum(choice: Choice): Sum {
    return this.#ranges?.added(choice.sum()) ?? choice.sum();
  }

  /** Frees what it holds; whoever still waits is told that it is out of date. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(outOfDate());
    // not under the feet of what runs: all but a fold hears of the closing at its next slice
    void Promise.allSettled([this.#loading.done, this.#folded, this.#ranges?.ended, ...this.#beside])
      .then(() => this.#queue.run(() => undefined))
      .then(() => {
        this.#source.close();
      });
  }

  #check(): void {
    this.#closing.signal.throwIfAborted();
    this.#source.checkFresh();
  }

  async #loaded(): Promise<Loaded> {
    this.#check();
    const loaded = await this.#loading.done;
    this.#check();
    return loaded;
  }

  /** Something that looks at the choice while it does not change. */
  async #consistent<T>(work: (loaded: Loaded, slices: Slices) => Promise<T>): Promise<T> {
    const loaded = await this.#loaded();
    return this.#queue.run(() => {
      this.#check();
      return work(loaded, new Slices(this.#closing.signal));
    });
  }

  /** Something that changes it, and may read the index. */
  #change<T>(work: (loaded: Loaded, slices: Slices) => Promise<T>): Promise<T> {
    return this.#consistent(async (loaded, slices) => {
      this.#refuseFolding();
      this.#source.begin();
      try {
        return await work(loaded, slices);
      } finally {
        this.#source.end();
      }
    });
  }

  #refuseFolding(): void {
    if (this.#folding) throw beingFolded();
  }
}

const NO_SUM: Sum = { revision: 0, groups: 0, files: 0, foldBytes: 0, predictedBytes: 0, pinnedBytes: 0 };
