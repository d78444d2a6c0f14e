import type { IndexStore } from "../../store/index-store.ts";
import { RefoldError } from "../errors.ts";
import { FILE, FileColumns, GroupColumns } from "./columns.ts";
import type { Footprints } from "./footprints.ts";
import { orderInSlices } from "./order.ts";
import { LOADED_COLUMNS, RowLoader } from "./row-loader.ts";
import type { Slices } from "./slices.ts";

/** Groups in one answer of the database, and the bytes of one in it. */
const GROUPS_AT_ONCE = 20_000;
const PACKED_BYTES = 33;
/** Rows that columns have room for at first. */
const FIRST_ROOM = 1 << 16;

// packed into one text: a row each is three times as slow, and a person waits for this
const GROUPS = `
  SELECT group_concat(printf('%016llx%s%08x%08x%016llx%02x',
    size, hex(substr(content, 1, 8)), files, to_fold, reclaimable, crossing), '')
  FROM (SELECT * FROM grp WHERE (size, content) > (?, ?) ORDER BY size, content LIMIT ${GROUPS_AT_ONCE})`;

// CROSS JOIN: in this order, so that each index is run through once
const FILES = `
  SELECT p.size, hex(substr(p.content, 1, 8)), i.holder, i.ino, i.gen, i.flags, i.layout, i.traits,
    i.mtime, i.uid, i.extents
  FROM print p CROSS JOIN inode i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.content IS NOT NULL AND p.size >= ?`;

type FileRow = readonly [
  number, // size
  string, // content
  number, // holder
  number, // ino
  number, // gen
  number, // flags
  number, // layout
  number, // traits
  number, // mtime
  number, // uid
  Buffer | null, // extents
];

const word = (hex: string, at: number): number => parseInt(hex.slice(at, at + 8), 16);

/** All groups of the last scan of files of at least minSize bytes. */
export function loadGroups(store: IndexStore, minSize: number): GroupColumns {
  const n = store.value("SELECT COUNT(*) FROM grp WHERE size >= ?", minSize) as number;
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
 *
 * @param snapshots copies in read-only snapshots are to be folded too
 * @param footprints is filled with those of the files
 */
export async function loadFiles(
  store: IndexStore,
  groups: GroupColumns,
  options: { readonly minSize: number; readonly snapshots: boolean },
  readOnlySubvolumes: ReadonlySet<number>,
  footprints: Footprints,
  slices: Slices,
): Promise<FileColumns> {
  const total = groups.files.reduce((sum, files) => sum + files, 0);
  const room = Math.min(total, FIRST_ROOM);
  const loader = new RowLoader(store.holders, readOnlySubvolumes, options.snapshots, room);
  let k = 0;
  for (const row of store.db.prepare(FILES).raw(true).iterate(options.minSize) as Iterable<FileRow>) {
    const [size, content, holder, ino, gen, flags, layout, traits, mtime, uid, extents] = row;
    const group = groups.at(size, word(content, 0), word(content, 8));
    if (group < 0) continue; // all of that content share their data
    const extentBytes = extents?.length ?? null;
    const footprint = footprints.add(extents, size, store.holders.subvolumes(holder).length);
    loader.add(group, { holder, ino, gen, flags, layout, traits, mtime, uid, extentBytes, footprint });
    if (loader.copies > total) throw inconsistent();
    if (++k % 64 === 0 && slices.over) await slices.next();
  }
  if (loader.copies !== total) throw inconsistent();
  return sortFiles(loader.finish(), groups, slices);
}

async function sortFiles(unsorted: FileColumns, groups: GroupColumns, slices: Slices): Promise<FileColumns> {
  let order = await orderInSlices(unsorted.inode, slices);
  order = await orderInSlices(unsorted.subvolume, slices, order);
  order = await orderInSlices(Float64Array.from(unsorted.group), slices, order);
  const files = new FileColumns(unsorted.count, unsorted.snapshotsOf);
  for (const column of LOADED_COLUMNS) {
    const [from, to] = [unsorted[column], files[column]];
    for (let k = 0; k < order.length; k++) to[k] = from[order[k] ?? 0] ?? 0;
    await slices.next();
  }
  for (let group = 0, k = 0; group < groups.count; group++) {
    groups.first[group] = k;
    while (files.group[k] === group) k++;
  }
  groups.first[groups.count] = files.count;
  await findKin(files, groups, slices);
  return files;
}

/** Fills files.kin; groups.first is filled. */
export async function findKin(
  { layout, kind, kin }: FileColumns,
  groups: GroupColumns,
  slices: Slices,
): Promise<void> {
  for (let group = 0; group < groups.count; group++) {
    if (group % 64 === 0 && slices.over) await slices.next();
    const [start, end] = [groups.first[group] ?? 0, groups.first[group + 1] ?? 0];
    // the kernel shares nothing between files with checksums and those without
    const [cow, nocow] = [new Map<number, number>(), new Map<number, number>()];
    for (let row = start; row < end; row++) {
      const firsts = ((kind[row] ?? 0) & FILE.nodatasum) === 0 ? cow : nocow;
      const first = firsts.get(layout[row] ?? 0);
      if (first === undefined) firsts.set(layout[row] ?? 0, row);
      kin[row] = first ?? row;
    }
  }
}

function inconsistent(): RefoldError {
  return new RefoldError("failed", "the index of this volume does not fit together", {
    kept: "Every file is as it was.",
    next: "Begin a new index with `refold reset`, and scan again.",
  });
}
