import type { IndexStore } from "../../store/index-store.ts";
import { RefoldError } from "../errors.ts";
import { FileColumns, GroupColumns, kindOf } from "./columns.ts";
import { orderInSlices } from "./order.ts";
import type { Slices } from "./slices.ts";

/** Groups in one answer of the database, and the bytes of one in it. */
const GROUPS_AT_ONCE = 20_000;
const PACKED_BYTES = 33;

// packed into one text: a row each is three times as slow, and a person waits for this
const GROUPS = `
  SELECT group_concat(printf('%016llx%s%08x%08x%016llx%02x',
    size, hex(substr(content, 1, 8)), files, to_fold, reclaimable, crossing), '')
  FROM (SELECT * FROM grp WHERE (size, content) > (?, ?) ORDER BY size, content LIMIT ${GROUPS_AT_ONCE})`;

// CROSS JOIN: in this order, so that each index is run through once
const FILES = `
  SELECT p.size, hex(substr(p.content, 1, 8)), i.subvol, i.ino, i.gen, i.flags, i.layout, i.traits,
    i.mtime, i.uid, length(i.extents)
  FROM print p CROSS JOIN inode i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.content IS NOT NULL AND p.size >= ?`;

type FileRow = readonly [
  number, // size
  string, // content
  number, // subvol
  number, // ino
  number, // gen
  number, // flags
  number, // layout
  number, // traits
  number, // mtime
  number, // uid
  number | null, // length of the extents
];

const word = (hex: string, at: number): number => parseInt(hex.slice(at, at + 8), 16);

/** All groups of the last scan of files of at least minSize bytes. */
export function loadGroups(store: IndexStore, minSize: number): GroupColumns {
  const { n } = store.get("SELECT COUNT(*) AS n FROM grp WHERE size >= ?", minSize) as { n: number };
  const groups = new GroupColumns(n);
  const statement = store.db.prepare(GROUPS).pluck(true);
  let after: [size: number, content: Buffer] = [minSize, Buffer.alloc(0)];
  for (let k = 0; ;) {
    const packed = statement.get(...after) as string | null;
    if (packed === null) return groups;
    const bytes = Buffer.from(packed, "hex");
    for (let at = 0; at < bytes.length; at += PACKED_BYTES, k++) {
      groups.size[k] = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      groups.high[k] = bytes.readUInt32BE(at + 8);
      groups.low[k] = bytes.readUInt32BE(at + 12);
      groups.files[k] = bytes.readUInt32BE(at + 16);
      groups.toFold[k] = bytes.readUInt32BE(at + 20);
      groups.bytes[k] = bytes.readUInt32BE(at + 24) * 2 ** 32 + bytes.readUInt32BE(at + 28);
      groups.crossing[k] = bytes[at + 32] ?? 0;
    }
    // the last one's print begins with this, and no other of its size does
    const last = bytes.subarray(bytes.length - PACKED_BYTES + 8, bytes.length - PACKED_BYTES + 16);
    after = [groups.size[k - 1] ?? 0, Buffer.concat([last, AFTER_ALL])];
  }
}

/** Longer than the rest of any print, and behind every one. */
const AFTER_ALL = Buffer.alloc(32, 0xff);

/**
 * The files of all groups, in slices. Fills groups.first. The store must be in
 * a read transaction, for a scan can end meanwhile.
 */
export async function loadFiles(
  store: IndexStore,
  groups: GroupColumns,
  minSize: number,
  readOnlySubvolumes: ReadonlySet<number>,
  slices: Slices,
): Promise<FileColumns> {
  const total = groups.files.reduce((sum, files) => sum + files, 0);
  const unsorted = new FileColumns(total);
  let k = 0;
  for (const row of store.db.prepare(FILES).raw(true).iterate(minSize) as Iterable<FileRow>) {
    const group = groups.at(row[0], word(row[1], 0), word(row[1], 8));
    if (group < 0) continue; // all of that content share their data
    if (k === total) throw inconsistent();
    unsorted.group[k] = group;
    unsorted.subvolume[k] = row[2];
    unsorted.inode[k] = row[3];
    unsorted.generation[k] = row[4];
    unsorted.layout[k] = row[6];
    unsorted.mtime[k] = row[8];
    unsorted.uid[k] = row[9];
    unsorted.extentBytes[k] = row[10] ?? 0;
    unsorted.kind[k] = kindOf(row[5], row[7], readOnlySubvolumes.has(row[2]));
    k++;
    if (k % 64 === 0 && slices.over) await slices.next();
  }
  if (k !== total) throw inconsistent();
  return sortFiles(unsorted, groups, slices);
}

async function sortFiles(unsorted: FileColumns, groups: GroupColumns, slices: Slices): Promise<FileColumns> {
  let order = await orderInSlices(unsorted.inode, slices);
  order = await orderInSlices(unsorted.subvolume, slices, order);
  order = await orderInSlices(Float64Array.from(unsorted.group), slices, order);
  const files = new FileColumns(unsorted.count);
  const columns = [
    "group",
    "subvolume",
    "inode",
    "generation",
    "layout",
    "mtime",
    "uid",
    "extentBytes",
    "kind",
  ] as const;
  for (const column of columns) {
    const [from, to] = [unsorted[column], files[column]];
    for (let k = 0; k < order.length; k++) to[k] = from[order[k] ?? 0] ?? 0;
    await slices.next();
  }
  for (let group = 0, k = 0; group < groups.count; group++) {
    groups.first[group] = k;
    while (files.group[k] === group) k++;
  }
  groups.first[groups.count] = files.count;
  return files;
}

function inconsistent(): RefoldError {
  return new RefoldError("failed", "the index of this volume does not fit together", {
    kept: "Every file is as it was.",
    next: "Begin a new index with `refold reset`, and scan again.",
  });
}
