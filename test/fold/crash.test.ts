/** Runs that are killed: what stays immutable is known, is all that is wrong, and is mended. */
import { closeSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { StuckFile } from "../../src-helper/engine/contract.ts";
import { repairStuck } from "../../src-helper/journal/repair.ts";
import { findStuck, type ImmutableInode } from "../../src-helper/journal/stuck.ts";
import { exec } from "../support/exec.ts";
import { immutablePaths } from "../support/immutable.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { ROOT } from "../support/run.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { FoldBench, reasonsOf, TestContext } from "./support.ts";

const MIB = 1 << 20;
const KILLS = 25;
const bench = FoldBench.create({ size: "6G" });
afterAll(() => {
  bench[Symbol.dispose]();
});
afterEach(() => {
  for (const path of immutableFiles()) changeFlags(path, 0, FileFlag.immutable);
});

function immutableFiles(): string[] {
  return immutablePaths(bench.root).sort();
}

function pathsOf(stuck: readonly StuckFile[]): string[] {
  return stuck.map((file) => file.path.toString()).sort();
}

function writeGroups(directory: string, sizes: readonly number[]): string[][] {
  mkdirSync(bench.path(directory));
  return sizes.map((size, k) => {
    const content = randomBytes(size);
    return ["a", "b", "c"].map((copy) => bench.write(`${directory}/${k}-${copy}`, content));
  });
}

/** Folds in a child. With a delay it is killed so long after it began. */
async function foldInChild(
  groups: readonly string[][],
  end: { dies: boolean; killAfterMs?: number },
): Promise<void> {
  bench.loop.sync();
  const words = [bench.root, bench.uuid, bench.loop.beside("db"), "immutable", JSON.stringify(groups)];
  const script = join(ROOT, "test/fold/fold-child.ts");
  const child = spawn(process.execPath, [script, ...words, ...(end.dies ? ["die"] : [])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("exit", (_, signal) => {
      resolve(signal);
    }),
  );
  if (end.killAfterMs !== undefined) {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, end.killAfterMs));
    child.kill("SIGKILL");
  }
  child.stdout.resume();
  const signal = await gone;
  if (end.dies) expect(signal).toBe("SIGKILL");
}

function find(unknown: readonly ImmutableInode[] = []): StuckFile[] {
  bench.journal.markInterruptedRuns();
  return findStuck(bench.volume, bench.journal, () => unknown);
}

/** The state without the flags that the killed run may have left. */
function stateWithoutFlags(directory: string): TreeState {
  return new Map(
    [...snapshotState(directory)].map(([path, state]) => [
      path,
      new Map([...state].filter(([name]) => name !== "flags")),
    ]),
  );
}

test("killed while it holds files: stuck names them, repair mends them, the next fold ends the job", async () => {
  const groups = writeGroups("held", [120 * MIB, 65_536]);
  const [a = "", b = "", c = ""] = groups[0] ?? [];
  bench.loop.sync();
  const before = snapshotState(bench.path("held"));
  for (const path of groups.flat()) bench.member(path); // so that the bench can name them
  await foldInChild(groups, { dies: true });
  // the destinations were released for the kernel; the source is what stays
  expect(immutableFiles()).toEqual([a]);
  const stuck = find();
  expect(stuck).toMatchObject([{ origin: "refold", inode: statSync(a).ino, volume: bench.uuid }]);
  expect(pathsOf(stuck)).toEqual([a]);
  expect(Date.now() - (stuck[0]?.since ?? 0)).toBeLessThan(60_000);
  expect(bench.journal.history(bench.uuid)[0]).toMatchObject({ state: "interrupted", finishedAt: null });
  // intents of files that are not immutable were forgotten
  expect(bench.journal.openIntents().map((intent) => intent.inode)).toEqual([statSync(a).ino]);

  // a fold says so, leaves the file and folds with it as a source all the same
  const ctx = new TestContext();
  const result = await bench.foldPaths([[b, a, c]], {}, ctx);
  expect(reasonsOf(result)).toEqual({ [a]: "immutable" });
  expect(result.skipped[0]?.detail).toContain("refold repair");
  expect(ctx.logged.join()).toContain("refold repair");
  expect(bench.journal.openIntents()).toHaveLength(1);

  const repaired = await repairStuck(bench.volume, bench.journal, find(), [], new TestContext());
  expect(repaired).toEqual({ repaired: [stuck[0]?.id], failed: [] });
  expect(immutableFiles()).toEqual([]);
  expect(bench.journal.openIntents()).toEqual([]);
  expect(find()).toEqual([]);
  expect(diffStates(before, snapshotState(bench.path("held")))).toEqual([]);
  expect((await bench.foldPaths(groups)).skipped).toEqual([]);
  expect((await bench.foldPaths(groups)).files).toBe(0);
});

