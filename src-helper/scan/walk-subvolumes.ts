import type { Subvolume } from "../btrfs/root-tree.ts";
import { callAsync, NativeError, RECORD, type Control } from "../native/library.ts";
import {
  KIND_DIRECTORY,
  KIND_ORPHAN,
  type IndexStore,
  type InodeRow,
  type SubvolumeRow,
} from "../store/index-store.ts";
import type { InodeWriter, WalkedRow } from "./inode-writer.ts";
import { runNative, type ScanContext } from "./scan-context.ts";

const MAX_RECORDS = 8192;
const MAX_INODES = 65536;
const MAX_BLOB = 2 ** 30;
/** Trees walked at a time: while one waits for the disk, another is worked on. */
const CONCURRENCY = 2;
/** BTRFS_FIRST_FREE_OBJECTID: the top directory of every subvolume. */
const FIRST_INODE = 256;

/** How a walk went, for --verbose and for tests of how much work a rescan does. */
export interface WalkReport {
  subvolumesWalked: number;
  subvolumesUpdated: number;
  subvolumesUnchanged: number;
  subvolumesRemoved: number;
  inodesRead: number;
}

/**
 * Brings the index in step with all subvolume trees. A subvolume whose
 * generation has not moved is not looked at; one that was scanned before is
 * searched for leaves newer than that.
 */
export async function walkSubvolumes(
  context: ScanContext,
  store: IndexStore,
  writer: InodeWriter,
  subvolumes: readonly Subvolume[],
): Promise<WalkReport> {
  const report: WalkReport = {
    subvolumesWalked: 0,
    subvolumesUpdated: 0,
    subvolumesUnchanged: 0,
    subvolumesRemoved: 0,
    inodesRead: 0,
  };
  const known = new Map(store.subvolumes().map((row) => [row.id, row]));
  const present = new Set(subvolumes.map((subvolume) => subvolume.id));
  for (const row of known.values()) {
    // an id is never given twice, but a restored image may bring back another subvolume under it
    const now = subvolumes.find((subvolume) => subvolume.id === row.id);
    if (present.has(row.id) && now?.uuid === row.uuid) continue;
    removeSubvolume(store, writer, row.id);
    store.run("DELETE FROM subvolume WHERE id = ?", row.id);
    known.delete(row.id);
    report.subvolumesRemoved++;
  }
  const estimate = (store.meta("walk") as { inodes: number } | undefined)?.inodes ?? null;
  const walk = new SubvolumeWalk(context, store, writer, report, estimate);
  const queue = [...subvolumes];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      await walk.one(next, known.get(next.id));
  };
  const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return report;
}

function removeSubvolume(store: IndexStore, writer: InodeWriter, id: number): void {
  // some at a time: there may be millions
  const some = `SELECT * FROM inode WHERE subvol = ? LIMIT ${MAX_RECORDS}`;
  for (let rows = store.all<InodeRow>(some, id); rows.length > 0; rows = store.all<InodeRow>(some, id)) {
    for (const row of rows) writer.remove(row);
  }
}

class SubvolumeWalk {
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #writer: InodeWriter;
  readonly #report: WalkReport;
  readonly #estimate: number | null;

  constructor(
    context: ScanContext,
    store: IndexStore,
    writer: InodeWriter,
    report: WalkReport,
    estimate: number | null,
  ) {
    this.#context = context;
    this.#store = store;
    this.#writer = writer;
    this.#report = report;
    this.#estimate = estimate;
  }

