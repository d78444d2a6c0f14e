import type { FolderNode } from "../../rpc/protocol.ts";
import type { Choice } from "./choice.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import type { Names } from "./filter.ts";
import { ABSOLUTE, UNREACHABLE, type FolderTree } from "./folder-tree.ts";

/** Folders of one level; what is smaller goes into one node. */
const MAX_NODES = 40;

/** What comes back below each folder. */
class Weights {
  readonly #folders: FolderTree;
  readonly bytes: Float64Array;
  readonly files: Int32Array;

  constructor(folders: FolderTree) {
    this.#folders = folders;
    this.bytes = new Float64Array(folders.count);
    this.files = new Int32Array(folders.count);
  }

  add(folder: number, bytes: number): void {
    this.bytes[folder] = (this.bytes[folder] ?? 0) + bytes;
    this.files[folder] = (this.files[folder] ?? 0) + 1;
  }

  /** Adds each folder to the one above it. */
  rise(): void {
    // a folder has a higher number than the one above it
    for (let folder = this.#folders.count - 1; folder > UNREACHABLE; folder--) {
      const parent = this.#folders.parent(folder);
      this.bytes[parent] = (this.bytes[parent] ?? 0) + (this.bytes[folder] ?? 0);
      this.files[parent] = (this.files[parent] ?? 0) + (this.files[folder] ?? 0);
    }
  }

  children(folder: number): number[] {
    return [...this.#folders.children(folder)].filter((child) => (this.files[child] ?? 0) > 0);
  }
}

/**
 * The folders in a folder, with what comes back below each: a group's bytes
 * are shared out over the files that a fold of everything moves.
 *
 * @param list the groups that count
 * @param path null: from the deepest folder that has everything in it
 * @returns largest first; what is left, files in the folder itself too, is one node with an empty path
 */
export function foldersIn(
  {
    groups,
    files,
    choice,
    names: { folders },
  }: Readonly<{
    groups: GroupColumns;
    files: FileColumns;
    choice: Choice;
    names: Names;
  }>,
  list: Int32Array,
  path: string | null,
): FolderNode[] {
  const weights = new Weights(folders);
  for (const group of list) {
    const share = (choice.whole.bytes[group] ?? 0) / (choice.whole.toFold[group] ?? 1);
    const end = groups.first[group + 1] ?? 0;
    for (let row = groups.first[group] ?? 0; row < end; row++) {
      if (files.moves[row] === 1) weights.add(files.folder[row] ?? 0, share);
    }
  }
  weights.rise();
  const tops = path === null ? topFolders(folders, weights) : [folders.find(path)].filter((top) => top >= 0);
  let nodes = tops.flatMap((top) => weights.children(top));
  // nothing but files: the folder itself is what there is to see
  if (nodes.length === 0 && path === null) nodes = tops.filter((top) => top > UNREACHABLE);
  nodes.sort((a, b) => (weights.bytes[b] ?? 0) - (weights.bytes[a] ?? 0) || a - b);
  const shown = nodes.slice(0, MAX_NODES);
  const sum = (column: Float64Array | Int32Array, of: readonly number[]): number =>
    of.reduce((total, folder) => total + (column[folder] ?? 0), 0);
  const restFiles = sum(weights.files, tops) - sum(weights.files, shown);
  const restBytes = Math.max(0, sum(weights.bytes, tops) - sum(weights.bytes, shown));
  const result = shown.map((folder): FolderNode => ({
    path: folders.path(folder),
    name: folders.name(folder),
    reclaimableBytes: Math.round(weights.bytes[folder] ?? 0),
    files: weights.files[folder] ?? 0,
    deeper: weights.children(folder).length > 0,
  }));
  if (restFiles > 0) {
    result.push({
      path: "",
      name: "",
      reclaimableBytes: Math.round(restBytes),
      files: restFiles,
      deeper: false,
    });
  }
  return result;
}

/** Where everything is: one folder below "/", and the same of what cannot be reached. */
function topFolders(folders: FolderTree, weights: Weights): number[] {
  return [ABSOLUTE, UNREACHABLE]
    .filter((root) => (weights.files[root] ?? 0) > 0)
    .map((root) => {
      let top = root;
      for (;;) {
        const [only, ...others] = weights.children(top);
        // the last one of a chain is where the files are
        if (only === undefined || others.length > 0) return top;
        if (weights.files[only] !== weights.files[top]) return top;
        top = only;
      }
    });
}
