import type { Holders } from "../../store/holders.ts";
import { FileColumns, kindOf } from "./columns.ts";

/** What a review takes from a row of inode. */
export interface LoadedRow {
  readonly holder: number;
  readonly ino: number;
  readonly gen: number;
  readonly flags: number;
  readonly layout: number;
  readonly traits: number;
  readonly mtime: number;
  readonly uid: number;
  /** null: none. */
  readonly extentBytes: number | null;
  /** Of Footprints, where they are kept. */
  readonly footprint?: number;
}

/** A set of subvolumes, as its rows become rows of a review. */
interface SplitSet {
  readonly sharing: number;
  /** A row each: of writable subvolumes, and of read-only ones that are to be folded. */
  readonly single: readonly { readonly id: number; readonly readOnly: boolean }[];
  /** Read-only ones that are left alone: one row for all. */
  readonly together: readonly number[];
}

/**
 * Fills FileColumns from rows of the index. What can be ticked one by one is a
 * row each; copies in read-only snapshots that are not folded are one row for
 * all snapshots, so that a hundred of them do not take a hundred times the room.
 */
export class RowLoader {
  /** Files that were added, each copy counted. */
  copies = 0;
  readonly #holders: Holders;
  readonly #readOnly: ReadonlySet<number>;
  readonly #foldSnapshots: boolean;
  readonly #sets = new Map<number, SplitSet>();
  readonly #snapshotsOf = new Map<number, readonly number[]>();
  #columns: FileColumns;
  #count = 0;

  /** @param room rows that there probably are */
  constructor(holders: Holders, readOnly: ReadonlySet<number>, foldSnapshots: boolean, room: number) {
    this.#holders = holders;
    this.#readOnly = readOnly;
    this.#foldSnapshots = foldSnapshots;
    this.#columns = new FileColumns(Math.max(1, room), this.#snapshotsOf);
  }

  add(group: number, row: LoadedRow): void {
    const { sharing, single, together } = this.#setOf(row.holder);
    for (const { id, readOnly } of single) this.#push(group, row, { id, readOnly, copies: 1, sharing });
    const [id] = together;
    if (id !== undefined) {
      this.#push(group, row, { id, readOnly: true, copies: together.length, sharing });
    }
    this.copies += sharing;
  }

  /** The rows that were added, in that order. */
  finish(): FileColumns {
    return copyColumns(this.#columns, new FileColumns(this.#count, this.#snapshotsOf), this.#count);
  }

  #setOf(holder: number): SplitSet {
    let set = this.#sets.get(holder);
    if (set === undefined) {
      const subvolumes = this.#holders.subvolumes(holder);
      const isTogether = (id: number): boolean => this.#readOnly.has(id) && !this.#foldSnapshots;
      const together = subvolumes.filter(isTogether);
      const single = subvolumes
        .filter((id) => !isTogether(id))
        .map((id) => ({ id, readOnly: this.#readOnly.has(id) }));
      this.#sets.set(holder, (set = { sharing: subvolumes.length, single, together }));
      this.#snapshotsOf.set(holder, together);
    }
    return set;
  }

  #push(
    group: number,
    row: LoadedRow,
    of: {
      readonly id: number;
      readonly readOnly: boolean;
      readonly copies: number;
      readonly sharing: number;
    },
  ): void {
    if (this.#count === this.#columns.count) {
      const larger = new FileColumns(2 * this.#count, this.#snapshotsOf);
      this.#columns = copyColumns(this.#columns, larger, this.#count);
    }
    const files = this.#columns;
    const k = this.#count++;
    files.group[k] = group;
    files.subvolume[k] = of.id;
    files.holder[k] = row.holder;
    files.sharing[k] = of.sharing;
    files.copies[k] = of.copies;
    files.inode[k] = row.ino;
    files.generation[k] = row.gen;
    files.layout[k] = row.layout;
    files.mtime[k] = row.mtime;
    files.uid[k] = row.uid;
    files.extentBytes[k] = row.extentBytes ?? 0;
    files.footprint[k] = row.footprint ?? 0;
    files.kind[k] = kindOf(row.flags, row.traits, of.readOnly);
  }
}

/** The columns that come from the index. */
export const LOADED_COLUMNS = [
  "group",
  "subvolume",
  "holder",
  "sharing",
  "copies",
  "inode",
  "generation",
  "layout",
  "mtime",
  "uid",
  "extentBytes",
  "footprint",
  "kind",
] as const;

function copyColumns(from: FileColumns, to: FileColumns, count: number): FileColumns {
  for (const column of LOADED_COLUMNS) to[column].set(from[column].subarray(0, count));
  return to;
}
