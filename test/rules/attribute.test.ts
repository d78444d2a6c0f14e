/** The attribute user.refold.dedupe=never: of files, folders and subvolumes; set, inherited, taken away. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { setXattr } from "../support/libc.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { OPT_OUT, RulesBench } from "./support.ts";

const MIB = 2 ** 20;
let bench: RulesBench;
beforeEach(() => {
  bench = new RulesBench();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

function keepAway(relative: string, value = "never"): void {
  setXattr(bench.path(relative), OPT_OUT, value);
  bench.volume.sync();
}

function letIn(relative: string): void {
  exec("setfattr", ["-x", OPT_OUT, bench.path(relative)]);
  bench.volume.sync();
}

test("of a file, set and removed again, is seen by the next scan, which reads that file and no other", async () => {
  bench.copies(MIB, "a/1", "a/2", "a/3");
  for (let k = 0; k < 500; k++) writeFileSync(bench.path(`a/small ${k}`), `${k}`);
  bench.volume.sync();
  expect(await bench.scan()).toMatchObject({ duplicateFiles: 3, reclaimableBytes: 2 * MIB });
  keepAway("a/2");
  const run = (await bench.run("scan", "--verbose", bench.volume.path)).expectCode(0);
  // of the leaves that are newer: the file, and what lies beside it
  expect(Number(/(\d+) inodes read/.exec(run.stderr)?.[1])).toBeLessThan(250);
  expect(await bench.grouped()).toEqual(["a/1", "a/3"]);
  letIn("a/2");
  expect(await bench.scan()).toMatchObject({ duplicateFiles: 3, reclaimableBytes: 2 * MIB });
});

test("of a folder holds below it, for what is moved in and made there later, and not for what leaves", async () => {
  bench.copies(MIB, "in/1", "in/deep/er/2", "out/1", "out/2");
  keepAway("in");
  expect(await bench.scan()).toMatchObject({ duplicateFiles: 2, reclaimableBytes: MIB });
  renameSync(bench.path("out/2"), bench.path("in/deep/2"));
  bench.volume.sync();
  expect(await bench.scan()).toMatchObject({ groups: 0, reclaimableBytes: 0 });
  renameSync(bench.path("in/deep/er"), bench.path("out/er"));
  bench.volume.sync();
  await bench.scan();
  expect(await bench.grouped()).toEqual(["out/1", "out/er/2"]);
  const before = snapshotState(bench.path("in"));
  expect(await bench.fold()).toMatchObject({ predictedBytes: MIB, gained: MIB });
  expect(diffStates(before, snapshotState(bench.path("in")))).toEqual([]);
  letIn("in");
  expect(await bench.scan()).toMatchObject({ duplicateFiles: 4, reclaimableBytes: 2 * MIB });
});

test("wins over a rule; another value says nothing", async () => {
  bench.copies(MIB, "a/1", "a/2", "a/3", "a/4");
  await bench.set("a", "always");
  keepAway("a/1");
  for (const [k, value] of ["always", "never ", "Never", ""].entries()) keepAway(`a/${(k % 3) + 2}`, value);
  await bench.scan();
  expect(await bench.grouped("--always")).toEqual(["a/2", "a/3", "a/4"]);
});

test("of a subvolume's top folder holds in it, in what is nested in it, and in its snapshots", async () => {
  bench.volume.createSubvolume("data");
  bench.volume.createSubvolume("data/nested");
  bench.copies(MIB, "data/1", "data/nested/1", "free/1", "free/2");
  mkdirSync(bench.path("snapshots"));
  bench.volume.snapshot("data", "snapshots/before", { readOnly: true });
  await bench.scan();
  keepAway("data");
  bench.volume.snapshot("data", "snapshots/after", { readOnly: true });
  bench.volume.sync();
  const state = snapshotState(bench.path("snapshots"));
  const fold = await bench.fold("--snapshots");
  expect(fold).toMatchObject({ files: 1, predictedBytes: MIB, gained: MIB });
  expect(diffStates(state, snapshotState(bench.path("snapshots")))).toEqual([]);
  letIn("data");
  await bench.scan();
  // a snapshot keeps the attribute that it was taken with
  expect(await bench.grouped("--snapshots")).toEqual([
    "data/1",
    "data/nested/1",
    "free/1",
    "free/2",
    "snapshots/before/1",
  ]);
});

test("of a file or folder holds in snapshots that were taken before, and a prediction counts with that", async () => {
  bench.volume.createSubvolume("data");
  bench.copies(MIB, "data/folder/1", "data/2", "data/3", "free/1");
  bench.volume.snapshot("data", "then", { readOnly: true });
  keepAway("data/folder");
  keepAway("data/2");
  renameSync(bench.path("data/2"), bench.path("data/renamed"));
  bench.volume.sync();
  await bench.scan();
  expect(await bench.grouped("--snapshots")).toEqual(["data/3", "free/1", "then/3"]);
  const fold = await bench.fold("--snapshots");
  expect(fold.gained).toBe(MIB);
  expect(fold.predictedBytes).toBe(MIB);
});

test("holds for dedup-files, of files that were never scanned", async () => {
  bench.copies(MIB, "in/deep/1", "a/1", "a/2");
  keepAway("in");
  const run = await bench.run(
    "dedup-files",
    "--json",
    ...["a/1", "in/deep/1", "a/2"].map((one) => bench.path(one)),
  );
  expect(run.expectCode(1).json()).toMatchObject({
    files: [{ outcome: "ruled-out" }, { outcome: "folded" }],
  });
});

test("ranges: a file that has it is neither moved nor shared with", async () => {
  bench.copies(4 * MIB, "kept/file", "a/one", "a/two");
  for (const [k, path] of ["kept/file", "a/one", "a/two"].entries()) {
    exec("sh", ["-c", 'head -c "$2" /dev/urandom >> "$1"', "sh", bench.path(path), String((k + 1) * 65536)]);
  }
  keepAway("kept/file");
  const before = snapshotState(bench.path("kept"));
  const fold = await bench.fold("--deep");
  expect(fold.gained).toBeGreaterThan(3.5 * MIB);
  expect(fold.gained).toBeLessThan(4.5 * MIB);
  expect(Math.abs(fold.gained - fold.predictedBytes)).toBeLessThanOrEqual(MIB / 2);
  expect(diffStates(before, snapshotState(bench.path("kept")))).toEqual([]);
});