  async one(subvolume: Subvolume, row: SubvolumeRow | undefined): Promise<void> {
    if (row?.generation === subvolume.generation) {
      this.#report.subvolumesUnchanged++;
      return;
    }
    let generation = subvolume.generation;
    this.#context.run.working?.(() => this.#context.pathOf(subvolume.id, FIRST_INODE));
    try {
      if (row === undefined) {
        this.#report.subvolumesWalked++;
        await this.#full(subvolume.id);
      } else {
        this.#report.subvolumesUpdated++;
        await this.#changes(subvolume.id, row.generation);
      }
    } catch (error) {
      if (!(error instanceof NativeError) || error.code !== "ENOENT") throw error;
      // deleted since the root tree was read: the next scan takes out what was found
      generation = 0;
    }
    // what is written from now on has a later transid than this, so nothing is missed
    this.#store.run(
      "INSERT OR REPLACE INTO subvolume VALUES (?, ?, ?)",
      subvolume.id,
      subvolume.uuid,
      generation,
    );
  }

  async #full(subvol: number): Promise<void> {
    const cursor = new Float64Array(1);
    await this.#records(
      subvol,
      (records, blob, control) =>
        callAsync(
          "rf_walk",
          this.#context.dir,
          subvol,
          this.#context.sectorSize,
          cursor,
          records,
          MAX_RECORDS,
          blob,
          blob.length,
          control.buffer,
        ),
      () => cursor[0] === 0,
      (row) => {
        this.#writer.insert(row);
      },
    );
  }

  async #changes(subvol: number, scanned: number): Promise<void> {
    const changedDirectories: number[] = [];
    const cursor = new Float64Array(1);
    const inos = new Float64Array(MAX_INODES);
    do {
      const count = await runNative(this.#context, this.#progress, (control) =>
        callAsync(
          "rf_changed_inodes",
          this.#context.dir,
          subvol,
          scanned + 1,
          cursor,
          inos,
          MAX_INODES,
          control.buffer,
        ),
      );
      await this.#read(subvol, inos.slice(0, count), scanned, (row) => {
        if (row.kind === KIND_DIRECTORY && row.transid > scanned) changedDirectories.push(row.ino);
      });
    } while (cursor[0] !== 0);
    await this.#findRemoved(subvol, changedDirectories, scanned);
  }

  /** Reads inodes and updates, or removes, their rows. */
  async #read(
    subvol: number,
    inos: Float64Array,
    scanned: number,
    seen: (row: WalkedRow) => void,
  ): Promise<void> {
    if (inos.length === 0) return;
    const cursor = new Float64Array(1);
    await this.#records(
      subvol,
      (records, blob, control) =>
        callAsync(
          "rf_read_inodes",
          this.#context.dir,
          subvol,
          this.#context.sectorSize,
          inos,
          inos.length,
          cursor,
          records,
          MAX_RECORDS,
          blob,
          blob.length,
          control.buffer,
        ),
      () => cursor[0] === inos.length,
      (row, mode) => {
        if (mode !== 0) {
          this.#writer.update(row, scanned);
          seen(row);
          return;
        }
        const old = this.#writer.find(subvol, row.ino);
        if (old !== undefined) this.#writer.remove(old);
      },
    );
  }

  /**
   * A deleted item leaves no newer item behind, so deletions are found from
   * the other side: unlink(2) and rename(2) write the directory's inode. Of
   * each directory that changed, the inodes it was known to hold and does not
   * name any more are looked up; below a directory that went, all of them.
   * Files deleted while open hang on no directory and are looked up each time.
   */
  async #findRemoved(subvol: number, directories: readonly number[], scanned: number): Promise<void> {
    const suspects: number[] = [];
    const children = (directory: number): number[] =>
      this.#store
        .all<{ ino: number }>("SELECT ino FROM inode WHERE subvol = ? AND parent = ?", subvol, directory)
        .map((row) => row.ino);
    for (const directory of directories) {
      const before = children(directory);
      if (before.length === 0) continue;
      const now = await this.#namedBy(subvol, directory);
      for (const ino of before) if (!now.has(ino)) suspects.push(ino);
    }
    const orphans = this.#store.all<{ ino: number }>(
      `SELECT ino FROM inode WHERE subvol = ? AND kind = ${KIND_ORPHAN}`,
      subvol,
    );
    suspects.push(...orphans.map((row) => row.ino));
    while (suspects.length > 0) {
      const batch = suspects.splice(0, MAX_INODES);
      await this.#read(subvol, Float64Array.from(batch), scanned, () => undefined);
      for (const ino of batch) {
        // for a directory that is gone, what was in it
        if (this.#writer.find(subvol, ino) === undefined) suspects.push(...children(ino));
      }
    }
  }

  async #namedBy(subvol: number, directory: number): Promise<Set<number>> {
    const named = new Set<number>();
    const cursor = new Float64Array(1);
    const inos = new Float64Array(MAX_INODES);
    do {
      const count = await callAsync(
        "rf_dir_children",
        this.#context.dir,
        subvol,
        directory,
        cursor,
        inos,
        MAX_INODES,
      );
      for (const ino of inos.subarray(0, count)) named.add(ino);
    } while (cursor[0] !== 0);
    return named;
  }

  /** Calls a native walk until it is done, with a larger buffer where one inode needs it. */
  async #records(
    subvol: number,
    walk: (records: Float64Array, blob: Buffer, control: Control) => Promise<number>,
    done: () => boolean,
    visit: (row: WalkedRow, mode: number) => void,
  ): Promise<void> {
    const records = new Float64Array(MAX_RECORDS * RECORD.fields);
    let blob = Buffer.allocUnsafeSlow(2 ** 20);
    for (;;) {
      let count: number;
      try {
        count = await runNative(this.#context, this.#progress, (control) => walk(records, blob, control));
      } catch (error) {
        if (!(error instanceof NativeError) || error.code !== "EMSGSIZE" || blob.length >= MAX_BLOB)
          throw error;
        blob = Buffer.allocUnsafeSlow(blob.length * 4);
        continue;
      }
      for (let k = 0; k < count; k++) {
        visit(this.#writer.rowOf(subvol, records, k, blob), records[k * RECORD.fields + RECORD.mode] ?? 0);
      }
      this.#report.inodesRead += count;
      if (done()) return;
    }
  }

  readonly #progress = (
    done: number,
  ): { phase: "walk"; done: number; total: number | null; unit: "files" } => ({
    phase: "walk",
    done: this.#report.inodesRead + done,
    total: this.#report.subvolumesUpdated > 0 ? null : this.#estimate,
    unit: "files",
  });
}
