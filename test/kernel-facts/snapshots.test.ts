/** What a dedupe into a read-only snapshot does to the snapshot, and how to ask who holds an extent. */
import { spawn } from "node:child_process";
import { closeSync, constants, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { constants as os } from "node:os";
import { afterAll, expect, test } from "vitest";
import { call } from "../../src-helper/native/library.ts";
import { exec } from "../support/exec.ts";
import { cloneRange, withFd } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  dedupe,
  fileExtents,
  inodeOf,
  ITEM,
  SECTOR,
  subvolumeOf,
  TREE,
  treeItems,
  withOpen,
} from "./support.ts";

const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

/** Offsets in btrfs_root_item. */
const FIELD = {
  generation: 160,
  bytesUsed: 192,
  uuid: 247,
  ctransid: 295,
  otransid: 303,
  ctime: 327,
  end: 375,
};
const TIME_BYTES = 12;

function rootItem(id: number): Buffer {
  volume.sync();
  const [item] = treeItems(top, TREE.root, { objectid: BigInt(id), type: ITEM.root });
  if (item === undefined) throw new Error(`no subvolume ${id}`);
  return item.data;
}

/** A subvolume with two equal files, and a read-only snapshot of it. */
function twoInSnapshot(name: string, bytes: number): { id: number; files: [string, string] } {
  const path = volume.createSubvolume(name);
  const content = randomBytes(bytes);
  for (const file of ["a", "b"]) writeFileSync(join(path, file), content);
  volume.sync();
  const kept = volume.snapshot(name, `${name}-kept`, { readOnly: true });
  volume.sync();
  return { id: withOpen(kept, subvolumeOf), files: [join(kept, "a"), join(kept, "b")] };
}

function ownersOf(bytenr: number): Set<number> {
  const owners = new Float64Array(200);
  const n = call("rf_extent_owners", top, bytenr, owners, 100);
  return new Set(Array.from({ length: n }, (_, k) => owners[2 * k] ?? 0));
}

test("a dedupe into a read-only snapshot raises its generation, ctransid and ctime, and nothing else of its identity", () => {
  const { id, files } = twoInSnapshot("identity", 1 << 20);
  const before = rootItem(id);
  expect(dedupe(files[0], files[1], 1 << 20)).toMatchObject({ status: 0 });
  const after = rootItem(id);
  for (const field of [FIELD.generation, FIELD.ctransid]) {
    expect(after.readBigUInt64LE(field)).toBeGreaterThan(before.readBigUInt64LE(field));
  }
  // uuid, parent and received uuid; otransid, stransid, rtransid; otime, stime, rtime
  for (const [start, end] of [
    [FIELD.uuid, FIELD.ctransid],
    [FIELD.otransid, FIELD.ctime],
    [FIELD.ctime + TIME_BYTES, FIELD.end],
  ]) {
    expect(after.subarray(start, end)).toEqual(before.subarray(start, end));
  }
});

test("EAGAIN into a snapshot that is being sent, and out of it nothing is refused", async () => {
  const { files } = twoInSnapshot("sent", 4 << 20);
  const other = join(volume.path, "not-sent");
  exec("cp", ["--reflink=never", files[0], other]);
  const child = spawn("btrfs", ["send", "-q", join(volume.path, "sent-kept")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    // it has begun, and nobody reads on
    await new Promise((resolve) => child.stdout.once("readable", resolve));
    expect(dedupe(files[0], files[1], 4 << 20)).toMatchObject({ call: 0, status: -os.errno.EAGAIN });
    expect(dedupe(files[0], other, 4 << 20)).toMatchObject({ status: 0 });
  } finally {
    child.kill("SIGKILL");
    child.stdout.resume();
    await ended;
  }
  expect(dedupe(files[0], files[1], 4 << 20)).toMatchObject({ status: 0 });
});

test("who holds an extent: every subvolume, through leaves that snapshots share, and by any part of it", () => {
  const { id, files } = twoInSnapshot("owned", 1 << 20);
  const origin = withOpen(join(volume.path, "owned"), subvolumeOf);
  const [extent] = fileExtents(top, id, inodeOf(files[0]));
  if (extent === undefined) throw new Error("no extent");
  expect(ownersOf(extent.bytenr)).toEqual(new Set([origin, id]));
  // the leaf of the origin is its own from here on
  writeFileSync(join(volume.path, "owned/a"), "");
  volume.sync();
  expect(ownersOf(extent.bytenr)).toEqual(new Set([id]));
  const part = join(volume.path, "part");
  withFd(files[0], (from) => {
    const to = openSync(part, constants.O_RDWR | constants.O_CREAT);
    cloneRange(from, 1 << 19, 4 * SECTOR, to, 0);
    closeSync(to);
  });
  volume.sync();
  expect(ownersOf(extent.bytenr)).toEqual(new Set([id, 5]));
});

test("the first change in a snapshot stores a leaf anew, the tree's own size stays", () => {
  const origin = volume.createSubvolume("price");
  // the root of a small tree is copied when the snapshot is taken: a tree of several leaves is wanted
  for (let k = 0; k < 500; k++) writeFileSync(join(origin, `inline ${k}`), randomBytes(1000));
  const content = randomBytes(1 << 20);
  for (const file of ["a", "b"]) writeFileSync(join(origin, file), content);
  volume.sync();
  const kept = volume.snapshot("price", "price-kept", { readOnly: true });
  volume.sync();
  const id = withOpen(kept, subvolumeOf);
  const [before, used] = [rootItem(id), volume.usage().metadataUsed];
  dedupe(join(kept, "a"), join(kept, "b"), 1 << 20);
  expect(rootItem(id).readBigUInt64LE(FIELD.bytesUsed)).toBe(before.readBigUInt64LE(FIELD.bytesUsed));
  expect(volume.usage().metadataUsed).toBeGreaterThan(used);
});
