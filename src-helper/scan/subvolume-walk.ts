import { KEY, ORPHAN_OBJECTID } from "../btrfs/constants.ts";
import { searchTree } from "../btrfs/search.ts";
import { callAsync, NativeError, RECORD, type Control } from "../native/library.ts";
import { KIND_ORPHAN, type IndexStore } from "../store/index-store.ts";
import { KnownLayouts } from "./known-layouts.ts";
import type { InodeWriter, WalkedRow, WalkedTree } from "./inode-writer.ts";
import { runNative, type ScanContext } from "./scan-context.ts";

const MAX_RECORDS = 8192;
const MAX_INODES = 65536;
const MAX_BLOB = 2 ** 30;

/** Called for each inode that was read; mode 0: it is gone, or neither file nor directory. */
type Visit = (row: WalkedRow, mode: number) => void;

/** Also of one without a name: it was deleted while something in it, or itself, was in use. */
function isDirectory(row: WalkedRow): boolean {
  return row.extents === null;
}

/** What a walk counts, and what it says of its progress. */
export interface WalkCount {
  inodesRead: number;
  /** Inodes that there may be to read; null where nobody knows. */
  total: number | null;
}

/** Reads the tree of one subvolume into the index: whole, or what is newer than what is known. */
export class SubvolumeWalk {
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #writer: InodeWriter;
  readonly #count: WalkCount;
  readonly #tree: WalkedTree;

  constructor(
    context: ScanContext,
    store: IndexStore,
    writer: InodeWriter,
    count: WalkCount,
    tree: WalkedTree,
  ) {
    this.#context = context;
    this.#store = store;
    this.#writer = writer;
    this.#count = count;
    this.#tree = tree;
  }

