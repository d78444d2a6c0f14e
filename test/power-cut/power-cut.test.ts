/**
 * A power cut keeps what the disk had: not what was still in memory, and no
 * process to clean up. The image is copied while the run stands still, together
 * with its databases, and that copy is what comes back after the cut.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { getFlags, withFd } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { REFOLD, refold } from "../support/run.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { afterTheCut, copyDisk } from "./cut.ts";

const IMMUTABLE = 0x10;
const CUTS = 8;
const SEED = 20261;

let volume: LoopVolume;
const random = new Random(SEED);

beforeAll(() => {
  volume = LoopVolume.create({ size: "1G" });
});
afterAll(() => {
  volume.dispose();
});

/** Pairs of equal files that no run has folded yet. Those of the cut before the last are done with. */
function writePairs(cut: number): void {
  rmSync(join(volume.path, `cut${cut - 2}`), { recursive: true, force: true });
  for (const side of ["one", "two"]) mkdirSync(join(volume.path, `cut${cut}`, side), { recursive: true });
  for (let k = 0; k < 250; k++) {
    const content = random.bytes(4096 * (1 + (k % 24)) + (k % 3 === 0 ? 100 : 0));
    for (const side of ["one", "two"]) {
      writeFileSync(join(volume.path, `cut${cut}`, side, `file${k}`), content);
    }
  }
}

function immutableFiles(state: TreeState): string[] {
  return [...state]
    .filter(([, file]) => (Number(file.get("flags") ?? 0) & IMMUTABLE) !== 0)
    .map(([path]) => path)
    .sort();
}

/** Waits until the run has locked some file, or is over. */
async function lockedFile(cut: number, isOver: () => boolean): Promise<void> {
  const folder = join(volume.path, `cut${cut}`, "one");
  const files = readdirSync(folder).map((name) => join(folder, name));
  while (!isOver()) {
    if (files.some((file) => (withFd(file, getFlags) & IMMUTABLE) !== 0)) return;
    await sleep(1);
  }
}

test("what a power cut leaves immutable is known, can be mended, and no content is lost", async () => {
  const databases = volume.beside("db");
  const cutDatabases = volume.beside("cut-db");
  const cutImage = volume.beside("cut.img");
  let cutsWithStuckFiles = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    writePairs(cut);
    volume.sync();
    const before = snapshotState(volume.path);

    const child = spawn(REFOLD, ["dedup", "--yes", "--quiet", "--db", databases, volume.path], {
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    await lockedFile(cut, () => child.exitCode !== null);
    await sleep(random.below(20));
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGSTOP");
    // some cuts fall after a commit of the filesystem, in which flags became durable
    if (cut % 2 === 1) exec("sync", ["--file-system", volume.path]);
    copyDisk(volume, databases, cutImage, cutDatabases);
    child.kill("SIGKILL");
    await ended;

    await afterTheCut(volume, cutImage, async () => {
      const found = immutableFiles(snapshotState(volume.path, { contents: false }));
      if (found.length > 0) cutsWithStuckFiles++;
      const words = ["--json", "--db", cutDatabases, volume.path];
      const stuck = (await refold(["stuck", ...words])).expectCode(0).json() as {
        files: { path: string; origin: string }[];
      };
      const named = stuck.files.map((file) => file.path.slice(volume.path.length + 1)).sort();
      expect(named).toEqual(found.map((path) => path.replace(/^\//, "")));
      expect(stuck.files.filter((file) => file.origin !== "refold")).toEqual([]);
      (await refold(["repair", ...words])).expectCode(0);
      expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
      (await refold(["dedup", "--yes", ...words])).expectCode(0);
      expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
    });
    (await refold(["repair", "--db", databases, volume.path])).expectCode(0);
    (await refold(["dedup", "--yes", "--db", databases, volume.path])).expectCode(0);
    expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
  }
  expect(cutsWithStuckFiles).toBeGreaterThan(0);
});

test("the test above can see an immutable file", () => {
  const folder = join(volume.path, `cut${CUTS - 1}`, "one");
  const [pair] = readdirSync(folder);
  const path = join(folder, pair ?? "");
  exec("chattr", ["+i", path]);
  try {
    expect(withFd(path, getFlags) & IMMUTABLE).toBe(IMMUTABLE);
    expect(immutableFiles(snapshotState(volume.path, { contents: false }))).toHaveLength(1);
  } finally {
    exec("chattr", ["-i", path]);
  }
});
