import { isDeepStrictEqual } from "node:util";
import type {
  DeepOptions,
  DeepTotals,
  FoldOptions,
  FoldPreview,
  FoldResult,
  Group,
  HistoryFile,
  HistoryRun,
  Pinned,
  RepairResult,
  RunContext,
  ScanOptions,
  ScanTotals,
  Selection,
  Sight,
  SizeMatch,
  StuckFile,
  Volume,
  VolumeSummary,
} from "./contract.ts";
import { RefoldError } from "./errors.ts";
import {
  foldPlanned,
  mendEarlier,
  planSelection,
  repairFiles,
  stuckFiles,
  withJournal,
  type PlannedFold,
  type PlannedRanges,
} from "./folding.ts";
import { groupsBySaving, unsharedBytes } from "./group-list.ts";
import { whoPins, type RangesBothWays } from "./pinned.ts";
import { groupsOfRanges, planRanges, totalsOfRanges } from "./ranges.ts";
import { metadataPrice } from "./snapshot-price.ts";
import { DEFAULT_MIN_SIZE, summarizeOpen } from "./summary.ts";
import { hasNews, sightOf } from "./sight.ts";
import type { RangeSearch, VolumeState } from "./volume-state.ts";
import { stillAsShown } from "../deep/shown.ts";
import type { DeepPlan } from "../deep/types.ts";
import { breathe, type ScanContext } from "../scan/scan-context.ts";
import { scanContextOf } from "./scan-context.ts";
import { scanVolume } from "../scan/scan.ts";
import { withDatabaseErrors } from "../store/open-database.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";

/** What somebody chose of the last scan, ranges among it. */
export interface ChosenFold extends PlannedFold {
  /** Worked out for what is there when the plans are carried out. */
  readonly ranges?: DeepPlan;
  /** What ranges are looked for anew after the fold, so that it is known what is left. */
  readonly search?: RangeSearch;
}

/** For a preview that nobody watches. */
const UNTOLD: RunContext = {
  signal: new AbortController().signal,
  progress: () => undefined,
  log: () => undefined,
};

/** A filesystem opened for work: scan, groups, fold, repair. */
export class EngineVolume implements Volume {
  readonly #state: VolumeState;
  readonly #databaseDir: string;
  readonly #warn: (message: string) => void;
  #locked = false;
  #planned: { readonly key: string; readonly plan: DeepPlan } | null = null;

  constructor(state: VolumeState, databaseDir: string, warn: (message: string) => void) {
    this.#state = state;
    this.#databaseDir = databaseDir;
    this.#warn = warn;
  }

  get uuid(): string {
    return this.#state.handle.uuid;
  }

  get scope(): readonly number[] | null {
    return this.#state.scope;
  }

  get readOnly(): boolean {
    return this.#state.handle.found.readOnly;
  }

