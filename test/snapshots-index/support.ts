/** A volume whose index is looked into after each scan. */
import { join } from "node:path";
import { createEngine } from "../../src-helper/engine/engine.ts";
import { scanContextOf } from "../../src-helper/engine/scan-context.ts";
import { scanVolume } from "../../src-helper/scan/scan.ts";
import type { WalkReport } from "../../src-helper/scan/walk-subvolumes.ts";
import { IndexStore } from "../../src-helper/store/index-store.ts";
import { selectVolumes } from "../../src-helper/volumes/select.ts";
import { VolumeHandle } from "../../src-helper/volumes/volume-handle.ts";
import { LoopVolume } from "../support/volume.ts";
import { readIndex, type IndexRows } from "./index-rows.ts";

/** A scan: what it read, and the index after it. */
export interface Scanned extends IndexRows {
  readonly walk: WalkReport;
}

export class IndexBench implements Disposable {
  readonly volume = LoopVolume.create({ size: "1G" });
  private fresh = 0;

  path(relative: string): string {
    return join(this.volume.path, relative);
  }

  /** @param db the databases' folder, beside the volume. crowd: see Grouping */
  async scan(db = "db", crowd?: number): Promise<Scanned> {
    const directory = this.volume.beside(db);
    const [selected] = selectVolumes([this.volume.uuid], fail);
    if (selected === undefined) throw new Error("no volume");
    const handle = new VolumeHandle(selected.found);
    const store = new IndexStore(directory, this.volume.uuid, fail);
    try {
      const run = { signal: new AbortController().signal, progress: () => undefined, log: () => undefined };
      const context = scanContextOf(handle, run);
      const readState = (): { generation: number; subvolumes: VolumeHandle["subvolumes"] } => ({
        generation: handle.generation(),
        subvolumes: handle.refresh(),
      });
      const { walk } = await scanVolume(context, store, readState, {
        minSize: 4096,
        flush: true,
        ...(crowd === undefined ? {} : { crowd }),
      });
      return { walk, ...readIndex(join(directory, `${this.volume.uuid}.db`)) };
    } finally {
      store.close();
      handle.close();
    }
  }

  /** A scan from nothing. */
  async scanFresh(): Promise<Scanned> {
    const name = `fresh-${this.fresh++}`;
    try {
      return await this.scan(name);
    } finally {
      this.volume.removeBeside(name);
    }
  }

  /** Folds everything, snapshots too. */
  async foldAll(): Promise<void> {
    const [volume] = createEngine({ databaseDir: this.volume.beside("db") }).open([this.volume.uuid]);
    if (volume === undefined) throw new Error("no volume");
    const run = { signal: new AbortController().signal, progress: () => undefined, log: () => undefined };
    const selection = { minSize: 4096, exclude: [], pathGlob: null, crossVolume: true, snapshots: true };
    try {
      await volume.fold(selection, { lock: "immutable", defrag: false, priority: "normal" }, run);
    } finally {
      volume.close();
    }
  }

  [Symbol.dispose](): void {
    this.volume.dispose();
  }
}

function fail(message: string): void {
  throw new Error(message);
}
