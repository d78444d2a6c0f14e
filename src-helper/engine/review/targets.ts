import type { Filter, TickTarget } from "../../rpc/protocol.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import type { FolderTree } from "./folder-tree.ts";
import { folderTest, isOfFiles } from "./filter.ts";
import type { Loaded } from "./loading.ts";
import type { RangeTicks } from "./range-ticks.ts";
import type { Slices } from "./slices.ts";
import { StaleReviewError } from "./stale.ts";
import type { ViewedRanges, Views } from "./view.ts";

/** @throws StaleReviewError where there is no such group */
export function groupOf(groups: GroupColumns, id: string): number {
  const group = groups.find(id);
  if (group < 0) throw new StaleReviewError(`This review has no group ${id}`);
  return group;
}

/** Rows of FileColumns by their ids, in one group. @throws StaleReviewError where one is not in it */
export function fileRowsOf(
  groups: GroupColumns,
  files: FileColumns,
  group: number,
  ids: readonly string[],
): number[] {
  return rowsWithin(files, groups.first[group] ?? 0, groups.first[group + 1] ?? 0, ids);
}

/** Those of the rows start .. end - 1 that have these ids. @throws StaleReviewError where one is not among them */
function rowsWithin(files: FileColumns, start: number, end: number, ids: readonly string[]): number[] {
  const wanted = new Set(ids);
  const rows: number[] = [];
  let found = 0;
  for (let row = start; row < end && found < wanted.size; row++) {
    // copies in several snapshots are one row: whichever is named, it is all of them
    const named = files.subvolumesOf(row).filter((subvolume) => wanted.has(files.id(row, subvolume))).length;
    if (named > 0) rows.push(row);
    found += named;
  }
  if (found < wanted.size) throw new StaleReviewError("A group of this review has not all of these files");
  return rows;
}

/** Whether an id is one of parts of files. */
export function isRangeId(id: string): boolean {
  return id.startsWith("range-");
}

/** @throws StaleReviewError where there is no such row */
export function rangeOf(ranges: ViewedRanges | null, id: string): number {
  const row = ranges?.list.find(id) ?? -1;
  if (row < 0) throw new StaleReviewError(`This review has no parts of files ${id}`);
  return row;
}

/** Carries out a tick or untick on parts of files, as far as it is about some. @throws StaleReviewError */
export async function tickRanges(
  target: TickTarget,
  ticked: boolean,
  ticks: RangeTicks,
  ranges: ViewedRanges | null,
  groups: GroupColumns,
  loaded: Loaded,
  views: Views,
  slices: Slices,
): Promise<void> {
  switch (target.kind) {
    case "groups": {
      const ids = target.ids.filter(isRangeId);
      const rows = ids.map((id) => rangeOf(ranges, id));
      if (rows.length > 0) ticks.tickRows(rows, ticked);
      return;
    }
    case "files": {
      if (!isRangeId(target.group) || ranges === null) return;
      const range = ranges.list.rows[rangeOf(ranges, target.group)];
      const { first = 0, end = 0 } = range ?? {};
      ticks.tickFiles(rowsWithin(ranges.list.files, first, end, target.ids), ticked);
      return;
    }
    case "folder": {
      if (ranges === null) return;
      const rows = rowsBelow(ranges.list.files, ranges.names.folders, target.path);
      if (rows.length > 0) ticks.tickFiles(rows, ticked);
      return;
    }
    case "filter": {
      const { filter } = target;
      if (filter.kind !== "file" && isWithoutLimits(filter)) {
        ticks.tickAll(ticked);
        return;
      }
      const sort = { by: "frees", descending: true } as const;
      const { list } = await views.get({ groups, ...loaded, ranges }, filter, sort, slices);
      const rows = Array.from(list)
        .filter((at) => at >= groups.count)
        .map((at) => at - groups.count);
      if (rows.length > 0) ticks.tickRows(rows, ticked);
    }
  }
}

/** Whether a filter shows everything of the kinds that it shows. */
function isWithoutLimits(filter: Filter): boolean {
  return filter.minSize === null && filter.maxSize === null && !isOfFiles(filter);
}

/** The files of groups that a tick or untick is about: rows of FileColumns. */
export async function rowsOf(
  target: TickTarget,
  groups: GroupColumns,
  loaded: Loaded,
  ranges: ViewedRanges | null,
  views: Views,
  slices: Slices,
): Promise<Int32Array> {
  const { files, names } = loaded;
  switch (target.kind) {
    case "groups":
      return rowsOfGroups(
        groups,
        target.ids.filter((id) => !isRangeId(id)).map((id) => groupOf(groups, id)),
      );
    case "files":
      if (isRangeId(target.group)) return new Int32Array();
      return Int32Array.from(fileRowsOf(groups, files, groupOf(groups, target.group), target.ids));
    case "folder":
      return rowsBelow(files, names.folders, target.path);
    case "filter": {
      const sort = { by: "frees", descending: true } as const;
      const { list } = await views.get({ groups, ...loaded, ranges }, target.filter, sort, slices);
      return rowsOfGroups(
        groups,
        list.filter((at) => at < groups.count),
      );
    }
  }
}

/** Files in a folder, and in those below it. */
function rowsBelow({ folder, count }: FileColumns, folders: FolderTree, path: string): Int32Array {
  const below = folderTest(folders, path);
  const isIn = Uint8Array.from({ length: folders.count }, (_, at) => (below(at) ? 1 : 0));
  const rows = new Int32Array(count);
  let length = 0;
  for (let row = 0; row < count; row++) {
    if (isIn[folder[row] ?? 0] === 1) rows[length++] = row;
  }
  return rows.subarray(0, length);
}

function rowsOfGroups({ first }: GroupColumns, list: Iterable<number>): Int32Array {
  const groups = [...list];
  let length = 0;
  for (const group of groups) length += (first[group + 1] ?? 0) - (first[group] ?? 0);
  const rows = new Int32Array(length);
  let at = 0;
  for (const group of groups) {
    const end = first[group + 1] ?? 0;
    for (let row = first[group] ?? 0; row < end; row++) rows[at++] = row;
  }
  return rows;
}
