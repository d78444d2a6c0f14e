import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DeepOptions, DeepTotals, Selection } from "./contract.ts";
import { ReadExtents } from "../deep/read-extents.ts";
import { Prediction, type OnFreed } from "../dedupe/predict.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import {
  groupsOfSize,
  isUnfiltered,
  predict,
  selectGroups,
  type SelectedGroup,
  type SelectionScope,
} from "../scan/selection.ts";
import { sumGroups } from "../scan/groups.ts";
import type { ScanRecord } from "../scan/scan.ts";
import { ExtentRefs } from "../store/extent-refs.ts";
import { IndexStore } from "../store/index-store.ts";
import { tryCall } from "../native/library.ts";
import { IndexAncestry } from "../rules/ancestry.ts";
import { readRulesFile, RULES_FILE, rulesStamp } from "../rules/file.ts";
import { Verdicts } from "../rules/verdicts.ts";
import { openDirectory } from "../volumes/open-directory.ts";
import { subvolumeOf } from "../volumes/select.ts";
import { RefoldError } from "./errors.ts";
import { summarize } from "./summary.ts";
import { CountedTotals, totalsOf, type CountedRecord } from "./counted-totals.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";

/** Totals of a selection of the last scan. */
export interface SelectionTotals {
  readonly groups: number;
  readonly duplicateFiles: number;
  readonly toFold: number;
  /** Sizes of the files to fold together. */
  readonly foldBytes: number;
  readonly reclaimableBytes: number;
}

/** Of the last search for ranges; changedAt: of the scan that it looked at; rules: their stamp then. */
interface RangesRecord {
  readonly totals: DeepTotals;
  readonly changedAt: number;
  readonly rules: string;
  /** What was asked for; an older record does not say. */
  readonly search?: RangeSearch;
}

/** A search for ranges. */
export interface RangeSearch {
  readonly selection: Selection;
  readonly deep: DeepOptions;
}

/** What a search for ranges came to. */
export interface LastRanges {
  readonly totals: DeepTotals;
  /** Nothing has changed since. */
  readonly current: boolean;
  readonly search: RangeSearch | null;
}

/** The index of a volume, opened when it is first needed, and what is read from it. */
export class VolumeState {
  readonly handle: VolumeHandle;
  readonly scope: readonly number[] | null;
  readonly #databaseDir: string;
  readonly #warn: (message: string) => void;
  readonly #rulesFile: string;
  #verdicts: { readonly key: string; readonly verdicts: Verdicts } | null = null;
  #store: IndexStore | null = null;
  /** Checksums of what a search of ranges has read, for the next one. */
  readonly readExtents: ReadExtents;
  #counted: { readonly key: string; readonly totals: SelectionTotals } | null = null;
  #totals: CountedTotals | null = null;

  constructor(
    handle: VolumeHandle,
    scope: readonly number[] | null,
    databaseDir: string,
    warn: (message: string) => void,
    rulesFile = RULES_FILE,
  ) {
    this.handle = handle;
    this.scope = scope;
    this.#databaseDir = databaseDir;
    this.#warn = warn;
    this.#rulesFile = rulesFile;
    this.readExtents = new ReadExtents(databaseDir);
  }

  get store(): IndexStore {
    this.#store ??= new IndexStore(this.#databaseDir, this.handle.uuid, this.#warn);
    return this.#store;
  }

