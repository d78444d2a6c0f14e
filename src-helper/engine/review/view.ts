import type { Filter, Sort } from "../../rpc/protocol.ts";
import type { Choice } from "./choice.ts";
import { FILE, type FileColumns, type GroupColumns } from "./columns.ts";
import { fileTest, isOfFiles, type Names } from "./filter.ts";
import { ABSOLUTE } from "./folder-tree.ts";
import { orderBy, orderByDescending } from "./order.ts";
import type { Slices } from "./slices.ts";

/** Groups that a filter shows, in the order of a sort. */
export interface View {
  /** Rows of GroupColumns. */
  readonly list: Int32Array;
  /** By group: the file that stands for it. */
  readonly shown: Int32Array;
  /** What the groups give back, ticked or not. */
  readonly bytes: number;
}

/** What views are made of. */
export interface ViewParts {
  readonly groups: GroupColumns;
  readonly files: FileColumns;
  readonly choice: Choice;
  readonly names: Names;
}

/** Filters and sorts; several in use, so that scrolling costs nothing. */
const KEPT = 6;

/** The views of a review that were asked for last. */
export class Views {
  readonly #views = new Map<string, View>();

  async get(parts: ViewParts, filter: Filter, sort: Sort, slices: Slices): Promise<View> {
    const { choice } = parts;
    const key = JSON.stringify([filter, sort, choice.epoch, filter.ticked === "any" ? 0 : choice.revision]);
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
  const { groups, files, choice, names } = parts;
  const ofFiles = isOfFiles(filter);
  const fits = ofFiles ? await fileTest(filter, files, names, slices) : () => true;
  const least = filter.minSize ?? 0;
  const most = filter.maxSize ?? Infinity;
  const shown = new Int32Array(groups.count).fill(-1);
  const list: number[] = [];
  let bytes = 0;
  for (let group = 0; group < groups.count; group++) {
    if (group % 256 === 0 && slices.over) await slices.next();
    const size = groups.size[group] ?? 0;
    if (size < least || size > most || !choice.isShown(group)) continue;
    const row = standIn(parts, group, fits);
    if (row < 0) continue;
    shown[group] = row;
    list.push(group);
    bytes += choice.whole.bytes[group] ?? 0;
  }
  return { list: order(parts, Int32Array.from(list), shown, sort), shown, bytes };
}

/** The file that stands for its group: one that fits, and that a person can get at, if there is one. */
function standIn(
  { groups, files, names: { folders } }: ViewParts,
  group: number,
  fits: (row: number) => boolean,
): number {
  const end = groups.first[group + 1] ?? 0;
  let best = -1;
  let rank = 0;
  for (let row = groups.first[group] ?? 0; row < end && rank < 3; row++) {
    if (files.excluded[row] === 1 || !fits(row)) continue;
    const writable = ((files.kind[row] ?? 0) & FILE.readOnly) === 0;
    const its = !writable ? 1 : folders.isBelow(files.folder[row] ?? 0, ABSOLUTE) ? 3 : 2;
    if (its > rank) [best, rank] = [row, its];
  }
  return best;
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
