import { existsSync } from "node:fs";
import type { CountRefs } from "../../dedupe/predict.ts";
import { IndexAncestry } from "../../rules/ancestry.ts";
import { readRulesFile, RULES_FILE, rulesStamp } from "../../rules/file.ts";
import { Verdicts } from "../../rules/verdicts.ts";
import type { ScanRecord } from "../../scan/scan.ts";
import type { SelectionScope } from "../../scan/selection.ts";
import { ExtentRefs } from "../../store/extent-refs.ts";
import { IndexStore } from "../../store/index-store.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { selectVolumes } from "../../volumes/select.ts";
import { VolumeHandle } from "../../volumes/volume-handle.ts";
import { RefoldError } from "../errors.ts";
import { EngineVolume } from "../volume.ts";
import { indexPath, VolumeState } from "../volume-state.ts";
import type { SubvolumeName } from "./facets.ts";
import { outOfDate, rulesChanged } from "./stale.ts";

export interface SourceOptions {
  readonly uuid: string;
  readonly databaseDir: string;
  /** Where the rules of folders are; absent: the machine's own. */
  readonly rulesFile?: string;
  /** What a person should know although the call goes on. */
  readonly warn: (message: string) => void;
}

/**
 * What a review is made from: the index of the last scan, and for as long as
 * names are read, the volume. Reading is done in transactions that begin with
 * a look whether the scan is still the same.
 */
export class ReviewSource {
  readonly scan: ScanRecord;
  readonly store: IndexStore;
  readonly handle: VolumeHandle;
  readonly readOnlySubvolumes: ReadonlySet<number>;
  /** Whether what the scan counted holds: not where a subvolume was made read-only or writable since. */
  readonly counted: boolean;
  /** Whether rules and attributes let a file be touched; null where they let all. */
  readonly allows: SelectionScope["allows"];
  readonly #options: SourceOptions;
  readonly #rules: string;
  readonly #subvolumes: ReadonlyMap<number, SubvolumeName>;

  /**
   * Opens the volume and its index, in a transaction.
   * @param minSize the scan must have looked at files of this size
   * @throws RefoldError "no-volume", "permission"; "failed" where no such scan was made
   */
  constructor(options: SourceOptions, minSize: number) {
    this.#options = options;
    this.handle = openVolume(options);
    let store: IndexStore | null = null;
    try {
      const { databaseDir, uuid, warn } = options;
      if (!existsSync(indexPath(databaseDir, uuid))) throw notScanned();
      this.store = store = new IndexStore(databaseDir, uuid, warn);
      this.store.db.exec("BEGIN");
      const scan = this.store.meta("scan") as ScanRecord | undefined;
      if (scan === undefined || scan.minSize > minSize) throw notScanned();
      this.scan = scan;
      this.readOnlySubvolumes = new Set(
        this.handle.subvolumes.filter(({ readOnly }) => readOnly).map(({ id }) => id),
      );
      const scanned = new Set(this.store.subvolumes().map(({ id }) => id));
      const before = new Set(scan.readOnlySubvolumes);
      this.counted = this.handle.subvolumes.every(
        ({ id, readOnly }) => !scanned.has(id) || before.has(id) === readOnly,
      );
      this.#rules = this.#rulesStamp();
      const rules = readRulesFile(options.rulesFile ?? RULES_FILE)?.folders ?? [];
      const verdicts = new Verdicts(this.handle, rules, new IndexAncestry(this.store));
      this.allows = verdicts.leaveAnything ? (file) => !verdicts.leaves(file) : null;
      this.#subvolumes = new Map(
        this.handle.subvolumes.map(({ id, parentUuid }) => [
          id,
          { path: bytesToJsonString(this.handle.subvolumePath(id)), snapshot: parentUuid !== null },
        ]),
      );
    } catch (error) {
      store?.close();
      this.handle.close();
      throw error;
    }
  }

  /** References to extents, as the scan counted them. */
  refs(): CountRefs {
    const refs = new ExtentRefs(this.store, this.handle.sectorSize, false);
    return (bytenr) => refs.count(bytenr);
  }

  subvolume(id: number): SubvolumeName {
    return this.#subvolumes.get(id) ?? { path: `<subvolume ${id}>`, snapshot: false };
  }

  #rulesStamp(): string {
    return rulesStamp(this.#options.rulesFile ?? RULES_FILE);
  }

  /** @throws StaleReviewError where another scan found changes, there was a fold of everything, or rules changed */
  checkFresh(): void {
    if (this.#rulesStamp() !== this.#rules) throw rulesChanged();
    // inside a transaction nothing newer can be seen
    if (this.store.db.inTransaction) return;
    const now = this.store.meta("scan") as ScanRecord | undefined;
    if (now === undefined || stampOf(now) !== stampOf(this.scan)) throw outOfDate();
  }

  /** Begins to read; end() must be called. @throws StaleReviewError */
  begin(): void {
    this.end();
    this.checkFresh();
    this.store.db.exec("BEGIN");
    const now = this.store.meta("scan") as ScanRecord | undefined;
    if (now !== undefined && stampOf(now) === stampOf(this.scan)) return;
    this.end();
    throw outOfDate();
  }

  end(): void {
    if (this.store.db.inTransaction) this.store.db.exec("COMMIT");
  }

  /** Opens the volume anew for as long as `work` runs. */
  async withVolume<T>(work: (handle: VolumeHandle) => Promise<T>): Promise<T> {
    const handle = openVolume(this.#options);
    try {
      return await work(handle);
    } finally {
      handle.close();
    }
  }

  /** Opens the volume and its index anew for as long as `work` runs, in a transaction. @throws StaleReviewError */
  async withState<T>(work: (state: VolumeState) => Promise<T>): Promise<T> {
    const { databaseDir, warn, rulesFile } = this.#options;
    const state = new VolumeState(openVolume(this.#options), null, databaseDir, warn, rulesFile);
    try {
      const { db } = state.store;
      db.exec("BEGIN");
      try {
        if (this.#rulesStamp() !== this.#rules) throw rulesChanged();
        const now = state.lastScan();
        if (now === undefined || stampOf(now) !== stampOf(this.scan)) throw outOfDate();
        return await work(state);
      } finally {
        db.exec("COMMIT");
      }
    } finally {
      state.close();
    }
  }

  /** As withVolume, to fold. */
  async withEngineVolume<T>(work: (volume: EngineVolume) => Promise<T>): Promise<T> {
    const { databaseDir, warn, rulesFile } = this.#options;
    const state = new VolumeState(openVolume(this.#options), null, databaseDir, warn, rulesFile);
    const volume = new EngineVolume(state, databaseDir, warn);
    try {
      return await work(volume);
    } finally {
      volume.close();
    }
  }

  close(): void {
    this.store.close();
    this.handle.close();
  }
}

function stampOf(scan: ScanRecord): string {
  // a scan that found nothing changed makes nothing out of date: ticks are kept
  return `${scan.changedAt ?? scan.finishedAt} ${scan.minSize} ${scan.foldedAt ?? ""}`;
}

function openVolume({ uuid, warn }: SourceOptions): VolumeHandle {
  const [selected] = selectVolumes([uuid], warn);
  if (selected === undefined) throw new RefoldError("no-volume", `no filesystem ${uuid} is mounted`);
  return new VolumeHandle(selected.found);
}

function notScanned(): RefoldError {
  return new RefoldError("failed", "this volume was not scanned yet, or not for files this small", {
    kept: "Nothing was changed.",
    next: "Scan it first.",
  });
}