  get summary(): VolumeSummary {
    return summarizeOpen(this.#state, this.#warn);
  }

  scan(options: ScanOptions, ctx: RunContext): Promise<ScanTotals> {
    return withDatabaseErrors(this.#databaseDir, () => this.#scan(options, ctx));
  }

  fold(selection: Selection, options: FoldOptions, ctx: RunContext): Promise<FoldResult> {
    return withDatabaseErrors(this.#databaseDir, () =>
      this.#fold(() => planSelection(this.#state, selection), selection, options, ctx),
    );
  }

  /**
   * Folds groups that somebody chose from the last scan.
   * @param plan called when the volume is locked; throws where that scan is out of date by now
   */
  foldChosen(plan: () => ChosenFold, options: FoldOptions, ctx: RunContext): Promise<FoldResult> {
    return withDatabaseErrors(this.#databaseDir, () => this.#fold(plan, null, options, ctx));
  }

  async #scan(options: ScanOptions, ctx: RunContext): Promise<ScanTotals> {
    const start = performance.now();
    this.#lock();
    const { record, walk, took } = await this.#walk(options.minSize, options.flush, ctx);
    ctx.log(
      "note",
      `${walk.inodesRead} inodes read: ${walk.subvolumesWalked} subvolumes whole, ${walk.subvolumesInherited} where ` +
        `they differ from a relative, ${walk.subvolumesUpdated} by their changes, ` +
        `${walk.subvolumesUnchanged} unchanged and not looked at, ${walk.subvolumesRemoved} gone`,
    );
    ctx.log("note", `steps: ${took.toString()}`);
    await this.#state.keepTotals(options.selection, () => breathe(this.#context(ctx)));
    const totals = this.#state.totals(options.selection);
    const deep =
      options.deep === undefined ? null : await this.#rangeTotals(options.selection, options.deep, ctx);
    const { found } = this.#state.handle;
    const pinnedBytes = this.#state.knownPinnedBytes(options.selection);
    return {
      uuid: this.uuid,
      label: found.label,
      mountPath: found.mountPath.toString(),
      generation: record.generation,
      incremental: record.incremental,
      files: record.files,
      bytes: record.bytes,
      groups: totals.groups,
      duplicateFiles: totals.duplicateFiles,
      reclaimableBytes: totals.reclaimableBytes,
      ...(pinnedBytes === null ? {} : { pinnedBytes }),
      bytesRead: record.bytesRead,
      elapsedMs: Math.round(performance.now() - start),
      ...(deep === null ? {} : { deep }),
    };
  }

  /** What ranges come to; looked for only where something has changed since the same was asked. */
  async #rangeTotals(selection: Selection, deep: DeepOptions, ctx: RunContext): Promise<DeepTotals> {
    const state = this.#state;
    const last = state.scope === null ? state.lastRanges() : null;
    if (last?.current === true && isDeepStrictEqual(last.search, { selection, deep })) return last.totals;
    const totals = totalsOfRanges(await this.#ranges(selection, deep, ctx));
    state.saveRanges({ selection, deep }, totals);
    return totals;
  }

  sight(): Sight {
    return sightOf(this.#handle, this.#databaseDir);
  }

  hasNews(since: Sight): boolean {
    return hasNews(since, this.#handle);
  }

  rangeGroups(selection: Selection, options: DeepOptions, ctx: RunContext): Promise<readonly Group[]> {
    return withDatabaseErrors(this.#databaseDir, async () =>
      groupsOfRanges(this.#state, await this.#ranges(selection, options, ctx)),
    );
  }

  *groups(selection: Selection, limit: number | null): Generator<Group> {
    let count = 0;
    for (const group of groupsBySaving(this.#state, selection)) {
      if (limit !== null && count++ >= limit) return;
      yield group;
    }
  }

  hasScan(minSize: number): boolean {
    const last = this.#state.lastScan();
    return last !== undefined && last.minSize <= minSize;
  }

  async preview(selection: Selection, options: FoldOptions, ctx: RunContext = UNTOLD): Promise<FoldPreview> {
    const totals = this.#state.totals(selection);
    const { deep: search } = options;
    const deep = search === undefined ? null : totalsOfRanges(await this.#ranges(selection, search, ctx));
    const price = selection.snapshots
      ? { metadataBytes: await metadataPrice(this.#state, this.#state.plans(selection), ctx) }
      : {};
    return {
      groups: totals.groups,
      files: totals.toFold,
      predictedBytes: totals.reclaimableBytes + (deep?.reclaimableBytes ?? 0),
      pinnedBytes: this.#state.pinnedBytes(selection),
      ...price,
      unsharedBytes: options.defrag ? unsharedBytes(this.#state, selection) : 0,
      ...(deep === null ? {} : { deep }),
    };
  }

  pinned(selection: Selection, ctx: RunContext = UNTOLD, deep?: DeepOptions): Promise<Pinned> {
    return withDatabaseErrors(this.#databaseDir, async () => {
      const ranges = deep === undefined ? null : await this.#rangesBothWays(selection, deep, ctx);
      return whoPins(this.#state, selection, ranges, ctx);
    });
  }

  async #rangesBothWays(selection: Selection, deep: DeepOptions, ctx: RunContext): Promise<RangesBothWays> {
    const without = await this.#ranges(selection, deep, ctx);
    if (selection.snapshots || this.#state.readOnlySubvolumes().size === 0)
      return { without, folded: without };
    const all = { ...selection, snapshots: true };
    const plans = this.#state.plans(all);
    return { without, folded: await planRanges(this.#state, all, deep, plans, this.#context(ctx)) };
  }

  /** Ranges to fold once the whole files of a selection are folded; remembered until the next scan. */
  async #ranges(selection: Selection, options: DeepOptions, ctx: RunContext): Promise<DeepPlan> {
    const key = JSON.stringify([this.#state.lastScan()?.finishedAt, selection, options]);
    if (this.#planned?.key !== key) {
      const plans = this.#state.plans(selection);
      const plan = await planRanges(this.#state, selection, options, plans, this.#context(ctx));
      this.#planned = { key, plan };
    }
    return this.#planned.plan;
  }

  /** @param whole the selection that the plan is of, null where it is no whole selection */
  async #fold(
    plan: () => ChosenFold,
    whole: Selection | null,
    options: FoldOptions,
    ctx: RunContext,
  ): Promise<FoldResult> {
    if (this.#state.handle.found.readOnly) {
      throw new RefoldError(
        "failed",
        `${this.#state.handle.found.mountPath.toString()} is mounted read-only`,
        {
          kept: "Nothing was changed.",
          next: "Mount it writable to fold its duplicates.",
        },
      );
    }
    this.#lock();
    // what is scanned after a fold is scanned to the end; a cancelled fold is looked at like any other
    const quiet: RunContext = {
      signal: new AbortController().signal,
      progress: (progress) => {
        ctx.progress(progress);
      },
      log: (level, message) => {
        ctx.log(level, message);
      },
    };
    const again = async (): Promise<void> => {
      await this.#walk(this.#state.lastScan()?.minSize ?? DEFAULT_MIN_SIZE, false, quiet);
    };
    const { warn, state, dir } = { warn: this.#warn, state: this.#state, dir: this.#databaseDir };
    const mended = await mendEarlier(state, dir, ctx, warn);
    // what was chosen one by one is looked at when its turn comes, and is not to be numbered anew
    if (mended.moved > 0 && whole !== null) await again();
    const planned = whole === null ? null : await this.#plannedRanges(whole, options, again, ctx);
    const { ranges: chosen, search, ...files } = plan();
    // whatever comes of it, they are others then
    this.#state.forgetRanges();
    const ranges = chosen === undefined ? planned : this.#chosenRanges(chosen, again);
    const work = { files, ranges, mendedBytes: mended.freedBytes };
    const result = await foldPlanned(state, dir, work, options, ctx, warn);
    const complete = whole !== null && ranges === null && !result.cancelled && result.skipped.length === 0;
    if (complete && this.#state.forgetFolded(whole)) return result;
    // so that what is listed next is what is left
    await again();
    if (search !== undefined && !result.cancelled) {
      const left = await this.#ranges(search.selection, search.deep, quiet);
      this.#state.saveRanges(search, totalsOfRanges(left));
    }
    return result;
  }

  async #plannedRanges(
    selection: Selection,
    { deep }: FoldOptions,
    again: () => Promise<void>,
    ctx: RunContext,
  ): Promise<PlannedRanges | null> {
    if (deep === undefined) return null;
    const promised = await this.#ranges(selection, deep, ctx);
    return {
      promised,
      plan: async () => {
        await again();
        return { plan: await planRanges(this.#state, selection, deep, [], this.#context(ctx)), changed: [] };
      },
    };
  }

  /** Just those that were chosen, if they are as they were shown. */
  #chosenRanges(promised: DeepPlan, again: () => Promise<void>): PlannedRanges {
    return {
      promised,
      plan: async () => {
        await again();
        const { store, handle } = this.#state;
        // the fold looks for a cancel itself
        const { plan, changed } = await stillAsShown(store, handle.sectorSize, promised, () => undefined);
        return { plan, changed: [...changed].flatMap((file) => promised.files.at(file) ?? []) };
      },
    };
  }

  stuck(ctx: RunContext): Promise<readonly StuckFile[]> {
    return withDatabaseErrors(this.#databaseDir, async () => {
      this.#lock();
      await this.#refresh(ctx);
      return stuckFiles(this.#state, this.#databaseDir, this.#warn);
    });
  }

  repair(ids: readonly string[], ctx: RunContext): Promise<RepairResult> {
    return withDatabaseErrors(this.#databaseDir, async () => {
      this.#lock();
      await this.#refresh(ctx);
      return repairFiles(this.#state, this.#databaseDir, ids, ctx, this.#warn);
    });
  }

  history(): readonly HistoryRun[] {
    return (
      withJournal(this.#databaseDir, this.uuid, this.#warn, (journal) => journal.history(this.uuid)) ?? []
    );
  }

  historyFiles(runId: number): readonly HistoryFile[] {
    return (
      withJournal(this.#databaseDir, this.uuid, this.#warn, (journal) => journal.historyFiles(runId)) ?? []
    );
  }

  reset(): void {
    this.#lock();
    if (this.#state.lastScan() !== undefined) this.#state.store.clear();
  }

  sizeLookup(size: number): readonly SizeMatch[] {
    if (this.#state.lastScan() === undefined) return [];
    const { store } = this.#state;
    const { holders } = store;
    return store
      .all<{ ino: number; holder: number }>("SELECT ino, holder FROM inode WHERE kind = 1 AND size = ?", size)
      .flatMap(({ ino, holder }) => holders.subvolumes(holder).map((subvolume) => ({ subvolume, ino })))
      .sort((a, b) => a.subvolume - b.subvolume || a.ino - b.ino)
      .map(({ subvolume, ino }) => ({
        volume: this.uuid,
        path: this.#handle.pathOf(subvolume, ino),
        subvolumeId: subvolume,
        inode: ino,
      }));
  }

  close(): void {
    this.#state.close();
  }

  get #handle(): VolumeHandle {
    return this.#state.handle;
  }

  /** Once taken, kept until close: a scan and the fold after it are one piece of work. */
  #lock(): void {
    if (this.#locked) return;
    this.#handle.lock();
    this.#locked = true;
  }

  /** A flag that was just set or cleared is in the trees only after a commit. */
  async #refresh(ctx: RunContext): Promise<void> {
    await this.#walk(this.#state.lastScan()?.minSize ?? DEFAULT_MIN_SIZE, true, ctx);
  }

  #context(run: RunContext): ScanContext {
    return scanContextOf(this.#handle, run);
  }

  #walk(minSize: number, flush: boolean, run: RunContext): ReturnType<typeof scanVolume> {
    const handle = this.#handle;
    const context = this.#context(run);
    const readState = (): { generation: number; subvolumes: VolumeHandle["subvolumes"] } => ({
      generation: handle.generation(),
      subvolumes: handle.refresh(),
    });
    // a read-only filesystem has nothing to write
    return scanVolume(context, this.#state.store, readState, {
      minSize,
      flush: flush && !handle.found.readOnly,
    });
  }
}
