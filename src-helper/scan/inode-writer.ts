import { S_IFDIR, S_IFMT } from "../btrfs/constants.ts";
import { RECORD } from "../native/library.ts";
import type { ExtentRefs } from "../store/extent-refs.ts";
import type { Holders } from "../store/holders.ts";
import {
  KIND_DIRECTORY,
  KIND_FILE,
  KIND_ORPHAN,
  type IndexStore,
  type InodeRow,
  type InodeState,
} from "../store/index-store.ts";
import { Arrivals } from "./arrivals.ts";
import { forEachExtent, hasSameData, isAllInline, isSame, isShareable, keptTransid } from "./inode-state.ts";
import { TouchedPlaces } from "./touched.ts";

const INSERT = "INSERT INTO inode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SELECT = "SELECT * FROM inode WHERE family = ? AND ino = ?";
const REPLACE = `UPDATE inode SET gen = ?, transid = ?, kind = ?, size = ?, flags = ?, uid = ?, mtime = ?,
  layout = ?, traits = ?, extents = ? WHERE family = ? AND ino = ? AND holder = ?`;
const DELETE = "DELETE FROM inode WHERE family = ? AND ino = ? AND holder = ?";
const MOVE = "UPDATE inode SET holder = ? WHERE family = ? AND ino = ? AND holder = ?";
// what is set is written to its indexes, though it be the same: so the parent is in neither of these
const TOUCH =
  "UPDATE inode SET transid = ?, flags = ?, uid = ?, mtime = ?, traits = ? WHERE family = ? AND ino = ? AND holder = ?";
const SET_PARENT = "UPDATE inode SET parent = ? WHERE family = ? AND ino = ? AND holder = ?";
// most places have none, and DELETE ... RETURNING takes three times as long to find out
const PRINT = "SELECT content FROM print WHERE size = ? AND layout = ?";
const DELETE_PRINT = "DELETE FROM print WHERE size = ? AND layout = ?";
const OF_LATER_SET = "SELECT * FROM inode WHERE holder = ? AND holder > 0 LIMIT ?";
const OF_FIRST_SET = "SELECT * FROM inode WHERE family = ? AND ino > ? AND holder = ? ORDER BY ino LIMIT ?";

/** Rows that are in memory at a time. */
const PAGE = 8192;

/** An inode as a walk finds it, and when the newest of its extent items was written. */
export interface WalkedRow extends InodeState {
  readonly extentGeneration: number;
}

/** The subvolume whose tree is being read. */
export interface WalkedTree {
  readonly id: number;
  readonly family: number;
  /** Nothing of its family was walked before: no other row can be of an inode of its own. */
  readonly first: boolean;
}

/**
 * Writes what the walks find into the index, and keeps what follows from it in
 * step: sets of subvolumes, reference counts, prints that no longer hold, sizes
 * to group anew.
 */
export class InodeWriter {
  readonly touched: TouchedPlaces;
  /** Rows that were written or removed. */
  changed = 0;
  /** A subvolume came or went: files of any size have other copies now. */
  setsChanged = false;
  /** Subvolumes whose rows are as their trees are now. */
  readonly current = new Set<number>();
  readonly #store: IndexStore;
  readonly #holders: Holders;
  readonly #refs: ExtentRefs;
  #inlineSerial: number;
  readonly #arrivals: Arrivals;

  /** @param isFirst nothing is in the index yet */
  constructor(store: IndexStore, refs: ExtentRefs, isFirst: boolean) {
    this.touched = new TouchedPlaces(isFirst);
    this.#store = store;
    this.#holders = store.holders;
    this.#refs = refs;
    this.#inlineSerial = (store.meta("inlineSerial") as number | undefined) ?? 0;
    this.#arrivals = new Arrivals(store, isFirst);
  }

  /** The row of the k-th record of a native walk. */
  rowOf(records: Float64Array, k: number, blob: Buffer): WalkedRow {
    const at = k * RECORD.fields;
    const field = (name: number): number => records[at + name] ?? 0;
    const directory = (field(RECORD.mode) & S_IFMT) === S_IFDIR;
    const start = field(RECORD.blobOffset);
    return {
      ino: field(RECORD.ino),
      gen: field(RECORD.generation),
      transid: field(RECORD.transid),
      parent: field(RECORD.parent),
      kind: field(RECORD.nlink) === 0 ? KIND_ORPHAN : directory ? KIND_DIRECTORY : KIND_FILE,
      size: field(RECORD.size),
      flags: field(RECORD.flags),
      uid: field(RECORD.uid),
      mtime: field(RECORD.mtime),
      layout: field(RECORD.layout),
      traits: field(RECORD.traits),
      extentGeneration: field(RECORD.extentGeneration),
      extents: directory ? null : blob.subarray(start, start + field(RECORD.blobLength)),
    };
  }

