import { INODE, S_IFDIR, S_IFMT } from "../btrfs/constants.ts";
import { KIND } from "../btrfs/extents.ts";
import { RECORD, TRAIT } from "../native/library.ts";
import type { ExtentRefs } from "../store/extent-refs.ts";
import {
  KIND_DIRECTORY,
  KIND_FILE,
  KIND_ORPHAN,
  type IndexStore,
  type InodeRow,
} from "../store/index-store.ts";

const INSERT = "INSERT INTO inode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SELECT = "SELECT * FROM inode WHERE subvol = ? AND ino = ?";
const DELETE = "DELETE FROM inode WHERE subvol = ? AND ino = ?";
const TOUCH =
  "UPDATE inode SET transid = ?, parent = ?, flags = ?, uid = ?, mtime = ?, traits = ? WHERE subvol = ? AND ino = ?";
const SAME_LAYOUT = "SELECT 1 FROM inode WHERE size = ? AND layout = ? AND kind = 1 LIMIT 1";
const DELETE_PRINT = "DELETE FROM print WHERE size = ? AND layout = ?";

/** A row, and when the newest of its extent items was written. */
export interface WalkedRow extends InodeRow {
  readonly extentGeneration: number;
}

/** Totals over all regular files. */
export interface FileCounts {
  files: number;
  bytes: number;
}

/**
 * Writes what the walks find into the index, and keeps what follows from it in
 * step: reference counts, prints that no longer hold, sizes to group anew.
 */
export class InodeWriter {
  /** Sizes of which some file came, went or changed. */
  readonly dirtySizes = new Set<number>();
  /** Inodes whose row was written or removed. */
  changed = 0;
  readonly #store: IndexStore;
  readonly #refs: ExtentRefs;
  readonly #counts: FileCounts;
  #inlineSerial: number;

  constructor(store: IndexStore, refs: ExtentRefs, counts: FileCounts) {
    this.#store = store;
    this.#refs = refs;
    this.#counts = counts;
    this.#inlineSerial = (store.meta("inlineSerial") as number | undefined) ?? 0;
  }

  /** The row of the k-th record of a native walk. */
  rowOf(subvol: number, records: Float64Array, k: number, blob: Buffer): WalkedRow {
    const at = k * RECORD.fields;
    const field = (name: number): number => records[at + name] ?? 0;
    const directory = (field(RECORD.mode) & S_IFMT) === S_IFDIR;
    const start = field(RECORD.blobOffset);
    return {
      subvol,
      ino: field(RECORD.ino),
      gen: field(RECORD.generation),
      transid: field(RECORD.transid),
      parent: field(RECORD.parent),
      kind: directory ? KIND_DIRECTORY : field(RECORD.nlink) === 0 ? KIND_ORPHAN : KIND_FILE,
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

  /** Adds an inode that the index does not have. */
  insert(row: InodeRow): void {
    // inline data lies in the metadata: no two such files share it, so each gets a layout of its own
    const layout = isAllInline(row) ? -++this.#inlineSerial : row.layout;
    this.#store
      .statement(INSERT)
      .run(
        row.subvol,
        row.ino,
        row.gen,
        row.transid,
        row.parent,
        row.kind,
        row.size,
        row.flags,
        row.uid,
        row.mtime,
        layout,
        row.traits,
        row.extents,
      );
    this.changed++;
    if (row.extents !== null)
      forEachExtent(row.extents, this.#sectorSize, (bytenr) => {
        this.#refs.add(bytenr);
      });
    if (row.kind !== KIND_FILE) return;
    this.#counts.files++;
    this.#counts.bytes += row.size;
    this.dirtySizes.add(row.size);
  }

  /**
   * Brings the index up to date with an inode as it is now.
   * @param settledGeneration changes up to here were seen by the last scan
   */
  update(row: WalkedRow, settledGeneration: number): void {
    const old = this.find(row.subvol, row.ino);
    if (old === undefined) {
      this.insert(row);
      return;
    }
    if (isSame(old, row, settledGeneration)) return;
    if (hasSameData(old, row, settledGeneration)) this.#touch(old, row);
    else {
      this.remove(old);
      this.insert(row);
    }
  }

  /** The inode changed, its data did not: what is known of its content holds. */
  #touch(old: InodeRow, now: WalkedRow): void {
    const { subvol, ino, transid, parent, flags, uid, mtime, traits } = now;
    this.#store.run(TOUCH, transid, parent, flags, uid, mtime, traits, subvol, ino);
    this.changed++;
    // flags decide who may be folded onto whom
    if (old.flags !== flags) this.dirtySizes.add(now.size);
  }

