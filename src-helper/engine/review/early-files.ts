import type { IndexStore } from "../../store/index-store.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import { RowLoader, type LoadedRow } from "./row-loader.ts";

interface Row extends LoadedRow {
  readonly prefix: Buffer;
}

const FILES_OF_SIZE = (contents: number): string => `
  SELECT substr(p.content, 1, 8) AS prefix, i.holder, i.ino, i.gen, i.flags, i.layout, i.traits, i.mtime,
    i.uid, length(i.extents) AS extentBytes
  FROM print p CROSS JOIN inode i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.size = ? AND substr(p.content, 1, 8) IN (${Array.from({ length: contents }, () => "?").join()})`;

/**
 * The files of some groups straight from the index: what the first page of a
 * review shows while the files of all groups are still being loaded.
 *
 * @returns as FileColumns of just these files, and each group's rows in it
 */
export function earlyFiles(
  store: IndexStore,
  groups: GroupColumns,
  wanted: readonly number[],
  readOnlySubvolumes: ReadonlySet<number>,
): { files: FileColumns; ranges: ReadonlyMap<number, readonly number[]> } {
  const { holders } = store;
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
  const loader = new RowLoader(holders, readOnlySubvolumes, false, 256);
  for (const [group, rows] of found) for (const row of rows) loader.add(group, row);
  const files = loader.finish();
  const ranges = new Map<number, number[]>();
  for (let row = 0; row < files.count; row++) {
    const group = files.group[row] ?? 0;
    const some = ranges.get(group);
    if (some === undefined) ranges.set(group, [row]);
    else some.push(row);
  }
  const before = (a: number, b: number): number =>
    (files.subvolume[a] ?? 0) - (files.subvolume[b] ?? 0) || (files.inode[a] ?? 0) - (files.inode[b] ?? 0);
  for (const rows of ranges.values()) rows.sort(before);
  return { files, ranges };
}
