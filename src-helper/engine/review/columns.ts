import { TRAIT } from "../../native/library.ts";
import { INODE } from "../../btrfs/constants.ts";

/**
 * Groups of a review, a column a field: 200,000 objects would take ten times
 * the memory. A group is its row here, in ascending order of size and content.
 */
export class GroupColumns {
  readonly count: number;
  /** Bytes of each file. */
  readonly size: Float64Array;
  /** The first eight bytes of the content's print, as two words: with the size, the id. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Files, as the scan counted them. */
  readonly files: Int32Array;
  /** What the scan says of folding the whole group: files that move, bytes that come back. */
  readonly toFold: Int32Array;
  readonly bytes: Float64Array;
  /** 1: lets go of extents that others hold too. */
  readonly crossing: Uint8Array;
  /** Rows of FileColumns: those of group g are first[g] .. first[g + 1] - 1. Filled with the files. */
  readonly first: Int32Array;

  constructor(count: number) {
    this.count = count;
    this.size = new Float64Array(count);
    this.high = new Uint32Array(count);
    this.low = new Uint32Array(count);
    this.files = new Int32Array(count);
    this.toFold = new Int32Array(count);
    this.bytes = new Float64Array(count);
    this.crossing = new Uint8Array(count);
    this.first = new Int32Array(count + 1);
  }

  /** "4096-0123456789abcdef" */
  id(group: number): string {
    const hex = (word: number | undefined): string => (word ?? 0).toString(16).padStart(8, "0");
    return `${this.size[group] ?? 0}-${hex(this.high[group])}${hex(this.low[group])}`;
  }

  /** The row of an id, -1 where there is none. */
  find(id: string): number {
    const match = /^(\d{1,16})-([0-9a-f]{8})([0-9a-f]{8})$/.exec(id);
    if (match === null) return -1;
    return this.at(Number(match[1]), parseInt(match[2] ?? "", 16), parseInt(match[3] ?? "", 16));
  }

  /** As find, of an id's parts. */
  at(size: number, high: number, low: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const before =
        (this.size[middle] ?? 0) - size || (this.high[middle] ?? 0) - high || (this.low[middle] ?? 0) - low;
      if (before < 0) from = middle + 1;
      else to = middle;
    }
    return this.size[from] === size && this.high[from] === high && this.low[from] === low ? from : -1;
  }
}

/** FileColumns.kind: what decides how a file may be folded. */
export const FILE = { nodatasum: 1, immutable: 2, disk: 4, inline: 8, readOnly: 16 } as const;

export function kindOf(flags: number, traits: number, readOnly: boolean): number {
  return (
    ((flags & INODE.nodatasum) !== 0 ? FILE.nodatasum : 0) |
    ((flags & INODE.immutable) !== 0 ? FILE.immutable : 0) |
    ((traits & TRAIT.disk) !== 0 ? FILE.disk : 0) |
    ((traits & TRAIT.inline) !== 0 ? FILE.inline : 0) |
    (readOnly ? FILE.readOnly : 0)
  );
}

/**
 * Files of all groups, a column a field; those of a group are neighbours, by
 * subvolume and inode. Copies of a file in read-only snapshots that are not to
 * be folded are one row, however many snapshots have it.
 */
export class FileColumns {
  readonly count: number;
  /** The read-only subvolumes of sets, for rows of several copies: by the set. */
  readonly snapshotsOf: ReadonlyMap<number, readonly number[]>;
  readonly group: Int32Array;
  /** Of several copies, the first one's. */
  readonly subvolume: Float64Array;
  /** The set of subvolumes that the row of the index belongs to, and how many they are. */
  readonly holder: Int32Array;
  readonly sharing: Int32Array;
  /** How many of them this row stands for. */
  readonly copies: Int32Array;
  readonly inode: Float64Array;
  readonly generation: Float64Array;
  /** Equal for two files of a group exactly when they share all their data. */
  readonly layout: Float64Array;
  /** Seconds since the epoch; can be negative. */
  readonly mtime: Float64Array;
  readonly uid: Uint32Array;
  /** Bytes of its packed extents. */
  readonly extentBytes: Uint32Array;
  /** Of Footprints: one for all rows that are from one row of the index. */
  readonly footprint: Int32Array;
  /** The first row of the group that it shares all its data with, and can: itself, if there is none before it. */
  readonly kin: Int32Array;
  /** FILE */
  readonly kind: Uint8Array;
  /** 1: a fold acts on it. */
  readonly ticked: Uint8Array;
  /** 1: left out by a glob. */
  readonly excluded: Uint8Array;
  /** 1: a fold of everything moves it. */
  readonly moves: Uint8Array;
  /** Of FolderTree and NameTable; -1 while they are not known. */
  readonly folder: Int32Array;
  readonly name: Int32Array;

  constructor(count: number, snapshotsOf: ReadonlyMap<number, readonly number[]>) {
    this.count = count;
    this.snapshotsOf = snapshotsOf;
    this.group = new Int32Array(count);
    this.subvolume = new Float64Array(count);
    this.holder = new Int32Array(count);
    this.sharing = new Int32Array(count).fill(1);
    this.copies = new Int32Array(count).fill(1);
    this.inode = new Float64Array(count);
    this.generation = new Float64Array(count);
    this.layout = new Float64Array(count);
    this.mtime = new Float64Array(count);
    this.uid = new Uint32Array(count);
    this.extentBytes = new Uint32Array(count);
    this.footprint = new Int32Array(count);
    this.kin = new Int32Array(count);
    this.kind = new Uint8Array(count);
    this.ticked = new Uint8Array(count).fill(1);
    this.excluded = new Uint8Array(count);
    this.moves = new Uint8Array(count);
    this.folder = new Int32Array(count).fill(-1);
    this.name = new Int32Array(count).fill(-1);
  }

  /** "256:1234:77". @param subvolume which of several copies */
  id(file: number, subvolume = this.subvolume[file] ?? 0): string {
    return `${subvolume}:${this.inode[file] ?? 0}:${this.generation[file] ?? 0}`;
  }

  /** The subvolumes that have the copies a row stands for. */
  subvolumesOf(file: number): readonly number[] {
    if (this.copies[file] === 1) return [this.subvolume[file] ?? 0];
    return this.snapshotsOf.get(this.holder[file] ?? 0) ?? [];
  }

  isReadOnly(file: number): boolean {
    return ((this.kind[file] ?? 0) & FILE.readOnly) !== 0;
  }
}

/** Milliseconds since the epoch, 0 for what is earlier. */
export function momentOf(seconds: number): number {
  return Math.max(0, seconds) * 1000;
}
