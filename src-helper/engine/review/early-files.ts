import type { IndexStore } from "../../store/index-store.ts";
import { FileColumns, kindOf, type GroupColumns } from "./columns.ts";

interface Row {
  readonly prefix: Buffer;
  readonly subvol: number;
  readonly ino: number;
  readonly gen: number;
  readonly flags: number;
  readonly layout: number;
  readonly traits: number;
  readonly mtime: number;
  readonly uid: number;
  readonly extentBytes: number | null;
}

const FILES_OF_SIZE = (contents: number): string => `
  SELECT substr(p.content, 1, 8) AS prefix, i.subvol, i.ino, i.gen, i.flags, i.layout, i.traits, i.mtime,
    i.uid, length(i.extents) AS extentBytes
  FROM print p CROSS JOIN inode i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.size = ? AND substr(p.content, 1, 8) IN (${Array.from({ length: contents }, () => "?").join()})
  ORDER BY i.subvol, i.ino`;

/**
 * The files of some groups straight from the index: what the first page of a
 * review shows while the files of all groups are still being loaded.
 *
 * @returns as FileColumns of just these files, and where each group's begin in it
 */
export function earlyFiles(
  store: IndexStore,
  groups: GroupColumns,
  wanted: readonly number[],
  readOnlySubvolumes: ReadonlySet<number>,
): { files: FileColumns; ranges: ReadonlyMap<number, readonly [number, number]> } {
  const bySize = new Map<number, Map<string, number>>();
  for (const group of wanted) {
    const size = groups.size[group] ?? 0;
    let same = bySize.get(size);
    if (same === undefined) bySize.set(size, (same = new Map<string, number>()));
    same.set(groups.id(group).slice(-16), group);
  }
  const found = new Map<number, Row[]>();
  for (const [size, same] of bySize) {
    const prefixes = [...same.keys()].map((hex) => Buffer.from(hex, "hex"));
    // not a kept statement: it has as many parameters as the page has groups of that size
    const rows = store.db.prepare(FILES_OF_SIZE(prefixes.length)).all(size, ...prefixes) as Row[];
    for (const row of rows) {
      const group = same.get(row.prefix.toString("hex")) ?? -1;
      const some = found.get(group);
      if (some === undefined) found.set(group, [row]);
      else some.push(row);
    }
  }
  const files = new FileColumns([...found.values()].reduce((sum, rows) => sum + rows.length, 0));
  const ranges = new Map<number, readonly [number, number]>();
  let k = 0;
  for (const [group, rows] of found) {
    ranges.set(group, [k, k + rows.length]);
    for (const row of rows) {
      files.group[k] = group;
      files.subvolume[k] = row.subvol;
      files.inode[k] = row.ino;
      files.generation[k] = row.gen;
      files.layout[k] = row.layout;
      files.mtime[k] = row.mtime;
      files.uid[k] = row.uid;
      files.extentBytes[k] = row.extentBytes ?? 0;
      files.kind[k] = kindOf(row.flags, row.traits, readOnlySubvolumes.has(row.subvol));
      k++;
    }
  }
  return { files, ranges };
}
