import type { FileRow, GroupRow } from "../../rpc/protocol.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { VolumeHandle } from "../../volumes/volume-handle.ts";
import { momentOf, type FileColumns } from "./columns.ts";
import type { Names } from "./filter.ts";
import { planFiles, plannedFile, type PlannedFile } from "./planner.ts";

type Role = FileRow["role"];

/** Where a file is, as it is shown. */
export interface Place {
  readonly folder: string;
  readonly name: string;
  readonly path: string;
  readonly reachable: boolean;
}

/** Finds names of files; cheap for those of a page. */
export interface Locator {
  locate(files: FileColumns, row: number): Place;
}

/** From what was read of all names. */
export class NamesLocator implements Locator {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  locate(files: FileColumns, row: number): Place {
    const { folders, names } = this.#names;
    const folder = files.folder[row] ?? 0;
    const name = names.names[files.name[row] ?? 0] ?? "";
    return {
      folder: folders.path(folder),
      name,
      path: folders.pathIn(folder, name),
      reachable: folders.isReachable(folder),
    };
  }
}

/** One by one from the trees, while not all names are known. */
export class TreeLocator implements Locator {
  readonly #handle: VolumeHandle;

  constructor(handle: VolumeHandle) {
    this.#handle = handle;
  }

  /** @param subvolume which of several copies */
  locate(files: FileColumns, row: number, subvolume = files.subvolume[row] ?? 0): Place {
    const found = this.#handle.locate(subvolume, files.inode[row] ?? 0);
    const path = bytesToJsonString(found.path);
    const slash = path.lastIndexOf("/");
    return {
      folder: slash === 0 ? "/" : path.slice(0, Math.max(0, slash)),
      name: path.slice(slash + 1),
      path,
      reachable: found.reachable,
    };
  }
}

/** What a row says of a group besides where its file is. */
export type GroupFacts = Omit<GroupRow, "name" | "folder">;

/** The row of a group, shown by one of its files. */
export function groupRow(facts: GroupFacts, { name, folder }: Place): GroupRow {
  return { ...facts, name, folder };
}

/** How each file of a group fares, and who shares its place. */
export interface FileFacts {
  readonly row: number;
  readonly role: Role;
  readonly ticked: boolean;
  readonly place: number;
  readonly sharing: number;
}

/**
 * What a fold does with the files of a group, as they are ticked.
 * @param rows those that are not left out, in their order
 */
export function factsOfFiles(
  groupId: string,
  files: FileColumns,
  rows: readonly number[],
  size: number,
  snapshots: boolean,
): FileFacts[] {
  const members = rows.map((row) => plannedFile(files, row, size));
  const ticked = members.filter(({ row }) => files.ticked[row] === 1);
  const roles = rolesOf(groupId, ticked, snapshots);
  const places = new Map<number, { place: number; sharing: number }>();
  for (const { layout, copies } of members) {
    const known = places.get(layout);
    if (known === undefined) places.set(layout, { place: places.size, sharing: copies });
    else known.sharing += copies;
  }
  return members.map(({ row, layout }) => ({
    row,
    role: roles.get(row) ?? "left",
    ticked: files.ticked[row] === 1,
    ...(places.get(layout) ?? { place: 0, sharing: 1 }),
  }));
}

function rolesOf(groupId: string, members: readonly PlannedFile[], snapshots: boolean): Map<number, Role> {
  const roles = new Map<number, Role>();
  const plans = planFiles(groupId, members, snapshots);
  for (const { source, destinations } of plans) {
    roles.set(source.row, "source");
    for (const { row } of destinations) roles.set(row, "fold");
  }
  const sources = plans.map(({ source }) => source);
  // with nothing to fold onto it, the first one stands for those that share its data
  const [first] = members;
  if (plans.length === 0 && first !== undefined) {
    sources.push(first);
    roles.set(first.row, first.readOnly && !snapshots ? "snapshot" : "source");
  }
  for (const member of members) {
    if (roles.has(member.row)) continue;
    const shares = sources.some(({ layout, flags }) => layout === member.layout && flags === member.flags);
    if (shares) roles.set(member.row, "shared");
    else roles.set(member.row, member.readOnly && !snapshots ? "snapshot" : "fixed");
  }
  return roles;
}

/** The row of a file. */
export function fileRow(
  files: FileColumns,
  { row, role, ticked, place, sharing }: FileFacts,
  { path, reachable }: Place,
  { id: subvolumeId, ...names }: { readonly id: number; readonly subvolume: string; readonly owner: string },
): FileRow {
  return {
    id: files.id(row, subvolumeId),
    path,
    reachable,
    subvolume: names.subvolume,
    subvolumeId,
    role,
    ticked,
    modified: momentOf(files.mtime[row] ?? 0),
    owner: names.owner,
    place,
    sharing,
  };
}
