import { findDirectory, TOP_DIRECTORY, type Directory } from "../btrfs/lookup.ts";
import { join } from "../btrfs/paths.ts";
import { jsonStringToBytes } from "../text/path-text.ts";
import { isBelowOrAt, mountOf, readMountTable, type MountEntry } from "../volumes/mounts.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";
import type { StoredFolderRule } from "./file.ts";

/** A directory of a volume that a rule is about. */
export interface Place {
  readonly directory: Directory;
  /**
   * 0: it is what the rule's path names. Else the volume is mounted below that
   * path: the longer the path, the nearer the rule.
   */
  readonly above: number;
}

/** Where folders are on one volume: by what is mounted, and by where they were when their rule was made. */
export class PlaceFinder {
  readonly #handle: VolumeHandle;
  readonly #table: readonly MountEntry[];

  constructor(handle: VolumeHandle, table: readonly MountEntry[] = readMountTable()) {
    this.#handle = handle;
    this.#table = table;
  }

  /** Directories of this volume that a rule is about; none where the folder is elsewhere, or nowhere. */
  placesOf(rule: StoredFolderRule): Place[] {
    const path = jsonStringToBytes(rule.path);
    const places: Place[] = [];
    const add = (directory: Directory | null, above: number): void => {
      if (directory !== null) places.push({ directory, above });
    };
    const fromTop = this.#fromTop(path);
    if (fromTop !== null) add(this.find(fromTop), 0);
    for (const mount of this.#table) {
      if (!this.#isOurs(mount) || mount.path.equals(path) || !isBelowOrAt(mount.path, path)) continue;
      if (mountOf(mount.path, this.#table) === mount) add(this.find(mount.root), path.length);
    }
    if (rule.on?.volume === this.#handle.uuid) add(this.find(jsonStringToBytes(rule.on.folder)), 0);
    return places;
  }

  /** A folder's path from the top level; null where it is not on this volume. Whether it is there is not asked. */
  #fromTop(path: Buffer): Buffer | null {
    const mount = mountOf(path, this.#table);
    if (mount === undefined || !this.#isOurs(mount)) return null;
    const rest = path.subarray(mount.path.length === 1 ? 1 : mount.path.length + 1);
    return join(mount.root, rest);
  }

  /** As #fromTop, of a folder that is there. */
  located(path: Buffer): Buffer | null {
    const fromTop = this.#fromTop(path);
    if (fromTop === null || this.find(fromTop) === null) return null;
    return fromTop.subarray(fromTop[0] === 47 ? 1 : 0);
  }

  find(fromTop: Buffer): Directory | null {
    return findDirectory(this.#handle.dir, TOP_DIRECTORY, fromTop);
  }

  #isOurs({ type, device }: MountEntry): boolean {
    const { mounts } = this.#handle.found;
    return type === "btrfs" && mounts.some((mount) => mount.device === device);
  }
}
