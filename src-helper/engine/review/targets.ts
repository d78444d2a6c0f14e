import type { TickTarget } from "../../rpc/protocol.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import { folderTest } from "./filter.ts";
import type { Loaded } from "./loading.ts";
import type { Slices } from "./slices.ts";
import { StaleReviewError } from "./stale.ts";
import type { Views } from "./view.ts";

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
  const wanted = new Set(ids);
  const rows: number[] = [];
  const end = groups.first[group + 1] ?? 0;
  for (let row = groups.first[group] ?? 0; row < end && rows.length < wanted.size; row++) {
    if (wanted.has(files.id(row))) rows.push(row);
  }
  if (rows.length < wanted.size) {
    throw new StaleReviewError(`The group ${groups.id(group)} of this review has not all of these files`);
  }
  return rows;
}

/** The files that a tick or untick is about: rows of FileColumns. */
export async function rowsOf(
  target: TickTarget,
  groups: GroupColumns,
  loaded: Loaded,
  views: Views,
  slices: Slices,
): Promise<Iterable<number>> {
  const { files, names } = loaded;
  switch (target.kind) {
    case "groups":
      return rowsOfGroups(
        groups,
        target.ids.map((id) => groupOf(groups, id)),
      );
    case "files":
      return fileRowsOf(groups, files, groupOf(groups, target.group), target.ids);
    case "folder": {
      const below = folderTest(names.folders, target.path);
      return Array.from(files.folder.keys()).filter((row) => below(files.folder[row] ?? 0));
    }
    case "filter": {
      const sort = { by: "frees", descending: true } as const;
      const { list } = await views.get({ groups, ...loaded }, target.filter, sort, slices);
      return rowsOfGroups(groups, list);
    }
  }
}

function* rowsOfGroups(groups: GroupColumns, list: Iterable<number>): Generator<number> {
  for (const group of list) {
    const end = groups.first[group + 1] ?? 0;
    for (let row = groups.first[group] ?? 0; row < end; row++) yield row;
  }
}
