/**
 * Snapshots in the index. Work is counted in inodes that were read and in rows,
 * and what is known after it is what a scan from nothing finds.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { fallocate, withFd } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { IndexBench, type Scanned } from "./support.ts";

const FALLOC_KEEP_SIZE = 1;
const FILES = 1200;
/** So many inodes lie in a leaf beside one that changed, or fewer. */
const PER_LEAF = 100;

let bench: IndexBench;
let random: Random;
beforeEach(() => {
  bench = new IndexBench();
  random = new Random(1);
});
afterEach(() => {
  bench[Symbol.dispose]();
});

function write(path: string): void {
  writeFileSync(bench.path(path), random.bytes(5000));
}

/** A subvolume of many files, on disk. */
function populate(name: string): void {
  bench.volume.createSubvolume(name);
  for (let folder = 0; folder < 4; folder++) {
    mkdirSync(bench.path(join(name, `${folder}`)));
    for (let k = 0; k < FILES / 4; k++) write(`${name}/${folder}/${k}`);
  }
  bench.volume.sync();
}

/** Takes a read-only snapshot, and goes on in the next transaction. */
function snapshot(source: string, target: string, readOnly = true): void {
  bench.volume.snapshot(source, target, { readOnly });
  bench.volume.sync();
}

async function expectAsFresh(scanned: Scanned): Promise<Scanned> {
  const fresh = await bench.scanFresh();
  expect(scanned.faults).toEqual([]);
  expect(fresh.faults).toEqual([]);
  expect(scanned.lines).toEqual(fresh.lines);
  return fresh;
}

test("snapshots of what did not change add no rows, and nearly nothing is read", async () => {
  populate("home");
  const before = await bench.scan();
  for (let k = 0; k < 20; k++) snapshot("home", `snapshot-${k}`, k % 2 === 0);
  const after = await bench.scan();
  expect(after.walk).toMatchObject({ subvolumesWalked: 0, subvolumesInherited: 20 });
  expect(after.rows).toBe(before.rows);
  expect(after.lines.length).toBeGreaterThan(20 * FILES);
  expect(after.walk.inodesRead).toBeLessThan(FILES / 4);
  const again = await bench.scan();
  expect(again.walk).toMatchObject({ subvolumesUnchanged: 22, inodesRead: 0 });
  const fresh = await expectAsFresh(again);
  // from nothing: one is read whole, the others where they differ
  expect(fresh.walk).toMatchObject({ subvolumesWalked: 2, subvolumesInherited: 20 });
  expect(fresh.rows).toBe(before.rows);
  expect(fresh.walk.inodesRead).toBeLessThan(before.walk.inodesRead + FILES / 2);

  for (let k = 0; k < 20; k += 3) bench.volume.deleteSubvolume(`snapshot-${k}`);
  const fewer = await bench.scan();
  expect(fewer.walk).toMatchObject({ subvolumesRemoved: 7, subvolumesInherited: 0, subvolumesWalked: 0 });
  expect(fewer.rows).toBe(before.rows);
  expect(fewer.walk.inodesRead).toBeLessThan(PER_LEAF);
  await expectAsFresh(fewer);
});

test("a snapshot costs what changed, and one that goes costs what it alone had", async () => {
  populate("home");
  snapshot("home", "first");
  const before = await bench.scan();
  for (let k = 0; k < 10; k++) write(`home/0/${k}`);
  rmSync(bench.path("home/1"), { recursive: true });
  // the index keeps seconds: all of this may be done in one
  utimesSync(bench.path("home"), 1, 1);
  snapshot("home", "second");
  const after = await expectAndScan();
  expect(after.walk).toMatchObject({ subvolumesInherited: 1, subvolumesWalked: 0 });
  // ten files in a new state, which both have, and the top directory; the folder's rows stay "first"'s
  expect(after.rows - before.rows).toBe(11);
  expect(after.walk.inodesRead).toBeLessThan(FILES);

  bench.volume.deleteSubvolume("first");
  const gone = await expectAndScan();
  // what "home" and "second" have, and the ten old states and the folder are gone
  expect(gone.rows).toBe(after.rows - 11 - (FILES / 4 + 1));
  expect(gone.walk.inodesRead).toBeLessThan(PER_LEAF);

  bench.volume.deleteSubvolume("second");
  const alone = await expectAndScan();
  expect(alone.rows).toBe(gone.rows);
});

async function expectAndScan(): Promise<Scanned> {
  const scanned = await bench.scan();
  await expectAsFresh(scanned);
  return scanned;
}

