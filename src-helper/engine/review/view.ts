import type { Filter, Sort } from "../../rpc/protocol.ts";
import type { Choice } from "./choice.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import { fileTest, isOfFiles, type Names, type RowTest } from "./filter.ts";
import { orderBy, orderByDescending } from "./order.ts";
import { mergeRanges, viewRanges } from "./range-view.ts";
import { standInOf } from "./stand-in.ts";
import type { ShownRanges } from "./range-review.ts";
import type { Slices } from "./slices.ts";

/** Groups and ranges that a filter shows, in the order of a sort. */
export interface View {
  /** Rows of GroupColumns; from GroupColumns.count on, rows of RangeList. */
  readonly list: Int32Array;
  /** By group: the file that stands for it. By row of ranges likewise: a row of RangeList.files. */
  readonly shown: Int32Array;
  readonly shownOfRanges: Int32Array;
  /** What the groups give back, ticked or not. */
  readonly bytes: number;
}

/** What views are made of. */
export interface ViewParts {
  readonly groups: GroupColumns;
  readonly files: FileColumns;
  readonly choice: Choice;
  readonly names: Names;
  /** null where there are none, or none yet. */
  readonly ranges: ViewedRanges | null;
}

/** Ranges as a view takes them. */
export interface ViewedRanges extends ShownRanges {
  /** Another one for another list. */
  readonly epoch: number;
}

/** Filters and sorts; several in use, so that scrolling costs nothing. */
const KEPT = 6;

/** The views of a review that were asked for last. */
export class Views {
  readonly #views = new Map<string, View>();

  async get(parts: ViewParts, filter: Filter, sort: Sort, slices: Slices): Promise<View> {
    const { choice, ranges } = parts;
    const { epoch, revision } = choice;
    const state = [epoch, ranges?.epoch ?? 0, filter.ticked === "any" ? 0 : revision];
    const key = JSON.stringify([filter, sort, ...state]);
    const known = this.#views.get(key);
    this.#views.delete(key);
    const view = known ?? (await makeView(parts, filter, sort, slices));
    this.#views.set(key, view); // last in the order of insertion: the newest
    for (const oldest of this.#views.keys()) {
      if (this.#views.size <= KEPT) break;
      this.#views.delete(oldest);
    }
    return view;
  }
}

async function makeView(parts: ViewParts, filter: Filter, sort: Sort, slices: Slices): Promise<View> {
  const { groups, files, choice, names, ranges } = parts;
  const ofFiles = isOfFiles(filter);
  const fits = ofFiles ? await fileTest(filter, files, names, slices) : () => true;
  const viewed = filter.kind === "file" ? null : await viewRanges(ranges, filter, sort, slices);
  const least = filter.minSize ?? 0;
  const most = filter.maxSize ?? Infinity;
  const shown = new Int32Array(groups.count).fill(-1);
  const list: number[] = [];
  let bytes = 0;
  for (let group = 0; group < groups.count && filter.kind !== "range"; group++) {
    if (group % 256 === 0 && slices.over) await slices.next();
    const size = groups.size[group] ?? 0;
    if (size < least || size > most || !choice.isShown(group)) continue;
    const row = standIn(parts, group, fits);
    if (row < 0) continue;
    shown[group] = row;
    list.push(group);
    bytes += choice.whole.bytes[group] ?? 0;
  }
  const sorted = order(parts, Int32Array.from(list), shown, sort);
  if (viewed === null) return { list: sorted, shown, shownOfRanges: NO_ROWS, bytes };
  return {
    list: mergeRanges({ list: sorted, count: groups.count, key: keyOf(parts, shown, sort) }, viewed, sort),
    shown,
    shownOfRanges: viewed.shown,
    bytes: bytes + viewed.bytes,
  };
}

const NO_ROWS = new Int32Array();

/** What groups are sorted by. */
function keyOf(
  { groups, files, choice, names: { names } }: ViewParts,
  shown: Int32Array,
  sort: Sort,
): (group: number) => number | string {
  switch (sort.by) {
    case "frees":
      return (group) => choice.whole.bytes[group] ?? 0;
    case "size":
      return (group) => groups.size[group] ?? 0;
    case "copies":
      return (group) => choice.present[group] ?? 0;
    case "modified":
      return (group) => choice.modified[group] ?? 0;
    case "name":
      return (group) => (names.names[files.name[shown[group] ?? -1] ?? -1] ?? "").toLowerCase();
  }
}

/** The file that stands for its group. */
function standIn({ groups, files, names }: ViewParts, group: number, fits: RowTest): number {
  return standInOf(files, names, groups.first[group] ?? 0, groups.first[group + 1] ?? 0, fits);
}

/** By the key that is asked for. */
function order(
  { groups, files, choice, names: { names } }: ViewParts,
  list: Int32Array,
  shown: Int32Array,
  sort: Sort,
): Int32Array {
  switch (sort.by) {
    // not what is ticked of it: a row must not move away from under the pointer that unticks it
    case "frees":
      return sortGroups(groups, list, choice.whole.bytes, sort);
    case "size":
      return sortGroups(groups, list, groups.size, sort);
    case "copies":
      return sortGroups(groups, list, Float64Array.from(choice.present), sort);
    case "modified":
      return sortGroups(groups, list, choice.modified, sort);
    case "name": {
      const rank = Float64Array.from(shown, (row) => names.rank[files.name[row] ?? -1] ?? 0);
      return sortGroups(groups, list, rank, sort);
    }
  }
}

/** Some groups by a key; those with equal ones by size, largest first, then by content. */
export function sortGroups(
  groups: GroupColumns,
  list: Int32Array,
  keys: Float64Array,
  { descending }: Pick<Sort, "descending">,
): Int32Array {
  const bySize = orderByDescending(groups.size, list);
  return descending ? orderByDescending(keys, bySize) : orderBy(keys, bySize);
}
