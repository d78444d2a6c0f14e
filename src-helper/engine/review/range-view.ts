import type { Filter, Sort } from "../../rpc/protocol.ts";
import { fileTest, isOfFiles } from "./filter.ts";
import type { RangeList } from "./range-list.ts";
import type { ShownRanges } from "./range-review.ts";
import type { Slices } from "./slices.ts";
import { standInOf } from "./stand-in.ts";

/** Rows of ranges that a filter shows, in the order of a sort. */
export interface RangeView {
  readonly list: Int32Array;
  readonly key: (row: number) => number | string;
  /** By row: the file that stands for it. */
  readonly shown: Int32Array;
  /** What they give back, ticked or not. */
  readonly bytes: number;
}

/** As a view of groups is made; a row is shown if one of its files fits. */
export async function viewRanges(
  ranges: ShownRanges | null,
  filter: Filter,
  sort: Sort,
  slices: Slices,
): Promise<RangeView | null> {
  if (ranges === null || ranges.list.rows.length === 0) return null;
  const { list, names } = ranges;
  const { rows, files } = list;
  const fits = isOfFiles(filter) ? await fileTest(filter, files, names, slices) : () => true;
  const [least, most] = [filter.minSize ?? 0, filter.maxSize ?? Infinity];
  const shown = new Int32Array(rows.length).fill(-1);
  const found: number[] = [];
  let bytes = 0;
  for (const [row, range] of rows.entries()) {
    if (row % 256 === 0 && slices.over) await slices.next();
    if (range.size < least || range.size > most) continue;
    const file = standInOf(files, names, range.first, range.end, fits);
    if (file < 0) continue;
    shown[row] = file;
    found.push(row);
    bytes += range.bytes;
  }
  const key = keyOf(list, ranges.names.names.names, shown, sort);
  const sign = sort.descending ? -1 : 1;
  found.sort(
    (a, b) => sign * compare(key(a), key(b)) || (rows[b]?.size ?? 0) - (rows[a]?.size ?? 0) || a - b,
  );
  return { list: Int32Array.from(found), key, shown, bytes };
}

function keyOf(
  { rows, files }: RangeList,
  names: readonly string[],
  shown: Int32Array,
  sort: Sort,
): RangeView["key"] {
  switch (sort.by) {
    case "frees":
      return (row) => rows[row]?.bytes ?? 0;
    case "size":
      return (row) => rows[row]?.size ?? 0;
    case "copies":
      return (row) => (rows[row]?.end ?? 0) - (rows[row]?.first ?? 0);
    case "modified":
      return (row) => rows[row]?.modified ?? 0;
    case "name":
      return (row) => (names[files.name[shown[row] ?? -1] ?? -1] ?? "").toLowerCase();
  }
}

/** Two sorted lists as one; of equal ones groups come first. @returns ranges with groups.count added */
export function mergeRanges(
  groups: {
    readonly list: Int32Array;
    readonly count: number;
    readonly key: (group: number) => number | string;
  },
  ranges: RangeView,
  { descending }: Pick<Sort, "descending">,
): Int32Array {
  const merged = new Int32Array(groups.list.length + ranges.list.length);
  const sign = descending ? -1 : 1;
  let [a, b] = [0, 0];
  for (let k = 0; k < merged.length; k++) {
    const [group, range] = [groups.list[a], ranges.list[b]];
    const first =
      range === undefined ||
      (group !== undefined && sign * compare(groups.key(group), ranges.key(range)) <= 0);
    if (first) {
      merged[k] = group ?? 0;
      a++;
    } else {
      merged[k] = groups.count + range;
      b++;
    }
  }
  return merged;
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