test("an older snapshot than what is known is read where the two differ", async () => {
  populate("home");
  snapshot("home", "old");
  rmSync(bench.path("home/0"), { recursive: true });
  rmSync(bench.path("home/1/7"));
  write("home/2/new");
  mkdirSync(bench.path("home/2/folder"));
  write("home/2/folder/new");
  write("home/3/5");
  bench.volume.sync();
  // then "old" goes, and a snapshot of it comes: of what is known only "home" is related, and that went on
  const first = await bench.scan();
  snapshot("old", "older");
  bench.volume.deleteSubvolume("old");
  const second = await expectAndScan();
  expect(first.walk.subvolumesWalked).toBe(2);
  expect(second.walk).toMatchObject({ subvolumesInherited: 1, subvolumesWalked: 0, subvolumesRemoved: 1 });
  expect(second.rows).toBe(first.rows);
});

test("the origin goes, and its snapshots and theirs stay related", async () => {
  populate("home");
  snapshot("home", "one");
  const before = await bench.scan();
  write("home/0/0");
  snapshot("home", "two", false);
  await expectAndScan();
  bench.volume.deleteSubvolume("home");
  await expectAndScan();
  snapshot("one", "three");
  write("two/1/1");
  snapshot("two", "four");
  const after = await expectAndScan();
  expect(after.walk).toMatchObject({ subvolumesInherited: 2, subvolumesWalked: 0 });
  expect(after.walk.inodesRead).toBeLessThan(FILES);
  for (const name of ["one", "two", "three"]) {
    bench.volume.deleteSubvolume(name);
    await expectAndScan();
  }
  const last = await expectAndScan();
  expect(last.rows).toBe(before.rows);
});

test("a folder that the origin deleted, and the snapshot renamed, keeps what is in it", async () => {
  populate("home");
  bench.volume.snapshot("home", "copy");
  bench.volume.sync();
  rmSync(bench.path("home/1"), { recursive: true });
  bench.volume.sync();
  // later than the origin, so that it begins with the origin's rows; and of the folder only the leaf of its own is newer
  renameSync(bench.path("copy/1"), bench.path("copy/renamed"));
  bench.volume.sync();
  const { bySubvolume, walk } = await bench.scan();
  expect(walk).toMatchObject({ subvolumesWalked: 2, subvolumesInherited: 1 });
  const inodes = [...bySubvolume.values()].sort((a, b) => a - b);
  expect(inodes.slice(-2)).toEqual([1 + 3 + (FILES * 3) / 4, 1 + 4 + FILES]);
});

test("what is preallocated behind the end of a file is found where a balance moved it", async () => {
  populate("home");
  for (let k = 0; k < 8; k++) {
    write(`home/long-${k}`);
    writeFileSync(bench.path(`home/empty-${k}`), "");
    for (const [name, from] of [
      ["long", 8192],
      ["empty", 0],
    ] as const) {
      withFd(
        bench.path(`home/${name}-${k}`),
        (fd) => {
          fallocate(fd, FALLOC_KEEP_SIZE, from, 32_768);
        },
        constants.O_RDWR,
      );
    }
  }
  bench.volume.sync();
  await bench.scan();
  exec("btrfs", ["balance", "start", "-d", bench.volume.path]);
  bench.volume.sync();
  await expectAsFresh(await bench.scan());
});

test("scans that come while data is being moved, and one after that, find where it lies", async () => {
  populate("home");
  await bench.scan();
  const balance = spawn("btrfs", ["balance", "start", "-d", bench.volume.path], { stdio: "ignore" });
  const end = once(balance, "exit");
  for (let k = 0; balance.exitCode === null; k++) {
    write(`home/${k % 4}/${(k * 37) % (FILES / 4)}`);
    await bench.scan();
  }
  await end;
  write("home/0/0");
  bench.volume.sync();
  await expectAsFresh(await bench.scan());
});

test("copies that are folded in all snapshots share their rows again", async () => {
  bench.volume.createSubvolume("home");
  for (let k = 0; k < 40; k++) {
    const bytes = random.bytes(9000);
    for (const name of ["a", "b"]) writeFileSync(bench.path(`home/${name}${k}`), bytes);
  }
  bench.volume.sync();
  for (let k = 0; k < 6; k++) snapshot("home", `snapshot-${k}`);
  const before = await bench.scan();
  await bench.foldAll();
  const after = await expectAndScan();
  expect(after.rows).toBe(before.rows);
});