  /**
   * Adds an inode that a subvolume does not have in the index.
   * @param settled see update()
   */
  insert(tree: WalkedTree, row: WalkedRow, settled: number): void {
    const twin = tree.first ? undefined : this.#twinOf(this.#variants(tree, row.ino), row, settled);
    if (twin !== undefined) {
      this.#move(twin, this.#holders.with(twin.holder, tree.id));
      return;
    }
    const { family, id, first } = tree;
    const holder = this.#holders.alone(family, id, first);
    const layout = this.#layoutOf(row);
    const transid = keptTransid(row);
    const { ino, gen, parent, kind, size, flags, uid, mtime, traits, extents } = row;
    this.#store
      .statement(INSERT)
      .run(family, ino, holder, gen, transid, parent, kind, size, flags, uid, mtime, layout, traits, extents);
    this.#countRow(row, holder, layout);
  }

  /**
   * Brings the index up to date with an inode as it is now in a subvolume.
   * @param settled changes up to this generation are in the index
   * @returns whether the index did not have the inode there
   */
  update(tree: WalkedTree, row: WalkedRow, settled: number): boolean {
    const variants = this.#variants(tree, row.ino);
    const old = variants.find(({ holder }) => this.#holders.has(holder, tree.id));
    if (old === undefined) {
      this.insert(tree, row, settled);
      return true;
    }
    this.#renew(tree, old, variants, row, settled);
    return false;
  }

  #renew(
    tree: WalkedTree,
    old: InodeRow,
    variants: readonly InodeRow[],
    row: WalkedRow,
    settled: number,
  ): void {
    if (!hasSameData(old, row, settled)) {
      this.#replace(tree, old, variants, row, settled);
      return;
    }
    // the inode may have changed; its data did not: what is known of its content holds
    if (isSame(old, row)) return;
    if (this.#holders.subvolumes(old.holder).length === 1) this.#touch(old, row);
    else {
      this.#leave(tree, old);
      this.insert(tree, row, settled);
    }
  }

  /** The row of an inode of a subvolume. */
  find(tree: WalkedTree, ino: number): InodeRow | undefined {
    return this.#variants(tree, ino).find((row) => this.#holders.has(row.holder, tree.id));
  }

  /** Takes an inode of a subvolume out of the index. */
  remove(tree: WalkedTree, row: InodeRow): void {
    if (this.#holders.subvolumes(row.holder).length === 1) this.#delete(row);
    else this.#leave(tree, row);
  }

  /** A new subvolume has everything as another has it. */
  inherit(tree: WalkedTree, from: number): void {
    this.#holders.inherit(from, tree.id);
    this.setsChanged = true;
  }

  /** Takes out all that a subvolume alone has; what others have too is theirs from now on. */
  removeSubvolume(id: number): void {
    const { emptied, merged } = this.#holders.leave(id);
    this.setsChanged = true;
    for (const holder of emptied) {
      for (const row of this.#rowsOf(holder, this.#holders.familyOf(holder))) this.#delete(row);
    }
    for (const { from, into } of merged) {
      for (const row of this.#rowsOf(from, this.#holders.familyOf(into))) {
        this.#store.run(MOVE, into, row.family, row.ino, row.holder);
        this.changed++;
      }
    }
  }

  finish(): void {
    this.#store.setMeta("inlineSerial", this.#inlineSerial);
    this.#holders.flush();
  }

  /** A row is overwritten where it stays that of one subvolume: what it is found by mostly stays. */
  #replace(
    tree: WalkedTree,
    old: InodeRow,
    variants: readonly InodeRow[],
    row: WalkedRow,
    settled: number,
  ): void {
    const alone = this.#holders.subvolumes(old.holder).length === 1;
    if (!alone || old.parent !== row.parent || this.#twinOf(variants, row, settled) !== undefined) {
      this.remove(tree, old);
      this.insert(tree, row, settled);
      return;
    }
    const { family, holder } = old;
    const { ino, gen, kind, size, flags, uid, mtime, traits, extents } = row;
    const layout = this.#layoutOf(row);
    const transid = keptTransid(row);
    this.#store
      .statement(REPLACE)
      .run(gen, transid, kind, size, flags, uid, mtime, layout, traits, extents, family, ino, holder);
    this.#discountRow(old);
    this.#countRow(row, holder, layout);
  }

  /** Inline data lies in the metadata: no two such files share it, so each gets a layout of its own. */
  #layoutOf(row: WalkedRow): number {
    return isAllInline(row) ? -++this.#inlineSerial : row.layout;
  }

  /** The row of a relative's inode that is in the same state. */
  #twinOf(variants: readonly InodeRow[], row: WalkedRow, settled: number): InodeRow | undefined {
    return variants.find((other) => {
      if (!isShareable(other, row)) return false;
      // of one that was not looked at yet, the place may have been freed and written anew since
      const subvolumes = this.#holders.subvolumes(other.holder);
      return row.extentGeneration <= settled || subvolumes.some((id) => this.current.has(id));
    });
  }

