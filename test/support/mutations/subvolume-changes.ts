/** Changes to subvolumes and snapshots. */
import { closeSync, existsSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { exec } from "../exec.ts";
import { change, shown, type Change } from "./change.ts";
import { pickOrNull } from "./tree.ts";

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
      ({ path }) =>
        /(?:snapshot|subvolume)-[^/]*$/.test(path) &&
        !subvolumes.some(
          (other) =>
            other.path.startsWith(`${path}/`) || (other.readOnly && path.startsWith(`${other.path}/`)),
        ),
    );
    const victim = pickOrNull(scene.random, leaves);
    if (victim === null) return null;
    scene.volume.deleteSubvolume(victim.path);
    return victim.path;
  }),
  change("rename a subvolume", (scene) => {
    const movable = scene.tree.subvolumes.filter(
      ({ path, readOnly }) => /^(?:snapshot|subvolume)-[^/]*$/.test(path) && !readOnly,
    );
    const victim = pickOrNull(scene.random, movable);
    if (victim === null) return null;
    const name = `${victim.path.replace(/-.*/, "")}-${scene.newName()}`;
    renameSync(join(scene.volume.path, victim.path), join(scene.volume.path, name));
    return `${victim.path} to ${name}`;
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
