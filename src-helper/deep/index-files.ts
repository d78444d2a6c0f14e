import { setImmediate } from "node:timers/promises";
import { unpackExtents, type Extent } from "../btrfs/extents.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import { TRAIT } from "../native/library.ts";
import type { IndexStore, InodeRow } from "../store/index-store.ts";
import { PlacedFiles } from "./placed.ts";

/** Rows that are in memory at a time, and between which others have their turn. */
const PAGE = 2000;
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
  extents(): readonly Extent[];
}

/**
 * Where files will lie once plans are carried out: each destination where its
 * source lies. Keyed by subvolume and inode.
 */
export type Placed = Pick<
  ReadonlyMap<string, { readonly layout: number; readonly extents: Uint8Array }>,
  "get" | "has"
>;

export function placedBy(plans: Iterable<FoldPlan>): Placed {
  return new PlacedFiles(plans);
}

/**
 * Every regular file of the index that has data on disk, nameless ones too, in
 * every subvolume that has it.
 * @param check called between pages; throws where the work is to end
 */
export async function* indexedFiles(
  store: IndexStore,
  sectorSize: number,
  placed: Placed,
  check: () => void,
): AsyncGenerator<IndexedFile> {
  const { holders } = store;
  let at = { family: 0, ino: 0, holder: 0 };
  for (;;) {
    const rows = store.all<InodeRow>(ROWS, at.family, at.ino, at.holder);
    for (const row of rows) {
      for (const subvol of holders.subvolumes(row.holder)) {
        const other = placed.get(`${subvol}:${row.ino}`);
        const blob = other?.extents ?? row.extents;
        yield {
          row: { ...row, subvol },
          layout: other?.layout ?? row.layout,
          extents: () => (blob === null ? [] : unpackExtents(blob, sectorSize)),
        };
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    at = last;
    await setImmediate();
    check();
  }
}
