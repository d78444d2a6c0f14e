import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Selection } from "./contract.ts";
import { Prediction } from "../dedupe/predict.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import { isUnfiltered, predict, selectGroups, type SelectionScope } from "../scan/selection.ts";
import type { ScanRecord } from "../scan/scan.ts";
import { ExtentRefs } from "../store/extent-refs.ts";
import { IndexStore } from "../store/index-store.ts";
import { tryCall } from "../native/library.ts";
import { openDirectory } from "../volumes/open-directory.ts";
import { subvolumeOf } from "../volumes/select.ts";
import { RefoldError } from "./errors.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";

/** Totals of a selection of the last scan. */
export interface SelectionTotals {
  readonly groups: number;
  readonly duplicateFiles: number;
  readonly toFold: number;
  readonly reclaimableBytes: number;
  readonly pinnedBytes: number;
}

/** The index of a volume, opened when it is first needed, and what is read from it. */
export class VolumeState {
  readonly handle: VolumeHandle;
  readonly scope: readonly number[] | null;
  readonly #databaseDir: string;
  readonly #warn: (message: string) => void;
  #store: IndexStore | null = null;

  constructor(
    handle: VolumeHandle,
    scope: readonly number[] | null,
    databaseDir: string,
    warn: (message: string) => void,
  ) {
    this.handle = handle;
    this.scope = scope;
    this.#databaseDir = databaseDir;
    this.#warn = warn;
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

  selectionScope(selection: Selection): SelectionScope {
    return {
      selection,
      scope: this.scope,
      readOnlySubvolumes: this.readOnlySubvolumes(),
      pathOf: (subvolume, inode) => this.handle.pathOf(subvolume, inode),
    };
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

  newPrediction(): Prediction {
    const refs = new ExtentRefs(this.store, this.handle.sectorSize, false);
    return new Prediction((bytenr) => refs.count(bytenr), this.handle.sectorSize);
  }

  /** Groups, files and bytes of a selection. */
  totals(selection: Selection): SelectionTotals {
    const scope = this.selectionScope(selection);
    const last = this.lastScan();
    // the sum over groups is kept; what crosses between groups is known only for all of them
    if (isUnfiltered(scope) && last?.minSize === selection.minSize) {
      const row = this.store.get(
        "SELECT COUNT(*) AS groups, TOTAL(files) AS files, TOTAL(reclaimable) AS bytes FROM grp",
      ) as { groups: number; files: number; bytes: number };
      return {
        groups: row.groups,
        duplicateFiles: row.files,
        toFold: 0,
        reclaimableBytes: row.bytes + last.crossingBytes,
        pinnedBytes: 0,
      };
    }
    return this.countSelection(selection);
  }

  /** As totals, always counted from the groups themselves. */
  countSelection(selection: Selection): SelectionTotals {
    const prediction = this.newPrediction();
    const counts = predict(selectGroups(this.store, this.selectionScope(selection)), prediction);
    return {
      groups: counts.groups,
      duplicateFiles: counts.members,
      toFold: counts.toFold,
      reclaimableBytes: prediction.total(),
      pinnedBytes: prediction.pinnedBytes(),
    };
  }

  *plans(selection: Selection): Generator<FoldPlan> {
    for (const group of selectGroups(this.store, this.selectionScope(selection))) yield* group.plans;
  }

  close(): void {
    this.#store?.close();
    this.#store = null;
    this.handle.close();
  }
}

export function indexPath(databaseDir: string, uuid: string): string {
  return join(databaseDir, `${uuid}.db`);
}