  find(subvol: number, ino: number): InodeRow | undefined {
    return this.#store.get(SELECT, subvol, ino) as InodeRow | undefined;
  }

  /** Takes an inode out of the index. */
  remove(row: InodeRow): void {
    this.#store.run(DELETE, row.subvol, row.ino);
    this.changed++;
    if (row.extents !== null)
      forEachExtent(row.extents, this.#sectorSize, (bytenr) => {
        this.#refs.remove(bytenr);
      });
    if (row.kind !== KIND_FILE) return;
    this.#counts.files--;
    this.#counts.bytes -= row.size;
    this.dirtySizes.add(row.size);
    // the place on disk may be given to other data now; while somebody else holds it, it cannot
    if (this.#store.get(SAME_LAYOUT, row.size, row.layout) === undefined) {
      this.#store.run(DELETE_PRINT, row.size, row.layout);
    }
  }

  finish(): void {
    this.#store.setMeta("inlineSerial", this.#inlineSerial);
    this.#store.setMeta("counts", this.#counts);
  }

  get #sectorSize(): number {
    return this.#refs.sectorSize;
  }
}

/** All data of the file is in the metadata. Behind an inline head there can be extents on disk. */
function isAllInline(row: InodeRow): boolean {
  return (row.traits & (TRAIT.inline | TRAIT.disk)) === TRAIT.inline;
}

function isSame(old: InodeRow, now: InodeRow, settledGeneration: number): boolean {
  // NOCOW data changes in place, within one transaction without a trace
  const unsettled = (now.flags & INODE.nodatacow) !== 0 && now.transid > settledGeneration;
  return (
    !unsettled &&
    old.gen === now.gen &&
    old.transid === now.transid &&
    old.size === now.size &&
    old.parent === now.parent &&
    old.kind === now.kind &&
    old.flags === now.flags &&
    (old.layout === now.layout || (old.layout < 0 && isAllInline(now))) &&
    (old.extents?.equals(now.extents ?? EMPTY) ?? now.extents === null)
  );
}

/**
 * Whether a changed inode surely has the data it had: it lies where it lay,
 * and no extent item is newer than the last scan, so nothing was freed there
 * and written anew. Refold's own locks leave sources in this state.
 */
function hasSameData(old: InodeRow, now: WalkedRow, settledGeneration: number): boolean {
  return (
    (now.flags & INODE.nodatacow) === 0 &&
    !isAllInline(now) &&
    old.gen === now.gen &&
    old.kind === now.kind &&
    old.size === now.size &&
    old.layout === now.layout &&
    now.extentGeneration <= settledGeneration &&
    (old.extents?.equals(now.extents ?? EMPTY) ?? now.extents === null)
  );
}

const EMPTY = Buffer.alloc(0);

/** The extents on disk of a packed blob, without making objects: this runs for every file. */
function forEachExtent(blob: Buffer, sectorSize: number, visit: (bytenr: number) => void): void {
  let position = 0;
  let start = 0;
  const varint = (): number => {
    let byte = blob[position++] ?? 0;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = blob[position++] ?? 0;
      value += (byte & 0x7f) * scale;
    }
    return value;
  };
  while (position < blob.length) {
    const kind = varint();
    varint(); // gap
    varint(); // length
    if (kind === KIND.inline) continue;
    const zigzag = varint();
    start += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    varint(); // offset
    varint(); // length on disk
    if (kind >= KIND.zlib) varint();
    visit(start * sectorSize);
  }
}
