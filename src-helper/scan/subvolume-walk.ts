import { KEY, ORPHAN_OBJECTID } from "../btrfs/constants.ts";
import { mayHaveMovedData } from "../btrfs/relocation.ts";
import { searchTree } from "../btrfs/search.ts";
import { RECORD, TRAIT } from "../native/library.ts";
import { KIND_ORPHAN, type IndexStore } from "../store/index-store.ts";
import { KnownLayouts } from "./known-layouts.ts";
import type { InodeWriter, WalkedRow, WalkedTree } from "./inode-writer.ts";
import type { ScanContext } from "./scan-context.ts";
import type { TreeReader } from "./tree-reader.ts";
import { MAX_INODES } from "./walk-buffers.ts";

/** Also of one without a name: it was deleted while something in it, or itself, was in use. */
function isDirectory(row: WalkedRow): boolean {
  return row.extents === null;
}

/** Reads the tree of one subvolume into the index: whole, or what is newer than what is known. */
export class SubvolumeWalk {
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #writer: InodeWriter;
  readonly #reader: TreeReader;
  readonly #tree: WalkedTree;

  constructor(
    context: ScanContext,
    store: IndexStore,
    writer: InodeWriter,
    reader: TreeReader,
    tree: WalkedTree,
  ) {
    this.#context = context;
    this.#store = store;
    this.#writer = writer;
    this.#reader = reader;
    this.#tree = tree;
  }

  /** Reads everything; the index has nothing of the subvolume. */
  async full(): Promise<void> {
    await this.#reader.walk(this.#tree.id, 0, (records, k, blob) => {
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
    for await (const inos of this.#reader.changedInodes(other, common)) {
      const here: number[] = [];
      await this.#update(inos, common, (row) => {
        if (isDirectory(row)) here.push(row.ino);
      });
      await this.#rows(other, Float64Array.from(here), (row, mode) => {
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
    await this.#reader.walk(this.#tree.id, settled + 1, see, async () => {
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

  /**
   * Reads inodes and updates, or removes, their rows.
   * @param seen called for those that are there
   */
  async #update(
    inos: Float64Array,
    settled: number,
    seen: (row: WalkedRow, isNew: boolean) => void,
  ): Promise<void> {
    await this.#rows(this.#tree.id, inos, (row, mode) => {
      if (mode !== 0) {
        seen(row, this.#writer.update(this.#tree, row, settled));
        return;
      }
      const old = this.#writer.find(this.#tree, row.ino);
      if (old !== undefined) this.#writer.remove(this.#tree, old);
    });
  }

  /** @param visit mode 0: it is gone, or neither file nor directory */
  async #rows(
    subvolume: number,
    inos: Float64Array,
    visit: (row: WalkedRow, mode: number) => void,
  ): Promise<void> {
    await this.#reader.inodes(subvolume, inos, (records, k, blob) => {
      visit(this.#writer.rowOf(records, k, blob), records[k * RECORD.fields + RECORD.mode] ?? 0);
    });
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
    const now = await this.#reader.namedBy(
      this.#tree.id,
      directories.filter((_, k) => (before[k] ?? []).length > 0),
    );
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
        for (const ino of await this.#reader.namedBy(this.#tree.id, [directory])) {
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
}