  /** The last scan; undefined where there was none. Makes no database. */
  lastScan(): ScanRecord | undefined {
    if (this.#store === null && !existsSync(indexPath(this.#databaseDir, this.handle.uuid))) return undefined;
    return this.store.meta("scan") as ScanRecord | undefined;
  }

  /** What the last search for ranges came to; null where there was none, or a fold since. */
  lastRanges(): LastRanges | null {
    const last = this.lastScan();
    if (last === undefined) return null;
    const record = this.store.meta("ranges") as RangesRecord | null | undefined;
    if (record === undefined || record === null) return null;
    const { totals, changedAt, rules, search = null } = record;
    const same = changedAt === (last.changedAt ?? last.finishedAt) && rules === rulesStamp(this.#rulesFile);
    return { totals, current: same, search };
  }

  /** Keeps what a search for ranges in the last scan came to. */
  saveRanges(search: RangeSearch, totals: DeepTotals): void {
    const last = this.lastScan();
    // of some subvolumes it says nothing of the volume
    if (last === undefined || this.scope !== null) return;
    const changedAt = last.changedAt ?? last.finishedAt;
    const rules = rulesStamp(this.#rulesFile);
    this.store.setMeta("ranges", { totals, changedAt, rules, search } satisfies RangesRecord);
  }

  /** Ranges are not known any more. */
  forgetRanges(): void {
    if (this.lastScan() !== undefined) this.store.setMeta("ranges", null);
  }

  /** @throws RefoldError where the rules are refused */
  selectionScope(selection: Selection): SelectionScope {
    return {
      selection,
      scope: this.scope,
      readOnlySubvolumes: this.readOnlySubvolumes(),
      allows: this.allows(selection),
      pathOf: (subvolume, inode) => this.handle.pathOf(subvolume, inode),
    };
  }

  /**
   * What rules and attributes say of the files of the last scan.
   * @throws RefoldError where the rules are refused
   */
  verdicts(): Verdicts {
    const last = this.lastScan();
    const key = `${rulesStamp(this.#rulesFile)} ${last?.finishedAt ?? ""} ${this.handle.subvolumes.length}`;
    if (this.#verdicts?.key !== key) {
      const rules = readRulesFile(this.#rulesFile)?.folders ?? [];
      this.#verdicts = { key, verdicts: new Verdicts(this.handle, rules, new IndexAncestry(this.store)) };
    }
    return this.#verdicts.verdicts;
  }

  /** Whether a selection may touch a file; null where rules and attributes say nothing against any. */
  allows({ always }: Selection): SelectionScope["allows"] {
    const verdicts = this.verdicts();
    if (always === true) return (file) => verdicts.of(file) === "always";
    return verdicts.leaveAnything ? (file) => !verdicts.leaves(file) : null;
  }

  /** The subvolume that holds the mount path the volume was named by. */
  mountedSubvolume(): number {
    const fd = openDirectory(this.handle.found.mountPath);
    if (fd < 0)
      throw new RefoldError("no-volume", `${this.handle.found.mountPath.toString()} cannot be opened`);
    try {
      return subvolumeOf(fd);
    } finally {
      tryCall("rf_close", fd);
    }
  }

  readOnlySubvolumes(): ReadonlySet<number> {
    return new Set(
      this.handle.subvolumes.filter((subvolume) => subvolume.readOnly).map((subvolume) => subvolume.id),
    );
  }

  newPrediction(onFreed?: OnFreed): Prediction {
    const refs = new ExtentRefs(this.store, this.handle.sectorSize, false);
    return new Prediction((bytenr) => refs.count(bytenr), this.handle.sectorSize, onFreed);
  }

  /** Groups, files and bytes of a selection, as of the last scan. */
  totals(selection: Selection): SelectionTotals {
    const last = this.lastScan();
    const scope = this.selectionScope(selection);
    const key = `${last?.finishedAt ?? ""} ${this.#verdicts?.key ?? ""} ${JSON.stringify(selection)}`;
    if (this.#counted?.key !== key) {
      // the sum over groups is kept; what crosses between groups is known only for all of them
      const totals =
        last !== undefined && isStored(last, scope)
          ? this.#storedTotals(last)
          : (this.#countedTotals(scope)?.totals ??
            totalsOf(selectGroups(this.store, scope), this.newPrediction()));
      this.#counted = { key, totals };
    }
    return this.#counted.totals;
  }

  /**
   * Whether the totals of a selection, and what it pins, are there without counting for long.
   * @param groups of how many groups all may be counted
   */
  hasTotals(selection: Selection, groups: number): boolean {
    const last = this.lastScan();
    // what is smaller was not compared
    if (last === undefined || selection.minSize < last.minSize) return false;
    const scope = this.selectionScope(selection);
    if (isStored(last, scope)) return last.pinnedBytes !== undefined;
    const of = this.#countedBy(scope);
    return (of !== null && this.#kept.known(of) !== null) || this.#storedTotals(last).groups <= groups;
  }

  /** Bytes of extents that a fold lets go of in part: something else, a snapshot say, holds the rest. */
  pinnedBytes(selection: Selection): number {
    const known = this.knownPinnedBytes(selection);
    if (known !== null) return known;
    const scope = this.selectionScope(selection);
    const prediction = this.newPrediction();
    const groups = isUnfiltered(scope) ? this.#crossingGroups(scope) : selectGroups(this.store, scope);
    predict(groups, prediction);
    return prediction.pinnedBytes();
  }

  /** The same where the last scan counted it; null where that would have to be done. */
  knownPinnedBytes(selection: Selection): number | null {
    const scope = this.selectionScope(selection);
    const last = this.lastScan();
    if (last?.pinnedBytes !== undefined && isStored(last, scope)) return last.pinnedBytes;
    return this.#countedTotals(scope)?.pinnedBytes ?? null;
  }

  /** Counts a selection of the whole volume that is not what the scan stored, and keeps that. @throws as CountedTotals.keep */
  async keepTotals(selection: Selection, breathe: () => Promise<void>): Promise<void> {
    const scope = this.selectionScope(selection);
    const of = this.#countedBy(scope);
    if (of !== null) await this.#kept.keep(of, scope, this.newPrediction(), breathe);
  }

  #countedTotals(scope: SelectionScope): CountedRecord | null {
    const of = this.#countedBy(scope);
    return of === null ? null : this.#kept.get(of, scope, this.newPrediction());
  }

  get #kept(): CountedTotals {
    this.#totals ??= new CountedTotals(this.store);
    return this.#totals;
  }

  /** What totals hang on that are counted and kept; null where they are stored, or of a part of the volume. */
  #countedBy(scope: SelectionScope): string | null {
    const last = this.lastScan();
    const { selection } = scope;
    if (last === undefined || selection.minSize < last.minSize || isStored(last, scope)) return null;
    if (scope.scope !== null || selection.pathGlob !== null || !selection.crossVolume) return null;
    if (selection.always === true) return null;
    const { minSize, exclude, snapshots } = selection;
    const readOnly = [...scope.readOnlySubvolumes].join();
    const changed = `${last.changedAt ?? last.finishedAt} ${last.foldedAt ?? ""} ${last.minSize}`;
    const rules = scope.allows === null ? "" : this.verdicts().fingerprint;
    // a folder that is renamed, or mounted elsewhere, changes no file's row
    const names =
      exclude.length === 0 ? "" : `${last.finishedAt} ${JSON.stringify(summarize(this.handle.found).mounts)}`;
    return `${changed} ${readOnly} ${rules} ${names} ${JSON.stringify([minSize, exclude, snapshots])}`;
  }

  /**
   * After a fold of everything in which nothing was refused: the groups are
   * gone from the list, and the next scan sees where their files lie now.
   * @returns false where something may be left, which only a scan can tell
   */
  forgetFolded(selection: Selection): boolean {
    const last = this.lastScan();
    if (last?.minSize !== selection.minSize || !isUnfiltered(this.selectionScope(selection))) return false;
    if (this.store.get("SELECT 1 FROM grp WHERE complete = 0 AND to_fold > 0 LIMIT 1") !== undefined)
      return false;
    this.store.run("DELETE FROM grp WHERE to_fold > 0");
    this.store.setMeta("scan", {
      ...last,
      groups: sumGroups(this.store),
      crossingBytes: 0,
      pinnedBytes: 0,
      foldedAt: Date.now(),
    } satisfies ScanRecord);
    this.#counted = null;
    return true;
  }

  #storedTotals({ groups: sums, crossingBytes }: ScanRecord): SelectionTotals {
    const { groups, files, toFold, foldBytes, bytes } = sums ?? sumGroups(this.store);
    return { groups, duplicateFiles: files, toFold, foldBytes, reclaimableBytes: bytes + crossingBytes };
  }

  *#crossingGroups(scope: SelectionScope): Generator<SelectedGroup> {
    const sizes = this.store.all<{ size: number }>(
      "SELECT DISTINCT size FROM grp WHERE crossing = 1 AND size >= ?",
      scope.selection.minSize,
    );
    for (const { size } of sizes) yield* groupsOfSize(this.store, scope, size);
  }

  *plans(selection: Selection): Generator<FoldPlan> {
    for (const group of selectGroups(this.store, this.selectionScope(selection))) yield* group.plans;
  }

  close(): void {
    this.#store?.close();
    this.#store = null;
    this.readExtents.close();
    this.handle.close();
  }
}

/** Whether the scan stored what the selection comes to. */
function isStored(last: ScanRecord, scope: SelectionScope): boolean {
  return last.minSize === scope.selection.minSize && isUnfiltered(scope);
}

export function indexPath(databaseDir: string, uuid: string): string {
  return join(databaseDir, `${uuid}.db`);
}