test("files that were immutable before a killed run, or became so by another hand, are not ours", async () => {
  const groups = writeGroups("foreign", [120 * MIB]);
  const [a = "", b = "", c = ""] = groups[0] ?? [];
  const other = bench.write("foreign/other", randomBytes(5000));
  changeFlags(c, FileFlag.immutable);
  changeFlags(other, FileFlag.immutable);
  bench.loop.sync();
  const inodes = [a, b, c, other].map((path) => ({ ...bench.member(path), firstSeen: 1234 }));
  await foldInChild(groups, { dies: true });
  expect(immutableFiles()).toEqual([a, c, other].sort());
  const stuck = find(inodes);
  expect(pathsOf(stuck.filter((file) => file.origin === "refold"))).toEqual([a]);
  const unknown = stuck.filter((file) => file.origin === "unknown");
  expect(pathsOf(unknown)).toEqual([c, other].sort());
  expect(unknown.every((file) => file.since === 1234)).toBe(true);

  await repairStuck(bench.volume, bench.journal, stuck, [], new TestContext());
  expect(immutableFiles()).toEqual([c, other].sort());
  const named = stuck.find((file) => file.path.toString() === other)?.id ?? "";
  const result = await repairStuck(
    bench.volume,
    bench.journal,
    find(inodes),
    [named, "1:2:3"],
    new TestContext(),
  );
  expect(result.repaired).toEqual([named]);
  expect(result.failed).toMatchObject([{ id: "1:2:3" }]);
  expect(immutableFiles()).toEqual([c]);
});

test("what cannot be mended is told, and stays in the journal", async () => {
  bench.loop.createSubvolume("sub");
  const groups = writeGroups("sub/held", [120 * MIB]);
  for (const path of groups.flat()) bench.member(path);
  await foldInChild(groups, { dies: true });
  exec("btrfs", ["property", "set", bench.path("sub"), "ro", "true"]);
  const stuck = find();
  expect(pathsOf(stuck)).toEqual([groups[0]?.[0]]);
  const refused = await repairStuck(bench.volume, bench.journal, stuck, [], new TestContext());
  expect(refused.repaired).toEqual([]);
  expect(refused.failed).toMatchObject([
    { id: stuck[0]?.id, reason: expect.stringContaining("read-only") as string },
  ]);
  expect(find()).toEqual(stuck);
  exec("btrfs", ["property", "set", bench.path("sub"), "ro", "false"]);
  expect((await repairStuck(bench.volume, bench.journal, stuck, [], new TestContext())).failed).toEqual([]);
  expect(find()).toEqual([]);
});

test("a stuck file that was deleted is forgotten", async () => {
  const groups = writeGroups("deleted", [120 * MIB]);
  const [a = ""] = groups[0] ?? [];
  await foldInChild(groups, { dies: true });
  changeFlags(a, 0, FileFlag.immutable);
  rmSync(a);
  expect(find()).toEqual([]);
  expect(bench.journal.openIntents()).toEqual([]);
});

test(`killed at ${KILLS} random moments: nothing is lost and every stuck file is known`, async () => {
  let seed = 20_240_601;
  const random = (): number => (seed = (seed * 48_271) % 0x7fffffff) / 0x7fffffff;
  let stuckRuns = 0;
  for (let k = 0; k < KILLS; k++) {
    const name = `random-${k}`;
    const sizes = Array.from({ length: 150 }, () => 4096 + Math.floor(random() * 60_000));
    const groups = writeGroups(name, [24 * MIB, ...sizes]);
    bench.loop.sync();
    for (const path of groups.flat()) bench.member(path);
    const before = stateWithoutFlags(bench.path(name));
    await foldInChild(groups, { dies: false, killAfterMs: random() * 200 });
    const immutable = immutableFiles();
    const stuck = find();
    expect(pathsOf(stuck)).toEqual(immutable);
    expect(diffStates(before, stateWithoutFlags(bench.path(name)))).toEqual([]);
    if (immutable.length > 0) stuckRuns++;
    const { failed } = await repairStuck(bench.volume, bench.journal, stuck, [], new TestContext());
    expect(failed).toEqual([]);
    expect(immutableFiles()).toEqual([]);
    expect(bench.journal.openIntents()).toEqual([]);
    const rest = await bench.foldPaths(groups);
    expect(rest.skipped).toEqual([]);
    rmSync(bench.path(name), { recursive: true });
  }
  // a series of kills that never met a locked file would show nothing
  expect(stuckRuns).toBeGreaterThan(0);
});

test("the source's descriptor is closed for the kernel too: nothing holds the volume after a kill", async () => {
  const groups = writeGroups("closed", [120 * MIB]);
  await foldInChild(groups, { dies: true });
  const [a = "", b = ""] = groups[0] ?? [];
  changeFlags(a, 0, FileFlag.immutable);
  // a lease that had outlived its process would make these wait
  for (const path of [a, b]) closeSync(openSync(path, "r+"));
  find();
});
