import { setImmediate } from "node:timers/promises";
import { unpackExtents, type Extent } from "../btrfs/extents.ts";
import { TRAIT } from "../native/library.ts";
import type { Holders } from "../store/holders.ts";
import type { IndexStore, InodeRow } from "../store/index-store.ts";

/** Rows that are in memory at a time, and between which others have their turn: V8 keeps more than are in use. */
const PAGE = 256;
const ROWS = `
  SELECT * FROM inode
  WHERE (family, ino, holder) > (?, ?, ?) AND kind <> 0 AND (traits & ${TRAIT.disk}) <> 0
  ORDER BY family, ino, holder LIMIT ${PAGE}`;

/** An inode as it is in one of the subvolumes that have it in this state. */
export interface SubvolumeInode extends InodeRow {
  readonly subvol: number;
}

/** A file of the index with its extents, as they are or as they will be. */
export interface IndexedFile {
  readonly row: SubvolumeInode;
  /** Equal for two files exactly when they share all their data. */
  readonly layout: number;
  readonly extents: () => readonly Extent[];
}

/** Where files will lie once plans are carried out: each destination where its source lies. */
export interface Placed {
  has(subvolume: number, inode: number): boolean;
  /** undefined: where it lies now. extents: packed, see btrfs/extents.ts. */
  get(
    subvolume: number,
    inode: number,
  ): { readonly layout: number; readonly extents: Uint8Array } | undefined;
}

/** Where files lie now. */
export const AS_THEY_LIE: Placed = { has: () => false, get: () => undefined };

/**
 * Every regular file of the index that has data on disk, nameless ones too, in
 * every subvolume that has it, some at a time. They are to be gone through at
 * once: a promise for each would take longer than what is done with it, and
 * keep it from being forgotten soon.
 * @param check called between pages; throws where the work is to end
 */
export async function* indexedFiles(
  store: IndexStore,
  sectorSize: number,
  placed: Placed,
  check: () => void,
): AsyncGenerator<Iterable<IndexedFile>> {
  let at = { family: 0, ino: 0, holder: 0 };
  for (;;) {
    const rows = store.all<InodeRow>(ROWS, at.family, at.ino, at.holder);
    yield filesOf(rows, store.holders, sectorSize, placed);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    at = { family: last.family, ino: last.ino, holder: last.holder };
    await setImmediate();
    check();
  }
}

function* filesOf(
  rows: readonly InodeRow[],
  holders: Holders,
  sectorSize: number,
  placed: Placed,
): Generator<IndexedFile> {
  for (const row of rows) {
    for (const subvol of holders.subvolumes(row.holder)) {
      const other = placed.get(subvol, row.ino);
      const blob = other?.extents ?? row.extents;
      yield {
        row: { ...row, subvol },
        layout: other?.layout ?? row.layout,
        extents: () => (blob === null ? [] : unpackExtents(blob, sectorSize)),
      };
    }
  }
}
