import type { FileType, Filter } from "../../rpc/protocol.ts";
import { globMatchers } from "../../scan/selection.ts";
import { momentOf, type FileColumns } from "./columns.ts";
import { fileTypeOf } from "./file-types.ts";
import type { FolderTree } from "./folder-tree.ts";
import type { NameTable } from "./names.ts";
import type { Slices } from "./slices.ts";

/** Names of all files, when they are known. */
export interface Names {
  readonly folders: FolderTree;
  readonly names: NameTable;
}

/** Whether a row of FileColumns is meant. */
export type RowTest = (row: number) => boolean;

/** Whether a filter asks for anything of files, rather than of groups. */
export function isOfFiles(filter: Filter): boolean {
  return (
    filter.search !== "" ||
    filter.types.length > 0 ||
    filter.folder !== null ||
    filter.subvolumes.length > 0 ||
    filter.owners.length > 0 ||
    filter.modifiedFrom !== null ||
    filter.modifiedTo !== null ||
    filter.ticked !== "any"
  );
}

/** What a filter asks of files, cheapest question first. */
export async function fileTest(
  filter: Filter,
  files: FileColumns,
  names: Names,
  slices: Slices,
): Promise<RowTest> {
  const tests: RowTest[] = [];
  const { ticked, uid, mtime, folder, name } = files;
  if (filter.ticked !== "any") {
    const wanted = filter.ticked === "ticked" ? 1 : 0;
    tests.push((row) => ticked[row] === wanted);
  }
  if (filter.subvolumes.length > 0) {
    const wanted = new Set(filter.subvolumes);
    tests.push((row) => files.subvolumesOf(row).some((id) => wanted.has(id)));
  }
  if (filter.owners.length > 0) {
    const wanted = new Set(filter.owners);
    tests.push((row) => wanted.has(uid[row] ?? 0));
  }
  const { modifiedFrom: from, modifiedTo: to } = filter;
  if (from !== null) tests.push((row) => momentOf(mtime[row] ?? 0) >= from);
  if (to !== null) tests.push((row) => momentOf(mtime[row] ?? 0) < to);
  if (filter.folder !== null) {
    const below = folderTest(names.folders, filter.folder);
    tests.push((row) => below(folder[row] ?? 0));
  }
  if (filter.types.length > 0) {
    const fits = typeTest(names.names, filter.types);
    tests.push((row) => fits[name[row] ?? 0] === 1);
  }
  if (filter.search !== "") tests.push(await searchTest(filter.search, files, names, slices));
  return (row) => tests.every((test) => test(row));
}

/** Whether a folder is the one of a path, or below it; of an unknown path none is. */
export function folderTest(folders: FolderTree, path: string): RowTest {
  const top = folders.find(path);
  return top < 0 ? () => false : (folder) => folders.isBelow(folder, top);
}

function typeTest({ names }: NameTable, types: readonly FileType[]): Uint8Array {
  const wanted = new Set(types);
  return Uint8Array.from(names, (name) => (wanted.has(fileTypeOf(name)) ? 1 : 0));
}

/** Part of a path in any case, or a glob. */
function searchTest(search: string, files: FileColumns, names: Names, slices: Slices): Promise<RowTest> {
  return /[*?[{]/.test(search)
    ? globTest([search], true, files, names, slices)
    : textTest(search.toLowerCase(), files, names, slices);
}

async function textTest(
  wanted: string,
  { folder, name }: FileColumns,
  { folders, names: { names } }: Names,
  slices: Slices,
): Promise<RowTest> {
  // of the path of a folder only its end matters: what was in it further up was found there
  const inFolder = new Uint8Array(folders.count);
  const ends: string[] = [];
  const endOf = (path: string): string => path.slice(Math.max(0, path.length - wanted.length));
  for (let at = 0; at < folders.count; at++) {
    const parent = folders.parent(at);
    // "/" and "" themselves add nothing: what is in them begins with "/", or not
    const path = parent < 0 ? "" : startOf(ends[parent] ?? "", parent) + folders.name(at).toLowerCase();
    inFolder[at] = path.includes(wanted) || (parent >= 0 && inFolder[parent] === 1) ? 1 : 0;
    ends.push(endOf(path));
    if (at % 1024 === 0 && slices.over) await slices.next();
  }
  if (!wanted.includes("/")) {
    const inName = new Uint8Array(names.length);
    for (let at = 0; at < names.length; at++) {
      inName[at] = names[at]?.toLowerCase().includes(wanted) === true ? 1 : 0;
      if (at % 1024 === 0 && slices.over) await slices.next();
    }
    return (row) => inName[name[row] ?? 0] === 1 || inFolder[folder[row] ?? 0] === 1;
  }
  return (row) => {
    const at = folder[row] ?? 0;
    if (inFolder[at] === 1) return true;
    const last = names[name[row] ?? 0]?.toLowerCase() ?? "";
    return (startOf(ends[at] ?? "", at) + last).includes(wanted);
  };
}

/** A folder's path with the slash that comes before a name in it. @param folder 0 and 1 are "/" and "" */
function startOf(path: string, folder: number): string {
  return folder === 1 ? "" : `${path}/`;
}

/** Files that a list of globs means: by their path, or by a folder above. As scan/selection.ts pathMatcher. */
export async function globTest(
  globs: readonly string[],
  anyCase: boolean,
  { folder, name }: FileColumns,
  { folders, names: { names } }: Names,
  slices: Slices,
): Promise<RowTest> {
  const { name: ofName, path: ofPath } = globMatchers(globs, anyCase);
  const pause = async (at: number): Promise<void> => {
    if (at % 64 === 0 && slices.over) await slices.next();
  };
  const inName = new Uint8Array(names.length);
  if (ofName !== null) {
    for (let at = 0; at < names.length; at++) {
      inName[at] = ofName(names[at] ?? "") ? 1 : 0;
      await pause(at);
    }
  }
  const inFolder = new Uint8Array(folders.count);
  const paths: string[] = [];
  for (let at = 0; at < folders.count; at++) {
    const parent = folders.parent(at);
    const own = folders.name(at);
    const path = parent < 0 ? "" : startOf(paths[parent] ?? "", parent) + own;
    paths.push(path);
    inFolder[at] =
      parent >= 0 &&
      (inFolder[parent] === 1 || ofName?.(own) === true || (path !== "" && ofPath?.(path) === true))
        ? 1
        : 0;
    await pause(at);
  }
  return (row) => {
    const [at, last] = [folder[row] ?? 0, name[row] ?? 0];
    if (inFolder[at] === 1 || inName[last] === 1) return true;
    return ofPath?.(startOf(paths[at] ?? "", at) + (names[last] ?? "")) === true;
  };
}
