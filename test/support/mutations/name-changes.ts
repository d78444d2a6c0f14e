/** Changes to names, links and attributes: what exists, where, and under how many names. */
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "../exec.ts";
import { changeFlags, exchange, FileFlag, setTimes, setXattr } from "../libc.ts";
import {
  change,
  disposableFolders,
  isLinked,
  onFile,
  shown,
  subvolumeOf,
  unlockBelow,
  type Change,
} from "./change.ts";
import { pickOrNull } from "./tree.ts";

export const NAME_CHANGES: readonly Change[] = [
  onFile("delete", ({ path }) => {
    unlinkSync(path);
    return undefined;
  }),
  change("delete a folder", (scene) => {
    const below = disposableFolders(scene);
    const path = pickOrNull(scene.random, below);
    if (path === null) return null;
    unlockBelow(path);
    rmSync(path, { recursive: true });
    return shown(scene, path);
  }),
  change("create a folder with files", (scene) => {
    const folder = join(scene.random.pick(scene.tree.directories), `folder-${scene.newName()}`);
    mkdirSync(join(folder, "below"), { recursive: true });
    writeFileSync(join(folder, scene.newName()), scene.random.pick(scene.contents));
    writeFileSync(join(folder, "below", scene.newName()), scene.random.pick(scene.contents));
    return shown(scene, folder);
  }),
  change("replace a folder by a new one of its name", (scene) => {
    const folder = pickOrNull(scene.random, disposableFolders(scene));
    if (folder === null) return null;
    unlockBelow(folder);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(join(folder, scene.newName()), scene.random.pick(scene.contents));
    return shown(scene, folder);
  }),
  onFile("rename in its folder", ({ path }, { newName }) => {
    const name = newName();
    renameSync(path, join(dirname(path), name));
    return `to ${name}`;
  }),
  onFile("move to another folder", (file, scene) => {
    const near = scene.tree.directories.filter(
      (directory) => subvolumeOf(scene, directory) === file.subvolume,
    );
    const target = join(scene.random.pick(near), scene.newName());
    renameSync(file.path, target);
    return `to ${shown(scene, target)}`;
  }),
  onFile("rename over another file", (file, { random, tree }) => {
    const others = tree.files.filter(
      (other) => other.subvolume === file.subvolume && other.inode !== file.inode,
    );
    const other = pickOrNull(random, others);
    if (other === null) return "(nothing to replace)";
    renameSync(file.path, other.path);
    return `over ${other.path}`;
  }),
  onFile("replace by a new file renamed over it", ({ path }, { random, contents, newName }) => {
    const fresh = join(dirname(path), newName());
    writeFileSync(fresh, random.pick(contents));
    renameSync(fresh, path);
    return undefined;
  }),
  onFile("exchange with another file", (file, { random, tree }) => {
    const others = tree.files.filter(
      (other) => other.subvolume === file.subvolume && other.inode !== file.inode,
    );
    const other = pickOrNull(random, others);
    if (other === null) return "(nothing to exchange with)";
    exchange(file.path, other.path);
    return `with ${other.path}`;
  }),
  onFile("move to another subvolume", (file, scene) => {
    const far = scene.tree.directories.filter(
      (directory) => subvolumeOf(scene, directory) !== file.subvolume,
    );
    const directory = pickOrNull(scene.random, far);
    if (directory === null) return "(there is no other)";
    const target = join(directory, scene.newName());
    exec("mv", [file.path, target]);
    return `to ${shown(scene, target)}`;
  }),
  change("rename a folder", (scene) => {
    const folder = pickOrNull(scene.random, disposableFolders(scene));
    if (folder === null) return null;
    const target = join(dirname(folder), `folder-${scene.newName()}`);
    renameSync(folder, target);
    return `${shown(scene, folder)} to ${shown(scene, target)}`;
  }),
  change("move a folder to another", (scene) => {
    const folder = pickOrNull(scene.random, disposableFolders(scene));
    if (folder === null) return null;
    const others = scene.tree.directories.filter(
      (other) => other !== folder && !other.startsWith(`${folder}/`),
    );
    const target = join(scene.random.pick(others), `folder-${scene.newName()}`);
    // into another subvolume everything is copied; what lies in one below the folder stays one
    const near = subvolumeOf(scene, folder) === subvolumeOf(scene, target);
    if (near) renameSync(folder, target);
    else {
      exec("cp", ["-a", "--reflink=auto", folder, target]);
      unlockBelow(folder);
      rmSync(folder, { recursive: true });
    }
    return `${shown(scene, folder)} to ${shown(scene, target)}${near ? "" : ", in another subvolume"}`;
  }),
  onFile("add a hard link", (file, scene) => {
    const near = scene.tree.directories.filter(
      (directory) => subvolumeOf(scene, directory) === file.subvolume,
    );
    const target = join(scene.random.pick(near), scene.newName());
    linkSync(file.path, target);
    return `at ${shown(scene, target)}`;
  }),
  onFile(
    "remove one of several hard links",
    ({ path }) => {
      unlinkSync(path);
      return undefined;
    },
    isLinked,
  ),
  onFile(
    "delete while open",
    ({ path }, { orphans }) => {
      orphans.push(openSync(path, constants.O_RDONLY));
      unlinkSync(path);
      return undefined;
    },
    (file) => !isLinked(file),
  ),
  change("close what was deleted while open", ({ orphans }) => {
    const fd = orphans.pop();
    if (fd === undefined) return null;
    closeSync(fd);
    return "";
  }),
  onFile("touch and chmod", ({ path }) => {
    setTimes(path, 1_234_567_890n, 5n);
    exec("chmod", ["u+x", path]);
    return undefined;
  }),
  onFile("set an attribute", ({ path }) => {
    setXattr(path, "user.x", "value");
    return undefined;
  }),
  onFile(
    "make immutable",
    ({ path }) => {
      changeFlags(path, FileFlag.immutable);
      return undefined;
    },
    (file) => !isLinked(file),
  ),
];