  /** Reads everything; the index has nothing of the subvolume. */
  async full(): Promise<void> {
    const cursor = new Float64Array(1);
    await this.#records(
      this.#tree.id,
      (records, blob, control) =>
        callAsync(
          "rf_walk",
          this.#context.dir,
          this.#tree.id,
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
        this.#writer.insert(this.#tree, row, 0);
      },
    );
  }

  /** Reads what is newer than a generation; the index has the subvolume as it was then. */
  async changes(settled: number): Promise<void> {
    const changedDirectories: number[] = [];
    const known = new KnownLayouts(this.#store, this.#tree);
    // a neighbour of what changed; a balance moves data and leaves the transid
    const isNeighbour = (row: WalkedRow): boolean =>
      row.transid <= settled && row.extentGeneration <= settled && known.has(row.ino, row.layout);
    const see = (row: WalkedRow): void => {
      if (isDirectory(row) && row.transid > settled) changedDirectories.push(row.ino);
    };
    for await (const inos of this.#changedInodes(this.#tree.id, settled)) {
      await this.#update(inos, settled, see, isNeighbour);
    }
    await this.#findRemoved(changedDirectories, settled);
  }

  /**
   * Takes back what another subvolume changed since the two had one history:
   * the index has this one's rows from that one.
   *
   * @throws NativeError ENOENT also where the other is gone
   */
  async undo(other: number, common: number): Promise<void> {
    const directories: number[] = [];
    for await (const inos of this.#changedInodes(other, common)) {
      const here: number[] = [];
      await this.#update(inos, common, (row) => {
        if (isDirectory(row)) here.push(row.ino);
      });
      await this.#inodes(other, Float64Array.from(here), (row, mode) => {
        if (mode !== 0 && row.transid > common) directories.push(row.ino);
      });
    }
    await this.#findMissing(directories, common);
  }

  async *#changedInodes(subvolume: number, settled: number): AsyncGenerator<Float64Array> {
    const cursor = new Float64Array(1);
    const inos = new Float64Array(MAX_INODES);
    do {
      const count = await runNative(this.#context, this.#progress, (control) =>
        callAsync(
          "rf_changed_inodes",
          this.#context.dir,
          subvolume,
          settled + 1,
          cursor,
          inos,
          MAX_INODES,
          control.buffer,
        ),
      );
      yield inos.slice(0, count);
    } while (cursor[0] !== 0);
  }

  /**
   * Reads inodes and updates, or removes, their rows.
   * @param seen called for those that are there
   * @param isSettled whether the row of one is known to be right
   */
  async #update(
    inos: Float64Array,
    settled: number,
    seen: (row: WalkedRow) => void,
    isSettled: (row: WalkedRow) => boolean = () => false,
  ): Promise<void> {
    await this.#inodes(this.#tree.id, inos, (row, mode) => {
      if (mode !== 0 && isSettled(row)) return;
      if (mode !== 0) {
        this.#writer.update(this.#tree, row, settled);
        seen(row);
        return;
      }
      const old = this.#writer.find(this.#tree, row.ino);
      if (old !== undefined) this.#writer.remove(this.#tree, old);
    });
  }

  async #inodes(subvolume: number, inos: Float64Array, visit: Visit): Promise<void> {
    if (inos.length === 0) return;
    const cursor = new Float64Array(1);
    await this.#records(
      subvolume,
      (records, blob, control) =>
        callAsync(
          "rf_read_inodes",
          this.#context.dir,
          subvolume,
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
      visit,
    );
  }

  /**
   * A deleted item leaves no newer item behind, so deletions are found from
   * the other side: unlink(2) and rename(2) write the directory's inode. Of
   * each directory that changed, the inodes it was known to hold and does not
   * name any more are looked up; below a directory that went, all of them.
   * Files deleted while open hang on no directory and are looked up each time.
   */
  async #findRemoved(directories: readonly number[], settled: number): Promise<void> {
    const suspects: number[] = [];
    for (const directory of directories) {
      const before = this.#children(directory);
      if (before.length === 0) continue;
      const now = await this.#namedBy(directory);
      for (const ino of before) if (!now.has(ino)) suspects.push(ino);
    }
    const nameless = `SELECT ino, holder FROM inode WHERE family = ? AND kind = ${KIND_ORPHAN}`;
    suspects.push(...this.#own(nameless, this.#tree.family));
    while (suspects.length > 0) {
      const batch = suspects.splice(0, MAX_INODES);
      await this.#update(Float64Array.from(batch), settled, () => undefined);
      for (const ino of batch) {
        // for a directory that is gone, what was in it
        if (this.#writer.find(this.#tree, ino) === undefined) suspects.push(...this.#children(ino));
      }
    }
  }

  /** The other way round: what directories name, and below them, that the index does not have. */
  async #findMissing(directories: readonly number[], settled: number): Promise<void> {
    const nameless = searchTree(
      this.#context.dir,
      this.#tree.id,
      { objectid: ORPHAN_OBJECTID, type: KEY.orphanItem, offset: 0 },
      { objectid: ORPHAN_OBJECTID, type: KEY.orphanItem, offset: 0xffff_ffff_ffff_ffffn },
    );
    const missing = Array.from(nameless, ({ offset }) => Number(offset));
    const queue = [...directories];
    while (missing.length > 0 || queue.length > 0) {
      for (const directory of queue.splice(0)) {
        const known = new Set(this.#children(directory));
        for (const ino of await this.#namedBy(directory)) {
          if (!known.has(ino) && this.#writer.find(this.#tree, ino) === undefined) missing.push(ino);
        }
      }
      await this.#update(Float64Array.from(missing.splice(0, MAX_INODES)), settled, (row) => {
        if (isDirectory(row)) queue.push(row.ino);
      });
    }
  }

  /** What the index has in a directory. */
  #children(directory: number): number[] {
    const sql = "SELECT ino, holder FROM inode WHERE family = ? AND parent = ?";
    return this.#own(sql, this.#tree.family, directory);
  }

  #own(sql: string, ...values: number[]): number[] {
    const { holders } = this.#store;
    return this.#store
      .all<{ ino: number; holder: number }>(sql, ...values)
      .filter(({ holder }) => holders.has(holder, this.#tree.id))
      .map(({ ino }) => ino);
  }

  async #namedBy(directory: number): Promise<Set<number>> {
    const named = new Set<number>();
    const cursor = new Float64Array(1);
    const inos = new Float64Array(MAX_INODES);
    do {
      const count = await callAsync(
        "rf_dir_children",
        this.#context.dir,
        this.#tree.id,
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
    subvolume: number,
    walk: (records: Float64Array, blob: Buffer, control: Control) => Promise<number>,
    done: () => boolean,
    visit: Visit,
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
        visit(this.#writer.rowOf(records, k, blob), records[k * RECORD.fields + RECORD.mode] ?? 0);
      }
      this.#count.inodesRead += count;
      if (done()) return;
    }
  }

  readonly #progress = (
    done: number,
  ): { phase: "walk"; done: number; total: number | null; unit: "files" } => ({
    phase: "walk",
    done: this.#count.inodesRead + done,
    total: this.#count.total,
    unit: "files",
  });
}
