/** What a change of a history is, and how it picks its victim. */
import { join, relative } from "node:path";
import { constants } from "node:fs";
import { changeFlags, FileFlag, withFd } from "../libc.ts";
import type { Random } from "../random.ts";
import type { LoopVolume } from "../volume.ts";
import { subvolumeId, walk } from "../walk.ts";
import { pickOrNull, type LiveFile, type LiveSubvolume, type LiveTree } from "./tree.ts";

export interface Scene {
  readonly volume: LoopVolume;
  readonly random: Random;
  readonly tree: LiveTree;
  /** Few contents, so that most files have copies. */
  readonly contents: readonly Buffer[];
  /** A name that was never used. */
  readonly newName: () => string;
  /** Files deleted while open: their fds, closed by a later change. */
  readonly orphans: number[];
}

export interface Change {
  readonly name: string;
  apply(scene: Scene): string | null;
}

export function change(name: string, apply: (scene: Scene) => string | null): Change {
  return { name, apply };
}

/** A change to one file, picked among those that `fits` accepts. */
export function onFile(
  name: string,
  apply: (file: LiveFile, scene: Scene) => string | undefined,
  fits: (file: LiveFile) => boolean = () => true,
): Change {
  return change(name, (scene) => {
    const file = pickOrNull(scene.random, scene.tree.files.filter(fits));
    if (file === null) return null;
    const more = apply(file, scene) ?? "";
    return `${relative(scene.volume.path, file.path)} ${more}`;
  });
}

export function newPath({ random, tree, newName }: Scene): string {
  return join(random.pick(tree.directories), newName());
}

export function shown(scene: Scene, path: string): string {
  return relative(scene.volume.path, path);
}

/** Opens for writing, does something, closes. */
export function edit(path: string, use: (fd: number) => void): void {
  withFd(path, use, constants.O_RDWR);
}

export const hasData = ({ size }: LiveFile): boolean => size > 0;
export const isLinked = ({ links }: LiveFile): boolean => links > 1;

/** Relative path of the subvolume that an absolute directory path lies in. */
export function subvolumeOf(scene: Scene, directory: string): string {
  const path = shown(scene, directory);
  let best = "";
  for (const { path: subvolume } of scene.tree.subvolumes) {
    if ((path === subvolume || path.startsWith(`${subvolume}/`)) && subvolume.length > best.length)
      best = subvolume;
  }
  return best;
}

/** A deleted subvolume stays for as long as a file in it is open: then nobody could wait until it is gone. */
export function isHeldOpen({ orphans }: Scene, { id }: LiveSubvolume): boolean {
  return orphans.some((fd) => subvolumeId(fd) === id);
}

/** Folders that a change may delete: none with a read-only subvolume inside, or one that is held open. */
export function disposableFolders(scene: Scene): string[] {
  const kept = scene.tree.subvolumes
    .filter((subvolume) => subvolume.readOnly || isHeldOpen(scene, subvolume))
    .map(({ path }) => join(scene.volume.path, path));
  return scene.tree.directories.filter(
    (path) => /\/folder-[^/]*$/.test(path) && !kept.some((subvolume) => subvolume.startsWith(`${path}/`)),
  );
}

/**
 * Makes all files below a folder deletable. chattr -R would do, but for the stand-in that a snapshot has
 * for a subvolume of its origin: it has no flags, and chattr fails over it.
 */
export function unlockBelow(folder: string): void {
  walk(folder, ({ at, stats }) => {
    if (stats.isFile()) changeFlags(at, 0, FileFlag.immutable);
  });
}