  /** The rows of an inode in all states that its family has it in. */
  #variants({ family }: WalkedTree, ino: number): InodeRow[] {
    return this.#store.all<InodeRow>(SELECT, family, ino);
  }

  #touch(old: InodeRow, now: WalkedRow): void {
    const { ino, parent, flags, uid, mtime, traits } = now;
    const { family, holder } = old;
    const transid = keptTransid(now);
    this.#store.run(TOUCH, transid, flags, uid, mtime, traits, family, ino, holder);
    if (old.parent !== parent) this.#store.run(SET_PARENT, parent, family, ino, holder);
    this.changed++;
    // flags decide who may be folded onto whom
    if (old.flags !== flags) this.touched.touch(old.size, old.layout);
  }

  /** A subvolume has an inode in another state now than those it shared a row with. */
  #leave(tree: WalkedTree, row: InodeRow): void {
    this.#move(row, this.#holders.without(row.holder, tree.id));
  }

  #move(row: InodeRow, holder: number): void {
    const { family, ino, kind, size } = row;
    const bytes = kind === KIND_FILE ? size : null;
    this.#store.run(MOVE, holder, family, ino, row.holder);
    this.#holders.count(row.holder, -1, bytes);
    this.#holders.count(holder, 1, bytes);
    this.changed++;
    // they go and come again: nobody else's are affected by what the same extents come to have more of
    if (row.extents !== null)
      forEachExtent(row.extents, this.#sectorSize, (bytenr) => {
        this.#refs.remove(bytenr);
        this.#refs.add(bytenr);
      });
    if (kind === KIND_FILE) this.touched.touch(size, row.layout);
  }

  #delete(row: InodeRow): void {
    this.#store.run(DELETE, row.family, row.ino, row.holder);
    this.#discountRow(row);
  }

  /** A row was written. */
  #countRow({ kind, size, extents }: WalkedRow, holder: number, layout: number): void {
    this.changed++;
    this.#holders.count(holder, 1, kind === KIND_FILE ? size : null);
    if (extents !== null)
      forEachExtent(extents, this.#sectorSize, (bytenr) => {
        this.#refs.add(bytenr);
      });
    if (kind !== KIND_FILE) return;
    this.touched.touch(size, layout);
    this.#arrivals.add(layout);
  }

  /** A row is not there any more, or says something else. */
  #discountRow({ family, ino, holder, kind, size, layout, extents }: InodeRow): void {
    this.changed++;
    this.#holders.count(holder, -1, kind === KIND_FILE ? size : null);
    if (extents !== null)
      forEachExtent(extents, this.#sectorSize, (bytenr) => {
        this.#refs.remove(bytenr);
      });
    if (kind !== KIND_FILE) return;
    this.touched.touch(size, layout);
    // the place on disk may be given to other data now, or be written to where it is (NOCOW); while somebody
    // else goes on holding it, it cannot
    if (!this.#arrivals.anyOlder(size, layout, { family, ino, holder })) {
      const content = this.#store.value(PRINT, size, layout) as Buffer | null | undefined;
      if (content !== undefined) this.#store.run(DELETE_PRINT, size, layout);
      this.touched.leave(size, layout, content ?? null);
    }
  }

  /** The rows of a set, some at a time; they must not stay in it. */
  *#rowsOf(holder: number, family: number): Generator<InodeRow> {
    let after = 0;
    for (;;) {
      const rows =
        holder > 0
          ? this.#store.all<InodeRow>(OF_LATER_SET, holder, PAGE)
          : this.#store.all<InodeRow>(OF_FIRST_SET, family, after, holder, PAGE);
      yield* rows;
      if (rows.length < PAGE) return;
      after = rows.at(-1)?.ino ?? 0;
    }
  }

  get #sectorSize(): number {
    return this.#refs.sectorSize;
  }
}
