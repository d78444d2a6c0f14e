/** Changes to subvolumes and snapshots. */
import { closeSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { exec } from "../exec.ts";
import { change, isHeldOpen, shown, type Change, type Scene } from "./change.ts";
import { pickOrNull, type LiveSubvolume } from "./tree.ts";

/** Subvolumes that can be given another name or place: writable, and in a folder that is. */
function movable({ volume, tree }: Scene): LiveSubvolume[] {
  return tree.subvolumes.filter(
    ({ path, readOnly }) =>
      /(?:snapshot|subvolume)-[^/]*$/.test(path) &&
      !readOnly &&
      tree.directories.includes(dirname(join(volume.path, path))),
  );
}

export const SUBVOLUME_CHANGES: readonly Change[] = [
  change("create a subvolume", (scene) => {
    const name = `subvolume-${scene.newName()}`;
    const parent = relative(scene.volume.path, scene.random.pick(scene.tree.directories));
    const path = scene.volume.createSubvolume(join(parent, name));
    writeFileSync(join(path, scene.newName()), scene.random.pick(scene.contents));
    return shown(scene, path);
  }),
  change("take a snapshot", (scene) => {
    const source = pickOrNull(scene.random, scene.tree.subvolumes);
    if (source === null || scene.tree.subvolumes.length > 12) return null;
    const readOnly = scene.random.chance(0.6);
    const target = `snapshot-${scene.newName()}`;
    scene.volume.snapshot(source.path, target, { readOnly });
    return `of ${source.path} at ${target}${readOnly ? ", read-only" : ""}`;
  }),
  change("delete a subvolume", (scene) => {
    const { subvolumes } = scene.tree;
    // the name is in the subvolume around it, which must be writable
    const leaves = subvolumes.filter(
      (subvolume) =>
        /(?:snapshot|subvolume)-[^/]*$/.test(subvolume.path) &&
        !isHeldOpen(scene, subvolume) &&
        !subvolumes.some(
          (other) =>
            other.path.startsWith(`${subvolume.path}/`) ||
            (other.readOnly && subvolume.path.startsWith(`${other.path}/`)),
        ),
    );
    const victim = pickOrNull(scene.random, leaves);
    if (victim === null) return null;
    scene.volume.deleteSubvolume(victim.path);
    return victim.path;
  }),
  change("rename a subvolume", (scene) => {
    const victim = pickOrNull(scene.random, movable(scene));
    if (victim === null) return null;
    const name = `${victim.path.replace(/-[^/]*$/, "")}-${scene.newName()}`;
    renameSync(join(scene.volume.path, victim.path), join(scene.volume.path, name));
    return `${victim.path} to ${name}`;
  }),
  change("move a subvolume into another folder", (scene) => {
    const victim = pickOrNull(scene.random, movable(scene));
    if (victim === null) return null;
    const from = join(scene.volume.path, victim.path);
    const folders = scene.tree.directories.filter((path) => path !== from && !path.startsWith(`${from}/`));
    const target = join(scene.random.pick(folders), `subvolume-${scene.newName()}`);
    renameSync(from, target);
    return `${victim.path} to ${shown(scene, target)}`;
  }),
  change("send a snapshot and receive it, then what changed", (scene) => {
    const { volume, random, tree, contents, newName } = scene;
    const source = pickOrNull(
      random,
      tree.subvolumes.filter(({ readOnly }) => !readOnly),
    );
    if (source === null || tree.subvolumes.length > 12) return null;
    const [folder, first, second] = [newName(), newName(), newName()].map((name) => `snapshot-${name}`);
    const target = join(volume.path, `received-${newName()}`);
    mkdirSync(target);
    volume.snapshot(source.path, `${first}`, { readOnly: true });
    writeFileSync(join(volume.path, source.path, `${folder}`), random.pick(contents));
    volume.snapshot(source.path, `${second}`, { readOnly: true });
    const send = (words: string): void => {
      exec("sh", ["-c", `cd ${volume.path} && btrfs send -q ${words} | btrfs receive -q ${target}`]);
    };
    send(`${first}`);
    send(`-p ${first} ${second}`);
    return `${source.path} by ${first} and ${second} to ${shown(scene, target)}`;
  }),
  change("make a snapshot writable and write to it", (scene) => {
    const victim = pickOrNull(
      scene.random,
      scene.tree.subvolumes.filter(
        ({ path, readOnly }) => readOnly && existsSync(join(scene.volume.path, path)),
      ),
    );
    if (victim === null) return null;
    const path = join(scene.volume.path, victim.path);
    exec("btrfs", ["property", "set", "-f", "-ts", path, "ro", "false"]);
    writeFileSync(join(path, scene.newName()), scene.random.pick(scene.contents));
    if (scene.random.chance(0.5)) exec("btrfs", ["property", "set", "-ts", path, "ro", "true"]);
    return victim.path;
  }),
  change("make a subvolume read-only", (scene) => {
    const victim = pickOrNull(
      scene.random,
      scene.tree.subvolumes.filter(
        ({ path, readOnly }) => !readOnly && /(?:snapshot|subvolume)-[^/]*$/.test(path),
      ),
    );
    if (victim === null) return null;
    exec("btrfs", ["property", "set", "-ts", join(scene.volume.path, victim.path), "ro", "true"]);
    return victim.path;
  }),
  change("unmount and mount again", ({ volume, orphans }) => {
    for (const fd of orphans.splice(0)) closeSync(fd);
    volume.unmount();
    volume.mount();
    return "";
  }),
];
