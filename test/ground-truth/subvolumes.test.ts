/** Volumes of which only a part is mounted, or mounted more than once: the groups are those of the whole. */
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareGroups, comparePaths } from "../support/compare.ts";
import { buildCorpus } from "../support/corpus/corpus.ts";
import { exec } from "../support/exec.ts";
import { consultOracle, unfinished, type Oracle } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { dedup, groups, scan, type Target } from "../support/refold-json.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";

/** Mounts subvolume "alpha" alone, where the top level was. */
function showOnlyAlpha(volume: LoopVolume): Target {
  volume.sync();
  volume.unmount();
  volume.mount(["subvol=alpha"]);
  return { volume: volume.path, db: volume.beside("db"), minSize: 1 };
}

test("subvolumes that are not mounted are searched and folded too", async () => {
  using volume = LoopVolume.create({ size: "3G" });
  buildCorpus(volume, { seed: 31, maxSize: 300_000 });
  const target = showOnlyAlpha(volume);
  const judge = (): { oracle: Oracle; state: TreeState } =>
    volume.withTopLevel((top) => ({ oracle: consultOracle(top), state: snapshotState(top) }));
  const before = judge();
  await scan(target);
  const found = await groups(target);
  expect(compareGroups(before.oracle, 1, found)).toEqual([]);
  // A path below the mount leads to the file; one that cannot be reached is from the top level.
  const reachable = found.map((line) => ({
    ...line,
    files: line.files.filter((file) => file.path.startsWith(`${volume.path}/`)),
  }));
  expect(comparePaths(reachable)).toEqual([]);
  const inAlpha = found.flatMap((line) => line.files).filter((file) => /^\/?alpha$/.test(file.subvolume));
  expect(inAlpha.length).toBeGreaterThan(20);
  for (const file of inAlpha) expect(file.path.startsWith(`${volume.path}/`), file.path).toBe(true);

  const used = volume.usage().dataUsed;
  const result = await dedup(target);
  volume.settle();
  expect(result.freedBytes).toBe(used - volume.usage().dataUsed);
  expect(result.freedBytes).toBeGreaterThan(0);
  const after = judge();
  expect(diffStates(before.state, after.state)).toEqual([]);
  expect(after.oracle.groups(1).flatMap((group) => unfinished(group, false))).toEqual([]);
});

test("a volume mounted at several places is one volume", async () => {
  using volume = LoopVolume.create({ size: "1G", label: "twice" });
  const data = new Random(1).bytes(100_000);
  volume.createSubvolume("alpha");
  writeFileSync(join(volume.path, "a"), data);
  writeFileSync(join(volume.path, "alpha", "b"), data);
  volume.mount(["subvol=alpha"], volume.beside("alpha"));
  volume.sync();
  const oracle = consultOracle(volume.path);
  expect(oracle.groups(1)).toHaveLength(1);
  for (const name of [volume.path, volume.beside("alpha"), volume.uuid, "twice", volume.device]) {
    const target = { volume: name, db: volume.beside(`db ${name.replaceAll("/", "_")}`), minSize: 1 };
    const totals = await scan(target);
    expect(totals.uuid, name).toBe(volume.uuid);
    const found = await groups(target);
    expect(compareGroups(oracle, 1, found), name).toEqual([]);
  }
});

test("what lies in the metadata is shared with nobody, snapshots or not, however it came into the index", async () => {
  using volume = LoopVolume.create({ size: "1G" });
  const data = new Random(3).bytes(100_000);
  volume.createSubvolume("one");
  const small = data.subarray(0, 1500);
  writeFileSync(join(volume.path, "one", "inline"), small);
  // as long, with its data on disk
  writeFileSync(join(volume.path, "one", "on disk"), data);
  volume.sync();
  truncateSync(join(volume.path, "one", "on disk"), small.length);
  const target = { volume: volume.path, db: volume.beside("db"), minSize: 1 };
  await scan(target);
  volume.snapshot("one", "kept", { readOnly: true });
  volume.sync();
  await scan(target);
  await scan({ ...target, db: volume.beside("fresh") });
  for (const db of ["db", "fresh"]) {
    const [group] = await groups({ ...target, db: volume.beside(db) });
    const shared = group?.files.map(({ path, shared: count }) => [path.replace(/^.*\/mnt\//, ""), count]);
    expect(shared?.sort()).toEqual([
      ["kept/inline", 1],
      ["kept/on disk", 2],
      ["one/inline", 1],
      ["one/on disk", 2],
    ]);
  }
});

test("bind mounts, deleted subvolumes still open, and a default subvolume", async () => {
  using volume = LoopVolume.create({ size: "1G" });
  const data = new Random(2).bytes(200_000);
  for (const name of ["one", "two", "doomed"]) {
    volume.createSubvolume(name);
    mkdirSync(join(volume.path, name, "folder"));
    writeFileSync(join(volume.path, name, "folder", "copy"), data);
  }
  const bind = volume.beside("bind");
  mkdirSync(bind);
  exec("mount", ["--bind", join(volume.path, "one", "folder"), bind]);
  exec("btrfs", ["subvolume", "set-default", join(volume.path, "two")]);
  volume.sync();
  const target = { volume: volume.path, db: volume.beside("db"), minSize: 1 };
  await scan(target);
  expect(compareGroups(consultOracle(volume.path), 1, await groups(target))).toEqual([]);
  const held = openSync(join(volume.path, "doomed", "folder", "copy"), "r");
  try {
    volume.deleteSubvolume("doomed");
    volume.sync();
    await scan(target);
    const found = await groups(target);
    expect(compareGroups(consultOracle(volume.path), 1, found)).toEqual([]);
    expect(found.flatMap((line) => line.files)).toHaveLength(2);
  } finally {
    closeSync(held);
  }
});
