/** Whatever a fold of ranges meets, less room is taken afterwards than before, and the promise is kept. */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import { refold, ROOT } from "../support/run.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  expectExact,
  foldDeep,
  KIB,
  MIB,
  noise,
  plantMixtures,
  writeParts,
  type DeepFold,
} from "./support.ts";
import { redundantBytes } from "./truth.ts";

describe("on volumes that store data in other ways", () => {
  test.each([
    ["twice on one device", { mkfs: ["--data", "dup"] }],
    ["on two devices, mirrored", { devices: 2, mkfs: ["--data", "raid1"] }],
  ])("%s", async (_, options) => {
    using volume = LoopVolume.create({ size: "1G", ...options });
    plantMixtures(new Random(21), [volume.path], 0.4);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const fold = await foldDeep(volume);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThan(0.95 * truth);
  });

  test.each([[[]], [["--deep-read"]]])(
    "compressed %j: what is written anew is as long as promised",
    async (extra) => {
      using volume = LoopVolume.create({ mountOptions: ["compress=zstd"] });
      const random = new Random(22);
      // text of words, as unequal as what people have
      const words = Array.from({ length: 3000 }, () => noise(random, random.between(2, 9)).toString("hex"));
      const text = (bytes: number): Buffer => {
        const all: string[] = [];
        for (let length = 0; length < bytes; length += 12) all.push(random.pick(words), " ");
        return Buffer.from(all.join("")).subarray(0, bytes);
      };
      const stock = Array.from({ length: 12 }, () => text(4 * KIB * random.between(40, 400)));
      for (let k = 0; k < 30; k++) {
        const parts = [random.pick(stock), text(random.between(1, 90_000)), random.pick(stock)];
        writeParts(join(volume.path, `file-${k}`), parts, random.chance(0.3));
      }
      volume.sync();
      // foldDeep holds the promise against what was gained
      const fold = await foldDeep(volume, extra);
      expect(fold.skipped).toEqual([]);
      expectExact(fold.predictedBytes, fold.gained);
      expect(fold.gained).toBeGreaterThan(0);
    },
  );
});

test("a volume on which nothing more can be written", async () => {
  using volume = LoopVolume.create({ size: "600M" });
  const random = new Random(23);
  plantMixtures(random, [volume.path], 0.4);
  const run = noise(random, 12 * MIB);
  writeParts(join(volume.path, "cheap-a"), [run, noise(random, 64 * KIB)], true);
  writeParts(join(volume.path, "cheap-b"), [noise(random, 12 * KIB), run], true);
  volume.sync();
  // until nothing more can be written at all
  const full = (): boolean => {
    for (let k = 0; k < 1000; k++) {
      try {
        writeFileSync(join(volume.path, `fill-${k}`), randomBytes(2 * MIB));
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === "ENOSPC";
      }
    }
    return false;
  };
  expect(full()).toBe(true);
  const fold = await foldDeep(volume);
  // what goes without a copy goes
  expect(fold.gained).toBeGreaterThanOrEqual(run.length);
  for (const { reason } of fold.skipped) expect(reason).toBe("no-space");
});

describe("what is refused half way", () => {
  test("files that are open for writing: those that share a copy with them stay whole, the next run does it", async () => {
    using volume = LoopVolume.create();
    plantMixtures(new Random(24), [volume.path], 0.4);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const fds = readdirSync(volume.path)
      .filter((_, k) => k % 5 === 0)
      .map((name) => openSync(join(volume.path, name), "r+"));
    const fold = await foldDeep(volume);
    expect(new Set(fold.skipped.map(({ reason }) => reason))).toContain("in-use");
    for (const fd of fds) closeSync(fd);
    const rest = await foldDeep(volume);
    expect(rest.skipped).toEqual([]);
    expect(fold.gained + rest.gained).toBeGreaterThan(0.95 * truth);
  });

  test("writers that come while files are folded", async () => {
    using volume = LoopVolume.create();
    plantMixtures(new Random(25), [volume.path], 0.4);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const random = new Random(26);
    const names = readdirSync(volume.path);
    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) {
        // waits for a lease to be given up, and is refused while the file is immutable
        const file = await open(join(volume.path, random.pick(names)), "r+").catch(() => null);
        await sleep(random.between(1, 15));
        await file?.close();
      }
    })();
    const fold = await foldDeep(volume).finally(() => {
      over.abort();
    });
    await writer;
    const rest = await foldDeep(volume);
    expect(rest.skipped).toEqual([]);
    expect(fold.gained + rest.gained).toBeGreaterThan(0.95 * truth);
  });

  test.each([3, 8])("every %i. range, of those that are moved back, too", async (every) => {
    using volume = LoopVolume.create();
    plantMixtures(new Random(27), [volume.path], 0.4);
    volume.settle();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const used = volume.usage().dataUsed;
    await foldRefused(volume, every);
    const after = volume.usage().dataUsed;
    // what could not even be moved back is in the journal
    (await refold(["repair", "--json", "--db", volume.beside("db"), volume.path])).expectCode(0);
    volume.settle();
    const mended = volume.usage().dataUsed;
    expect(mended).toBeLessThanOrEqual(after);
    const rest = await foldDeep(volume);
    expect(rest.skipped).toEqual([]);
    expect(used - mended + rest.gained).toBeGreaterThan(0.95 * truth);
  });

  test("and the next run counts what comes back when that is mended", async () => {
    using volume = LoopVolume.create();
    plantMixtures(new Random(27), [volume.path], 0.4);
    const truth = redundantBytes(volume.path, 64 * KIB);
    volume.settle();
    const used = volume.usage().dataUsed;
    await foldRefused(volume, 3);
    const rest = await foldDeep(volume);
    expect(rest.skipped).toEqual([]);
    const mended = rest.differences.find(({ cause }) => cause === "mended");
    expect(-(mended?.bytes ?? 0)).toBeGreaterThan(MIB);
    expect(used - volume.usage().dataUsed).toBeGreaterThan(0.95 * truth);
  });
});

/** A fold in which the kernel refuses every so many ranges. */
async function foldRefused(volume: LoopVolume, every: number): Promise<void> {
  const shim = volume.beside("refuse-at.so");
  exec("gcc", ["-shared", "-fPIC", "-O1", "-o", shim, join(ROOT, "test/deep/refuse-at.c")]);
  const state = snapshotState(volume.path);
  const used = volume.usage().dataUsed;
  const env = { LD_PRELOAD: shim, REFUSE_EVERY: String(every), REFUSE_FROM: String(every) };
  const words = ["dedup", "--yes", "--deep", "--json", "--db", volume.beside("db"), volume.path];
  const result = (await refold(words, { env })).expectCode(1).json() as { volumes: DeepFold[] };
  volume.settle();
  const after = volume.usage().dataUsed;
  expect(after).toBeLessThanOrEqual(used);
  expect(result.volumes[0]?.freedBytes).toBe(used - after);
  expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
}
