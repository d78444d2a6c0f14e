import { KEY, ORPHAN_OBJECTID } from "../btrfs/constants.ts";
import { mayHaveMovedData } from "../btrfs/relocation.ts";
import { searchTree } from "../btrfs/search.ts";
import { callAsync, NativeError, RECORD, TRAIT, type Control } from "../native/library.ts";
import { KIND_ORPHAN, type IndexStore } from "../store/index-store.ts";
import { KnownLayouts } from "./known-layouts.ts";
import type { InodeWriter, WalkedRow, WalkedTree } from "./inode-writer.ts";
import { runNative, type ScanContext } from "./scan-context.ts";
import { MAX_INODES, MAX_RECORDS, type BufferPool, type WalkBuffers } from "./walk-buffers.ts";

/** Called for each inode that was read; mode 0: it is gone, or neither file nor directory. */
type Visit = (row: WalkedRow, mode: number) => void;
/** Called for each record of a native walk. */
type VisitRecord = (records: Float64Array, k: number, blob: Buffer) => void;
/** What a native walk wrote, to buffers of a pool. */
interface Read {
  readonly buffers: WalkBuffers;
  readonly count: number;
}
type NativeWalk = (buffers: WalkBuffers, control: Control) => Promise<number>;

/** Also of one without a name: it was deleted while something in it, or itself, was in use. */
function isDirectory(row: WalkedRow): boolean {
  return row.extents === null;
}

