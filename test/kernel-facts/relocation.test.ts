/** What moves data without a change of the inodes that it is of, and how it is noticed. */
import { constants, closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { mayHaveMovedData } from "../../src-helper/btrfs/relocation.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { reflink } from "../native/files.ts";
import { fsGeneration, inodeItem, inodeOf, treeItems } from "./support.ts";

const DATA_RELOC_TREE = -9n & 0xffff_ffff_ffff_ffffn;
const ROOT_DIRECTORY = 256n;
const SIZE = 8 << 20;

const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

const at = (name: string): string => join(volume.path, name);
for (let k = 0; k < 12; k++) writeFileSync(at(`file ${k}`), randomBytes(SIZE));
volume.sync();

const layout = (name: string): number => {
  const [first] = treeItems(top, 5, { objectid: BigInt(inodeOf(at(name))), type: 108 });
  return Number(first?.data.readBigUInt64LE(21));
};
const transid = (name: string): number => inodeItem(top, 5, inodeOf(at(name)))?.transid ?? NaN;
const inodesOfReloc = (): bigint[] =>
  treeItems(top, DATA_RELOC_TREE)
    .map(({ objectid }) => objectid)
    .filter((objectid) => objectid !== ROOT_DIRECTORY);

test("writing, cloning, defragmenting, deleting and snapshots leave the relocation tree alone", () => {
  const before = fsGeneration(top);
  writeFileSync(at("new"), randomBytes(SIZE));
  reflink(at("file 0"), at("clone"), SIZE, SIZE);
  rmSync(at("file 1"));
  volume.createSubvolume("subvolume");
  volume.snapshot("subvolume", "snapshot");
  volume.sync();
  exec("btrfs", ["filesystem", "defragment", at("file 2")]);
  volume.sync();
  volume.remount("noatime");
  expect(fsGeneration(top)).toBeGreaterThan(before);
  expect(treeItems(top, DATA_RELOC_TREE, { minTransid: before + 1 })).toEqual([]);
  expect(mayHaveMovedData(top, before)).toBe(false);
});

test("a balance moves data, leaves the transid, and writes to the relocation tree", () => {
  const before = { generation: fsGeneration(top), layout: layout("file 3"), transid: transid("file 3") };
  exec("btrfs", ["balance", "start", "-d", volume.path]);
  expect(layout("file 3")).not.toBe(before.layout);
  expect(transid("file 3")).toBe(before.transid);
  expect(mayHaveMovedData(top, before.generation)).toBe(true);
  volume.sync();
  expect(mayHaveMovedData(top, before.generation)).toBe(true);
  // of later generations it is over
  expect(inodesOfReloc()).toEqual([]);
  expect(mayHaveMovedData(top, fsGeneration(top))).toBe(false);
});

test("while data is being moved there is an inode in the relocation tree, also where it is broken off", async () => {
  // how far a balance comes before somebody looks is the machine's affair: some are looked at until one is seen
  let seen = false;
  for (let attempt = 0; !seen; attempt++) {
    expect(attempt).toBeLessThan(50);
    const before = fsGeneration(top);
    const balance = spawn("btrfs", ["balance", "start", "-d", volume.path], { stdio: "ignore" });
    const end = once(balance, "exit");
    while (!seen && balance.exitCode === null) {
      // of generations to come: nothing but what is under way speaks for it
      seen = inodesOfReloc().length > 0 && mayHaveMovedData(top, before + 1_000_000);
      await setImmediate();
    }
    // fails where it is over
    spawnSync("btrfs", ["balance", "cancel", volume.path]);
    await end;
    expect(mayHaveMovedData(top, before)).toBe(true);
  }
});