/** What the walks of a scan have in common: what they count and say of their progress, and their buffers. */
export interface WalkCount {
  readonly buffers: BufferPool;
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
    await this.#walk(this.#tree.id, 0, (records, k, blob) => {
      this.#writer.insert(this.#tree, this.#writer.rowOf(records, k, blob), 0);
    });
  }

  /**
   * Reads what is newer than a generation; the index has the subvolume as it was then.
   * @returns the directories that it did not have
   */
  async changes(settled: number): Promise<number[]> {
    const [changed, added]: [number[], number[]] = [[], []];
    const see = (row: WalkedRow, isNew: boolean): void => {
      if (!isDirectory(row)) return;
      if (row.transid > settled) changed.push(row.ino);
      if (isNew) added.push(row.ino);
    };
    await this.#eachChanged(settled, (inos) => this.#update(inos, settled, see));
    await this.#findRemoved(changed, settled);
    return added;
  }

  /**
   * Takes back what another subvolume changed since the two had one history:
   * the index has this one's rows from that one.
   *
   * @param added directories that the other has not: it may have deleted them, with what was in them
   * @throws NativeError ENOENT also where the other is gone
   */
  async undo(other: number, common: number, added: readonly number[]): Promise<void> {
    const directories = [...added];
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

  /**
   * The inodes in newer leaves that have to be looked at. Most in them are but
   * neighbours of what changed, as their transid says: where an inode item is
   * not in what was read it lies in an older leaf, and is as old.
   *
   * @param look called for some at a time, while the walk goes on
   */
  async #eachChanged(settled: number, look: (inos: Float64Array) => Promise<void>): Promise<void> {
    const stayed = mayHaveMovedData(this.#context.dir, settled) ? this.#stayed() : () => true;
    let some: number[] = [];
    const see = (records: Float64Array, k: number): void => {
      const at = k * RECORD.fields;
      const isNeighbour =
        (records[at + RECORD.transid] ?? 0) <= settled &&
        (records[at + RECORD.extentGeneration] ?? 0) <= settled &&
        stayed(records, at);
      if (!isNeighbour) some.push(records[at + RECORD.ino] ?? 0);
    };
    await this.#walk(this.#tree.id, settled + 1, see, async () => {
      const inos = Float64Array.from(some);
      some = [];
      await look(inos);
    });
  }

  /**
   * Tells of a record whether the data lies where it lay: a balance moves data
   * and leaves the transid. Of an inode that goes on in an older leaf the layout
   * looks different, and it is looked at; what is preallocated behind the end of
   * a file is in no layout.
   */
  #stayed(): (records: Float64Array, at: number) => boolean {
    const known = new KnownLayouts(this.#store, this.#tree);
    return (records, at) =>
      records[at + RECORD.mode] !== 0 &&
      ((records[at + RECORD.traits] ?? 0) & TRAIT.beyondEof) === 0 &&
      known.has(records[at + RECORD.ino] ?? 0, records[at + RECORD.layout] ?? 0);
  }

  async *#changedInodes(subvolume: number, settled: number): AsyncGenerator<Float64Array> {
    const cursor = new Float64Array(1);
    do {
      yield await this.#count.buffers.with(async ({ inodes }) => {
        const count = await runNative(this.#context, this.#progress, (control) =>
          callAsync(
            "rf_changed_inodes",
            this.#context.dir,
            subvolume,
            settled + 1,
            cursor,
            inodes,
            MAX_INODES,
            control.buffer,
          ),
        );
        return inodes.slice(0, count);
      });
    } while (cursor[0] !== 0);
  }

  /**
   * Reads inodes and updates, or removes, their rows.
   * @param seen called for those that are there
   */
  async #update(
    inos: Float64Array,
    settled: number,
    seen: (row: WalkedRow, isNew: boolean) => void,
  ): Promise<void> {
    await this.#inodes(this.#tree.id, inos, (row, mode) => {
      if (mode !== 0) {
        seen(row, this.#writer.update(this.#tree, row, settled));
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
      ({ records, blob }, control) =>
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
      (records, k, blob) => {
        visit(this.#writer.rowOf(records, k, blob), records[k * RECORD.fields + RECORD.mode] ?? 0);
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
  async #findRemoved(directories: readonly number[], settled: number): Promise<void> {
    const before = directories.map((directory) => this.#children(directory));
    // what another directory names now was seen there: with its name an inode changes
    const now = await this.#namedBy(directories.filter((_, k) => (before[k] ?? []).length > 0));
    const suspects = before.flatMap((children) => children.filter((ino) => !now.has(ino)));
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
        for (const ino of await this.#namedBy([directory])) {
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

  /** @param sql of inodes and their sets */
  #own(sql: string, ...values: number[]): number[] {
    const { holders } = this.#store;
    const rows = this.#store.lists<readonly [ino: number, holder: number]>(sql, ...values);
    return rows.filter(([, holder]) => holders.has(holder, this.#tree.id)).map(([ino]) => ino);
  }

  async #namedBy(directories: readonly number[]): Promise<Set<number>> {
    const named = new Set<number>();
    const list = Float64Array.from(directories);
    const cursor = new Float64Array(2);
    while ((cursor[0] ?? 0) < list.length) {
      await this.#count.buffers.with(async ({ inodes }) => {
        const count = await runNative(this.#context, this.#progress, (control) =>
          callAsync(
            "rf_dir_children",
            this.#context.dir,
            this.#tree.id,
            list,
            list.length,
            cursor,
            inodes,
            MAX_INODES,
            control.buffer,
          ),
        );
        for (const ino of inodes.subarray(0, count)) named.add(ino);
      });
    }
    return named;
  }

  /**
   * @param minTransid leaves that are older are not read; 0: all are
   * @param pause called after some records, while the walk goes on
   */
  #walk(
    subvolume: number,
    minTransid: number,
    visit: VisitRecord,
    pause?: () => Promise<void>,
  ): Promise<void> {
    const cursor = new Float64Array(1);
    return this.#records(
      ({ records, blob }, control) =>
        callAsync(
          "rf_walk",
          this.#context.dir,
          subvolume,
          this.#context.sectorSize,
          minTransid,
          cursor,
          records,
          MAX_RECORDS,
          blob,
          blob.length,
          control.buffer,
        ),
      () => cursor[0] === 0,
      visit,
      pause,
    );
  }

  /**
   * Calls a native walk until it is done. While the records of one call are
   * looked at, the next is under way, and writes to other buffers.
   */
  async #records(
    walk: NativeWalk,
    done: () => boolean,
    visit: VisitRecord,
    pause?: () => Promise<void>,
  ): Promise<void> {
    const { buffers: pool } = this.#count;
    let current: Promise<Read> | null = this.#read(walk);
    while (current !== null) {
      const { buffers, count } = await current;
      const next: Promise<Read> | null = done() ? null : this.#read(walk);
      next?.catch(() => undefined); // looked at above, or of no interest any more
      try {
        for (let k = 0; k < count; k++) visit(buffers.records, k, buffers.blob);
        await pause?.();
      } catch (error) {
        // nobody else gets buffers that are still written to
        await next?.then((read) => {
          pool.give(read.buffers);
        });
        throw error;
      } finally {
        pool.give(buffers);
      }
      this.#count.inodesRead += count;
      current = next;
    }
  }

  /** One call of a native walk, with a larger buffer where one inode needs it. */
  async #read(walk: NativeWalk): Promise<Read> {
    const { buffers: pool } = this.#count;
    const buffers = pool.take();
    try {
      for (;;) {
        try {
          const count = await runNative(this.#context, this.#progress, (control) => walk(buffers, control));
          return { buffers, count };
        } catch (error) {
          if (!(error instanceof NativeError) || error.code !== "EMSGSIZE" || !buffers.growBlob())
            throw error;
        }
      }
    } catch (error) {
      pool.give(buffers);
      throw error;
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
