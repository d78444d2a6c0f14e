/** Partial duplicates on real volumes: what is freed against what reading everything says could be. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  BLOCK,
  foldDeep,
  KIB,
  MIB,
  noise,
  plantMixtures,
  plantOverlaps,
  scanDeep,
  writeParts,
} from "./support.ts";
import { redundantBytes } from "./truth.ts";

describe("at least nine tenths of what is redundant in runs of 64 KiB and more is freed", () => {
  test.each(["crc32c", "xxhash", "sha256", "blake2b"] as const)("checksums %s", async (csum) => {
    using volume = LoopVolume.create({ csum });
    const random = new Random(csum.length * 977);
    volume.createSubvolume("one");
    volume.createSubvolume("two");
    plantOverlaps(random, [volume.path, join(volume.path, "one"), join(volume.path, "two")]);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    expect(truth).toBeGreaterThan(20 * MIB);
    const fold = await foldDeep(volume);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThanOrEqual(0.9 * truth);
    // nothing of it is left to do
    const again = await foldDeep(volume);
    expect(again.gained).toBeLessThan(0.02 * truth);
  });

  test("across subvolumes and snapshots of both kinds, and inside of one file", async () => {
    using volume = LoopVolume.create();
    const random = new Random(31_337);
    for (const name of ["one", "two"]) volume.createSubvolume(name);
    const at = (path: string): string => join(volume.path, path);
    plantOverlaps(random, ["", "one", "two"].map(at));
    for (let k = 0; k < 4; k++) {
      const run = noise(random, BLOCK * random.between(16, 200));
      const own = noise(random, BLOCK * random.between(1, 8));
      writeParts(at(`one/self-${k}`), [run, own, run, noise(random, 999)], k % 2 === 0);
      // one copy in a read-only snapshot alone, the other made later
      writeParts(at(`two/gone-${k}`), [own, noise(random, 3 * BLOCK), run]);
    }
    volume.sync();
    volume.snapshot("one", "one-kept", { readOnly: true });
    volume.snapshot("two", "two-kept", { readOnly: true });
    volume.snapshot("two", "two-writable");
    for (let k = 0; k < 4; k++) for (const home of ["two", "two-writable"]) rmSync(at(`${home}/gone-${k}`));
    for (const folder of ["one/late", "two-writable/late"]) mkdirSync(at(folder));
    plantOverlaps(random, ["one/late", "two-writable/late", "two"].map(at));
    volume.snapshot("two-writable", "again", { readOnly: true });
    volume.settle();
    const truth = redundantBytes(volume.path, 64 * KIB);
    expect(truth).toBeGreaterThan(40 * MIB);
    const fold = await foldDeep(volume, ["--snapshots"]);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThanOrEqual(0.9 * truth);
  });

  test("every alignment, whole files among them, and a run of 200 MiB", async () => {
    using volume = LoopVolume.create({ size: "3G" });
    const random = new Random(4711);
    const long = noise(random, 200 * MIB);
    writeParts(join(volume.path, "long-a"), [long, noise(random, 3 * MIB)]);
    writeParts(join(volume.path, "long-b"), [noise(random, 3 * BLOCK), long]);
    const whole = noise(random, 2 * MIB + 17);
    for (const name of ["whole-a", "whole-b"]) writeFileSync(join(volume.path, name), whole);
    // shifted by every multiple of 4 KiB up to the largest extent of compressed data, and a little more
    for (let shift = 0; shift <= 33; shift += 3) {
      const run = noise(random, 512 * KIB);
      writeParts(join(volume.path, `shift-${shift}-a`), [run, noise(random, 64 * KIB)]);
      writeParts(join(volume.path, `shift-${shift}-b`), [noise(random, shift * BLOCK), run]);
    }
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    expect(truth).toBeGreaterThan(207 * MIB);
    const fold = await foldDeep(volume);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThanOrEqual(0.9 * truth);
  });
});

describe("extents that keep each other's content alive go together, what they had in common written once", () => {
  test.each([0.2, 0.6, 1])("%d bytes of a file's own for each that it has in common", async (own) => {
    using volume = LoopVolume.create();
    const random = new Random(own * 977);
    volume.createSubvolume("one");
    plantMixtures(random, [volume.path, join(volume.path, "one")], own);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const scan = await scanDeep(volume);
    expect(scan.rewrittenBytes).toBeLessThanOrEqual(scan.reclaimableBytes);
    const fold = await foldDeep(volume);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThanOrEqual(0.97 * truth);
    expect((await foldDeep(volume)).gained).toBe(0);
  });

  test("where more is a file's own than in common, only until what may be written is used up", async () => {
    using volume = LoopVolume.create();
    const random = new Random(977);
    plantMixtures(random, [volume.path], 2);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const scan = await scanDeep(volume);
    expect(scan.rewrittenBytes).toBeLessThanOrEqual(scan.reclaimableBytes);
    expect(scan.rewrittenBytes).toBeGreaterThan(0.95 * scan.reclaimableBytes);
    expect(scan.reclaimableBytes).toBeGreaterThan(0.8 * truth);
    expect((await foldDeep(volume, ["--max-rewrite", "100"])).gained).toBeGreaterThan(0.97 * truth);
  });
});

describe("files in common that are cut into extents at other places", () => {
  test.each([1, 2, 3, 4])("seed %i", async (seed) => {
    using volume = LoopVolume.create();
    const random = new Random(seed);
    const run = noise(random, 60 * MIB);
    const cut = (): Buffer[] => {
      const parts: Buffer[] = [];
      for (let at = 0; at < run.length;) {
        const length = BLOCK * random.between(1, seed % 2 === 0 ? 6000 : 500);
        parts.push(run.subarray(at, at + length));
        at += length;
      }
      return parts;
    };
    writeParts(join(volume.path, "a"), [...cut(), noise(random, 3 * MIB)], true);
    writeParts(join(volume.path, "b"), [noise(random, 3 * BLOCK), ...cut()], true);
    writeParts(join(volume.path, "c"), [noise(random, 2 * MIB), ...cut().slice(1)], true);
    volume.sync();
    const truth = redundantBytes(volume.path, 64 * KIB);
    const fold = await foldDeep(volume);
    expect(fold.gained).toBeGreaterThanOrEqual(0.9 * truth);
  });
});

describe("ranges", () => {
  test("inside one file, and three times over", async () => {
    using volume = LoopVolume.create();
    const random = new Random(1);
    const run = noise(random, MIB);
    writeParts(join(volume.path, "self"), [run, noise(random, 20 * KIB), run, noise(random, 8 * KIB), run]);
    const fold = await foldDeep(volume);
    expect(fold.gained).toBe(2 * MIB);
  });

  test("blocks of zeros are no match: files of nothing but zeros stay", async () => {
    using volume = LoopVolume.create();
    const random = new Random(2);
    for (const name of ["a", "b"])
      writeParts(join(volume.path, name), [noise(random, BLOCK), Buffer.alloc(MIB), noise(random, BLOCK)]);
    expect(await scanDeep(volume)).toMatchObject({ extents: 0, reclaimableBytes: 0 });
    expect((await foldDeep(volume)).gained).toBe(0);
  });

  test("what takes more writing than was allowed stays", async () => {
    using volume = LoopVolume.create();
    const random = new Random(3);
    const run = noise(random, 200 * KIB);
    writeParts(join(volume.path, "a"), [noise(random, 600 * KIB), run]);
    writeParts(join(volume.path, "b"), [run, noise(random, 400 * KIB)]);
    expect(await scanDeep(volume)).toMatchObject({ extents: 0 });
    const allowed = await scanDeep(volume, ["--max-rewrite", "67"]);
    expect(allowed).toMatchObject({ extents: 1, reclaimableBytes: 200 * KIB, rewrittenBytes: 400 * KIB });
    expect((await foldDeep(volume, ["--max-rewrite", "0"])).gained).toBe(0);
    expect((await foldDeep(volume, ["--max-rewrite", "66"])).gained).toBe(0);
    expect((await foldDeep(volume, ["--max-rewrite", "67"])).gained).toBe(200 * KIB);
  });

  test("what is allowed is counted over all of them: one that goes for nothing lets a dear one go, too", async () => {
    using volume = LoopVolume.create();
    const random = new Random(11);
    const run = noise(random, 200 * KIB);
    writeParts(join(volume.path, "a"), [noise(random, 600 * KIB), run]);
    writeParts(join(volume.path, "b"), [run, noise(random, 400 * KIB)]);
    const cheap = noise(random, 600 * KIB);
    writeParts(join(volume.path, "c"), [cheap, noise(random, 8 * KIB)]);
    writeParts(join(volume.path, "d"), [noise(random, 12 * KIB), cheap], true);
    // 400 KiB of 600 + 600
    expect(await scanDeep(volume)).toMatchObject({
      extents: 2,
      reclaimableBytes: 800 * KIB,
      rewrittenBytes: 400 * KIB,
    });
    expect(await scanDeep(volume, ["--max-rewrite", "33"])).toMatchObject({ extents: 1, rewrittenBytes: 0 });
    const fold = await foldDeep(volume);
    expect(fold.gained).toBe(800 * KIB);
  });

  test("a range that several reflinks hold goes only when all of them let go, and it does", async () => {
    using volume = LoopVolume.create();
    const random = new Random(4);
    const run = noise(random, MIB);
    writeParts(join(volume.path, "a"), [run, noise(random, 64 * KIB)]);
    writeParts(join(volume.path, "b"), [noise(random, 64 * KIB), run]);
    for (let k = 0; k < 5; k++)
      exec("cp", ["--reflink=always", join(volume.path, "b"), join(volume.path, `b-${k}`)]);
    expect((await foldDeep(volume)).gained).toBe(MIB);
  });

  test("an extent that is in use in part only goes too", async () => {
    using volume = LoopVolume.create();
    const random = new Random(5);
    const run = noise(random, MIB);
    writeFileSync(join(volume.path, "a"), run);
    writeParts(join(volume.path, "b"), [noise(random, 200 * KIB), run.subarray(0, 800 * KIB)]);
    volume.sync();
    // the first blocks of b are written anew: its old extent keeps them all the same
    exec("dd", ["if=/dev/urandom", `of=${join(volume.path, "b")}`, "bs=4K", "count=10", "conv=notrunc"]);
    volume.sync();
    expect((await foldDeep(volume)).gained).toBe(1000 * KIB - 160 * KIB);
  });

  test("compressed extents that are compressed alike", async () => {
    using volume = LoopVolume.create({ mountOptions: ["compress-force=zstd:3"] });
    const random = new Random(6);
    const text = (bytes: number): Buffer => Buffer.from(noise(random, bytes / 2).toString("hex"));
    const run = text(4 * MIB);
    writeParts(join(volume.path, "a"), [text(256 * KIB), run]);
    writeParts(join(volume.path, "b"), [run, text(384 * KIB)]);
    const fold = await foldDeep(volume);
    expect(fold.gained).toBeGreaterThan(1.9 * MIB);
    expect(readFileSync(join(volume.path, "b")).subarray(0, run.length).equals(run)).toBe(true);
  });

  test("on two devices, mirrored", async () => {
    using volume = LoopVolume.create({ devices: 2, size: "1G", mkfs: ["--data", "raid1"] });
    const random = new Random(7);
    const run = noise(random, 4 * MIB);
    writeParts(join(volume.path, "a"), [noise(random, 12 * KIB), run]);
    writeParts(join(volume.path, "b"), [run, noise(random, 100 * KIB)]);
    const fold = await foldDeep(volume);
    expect(fold.gained).toBeGreaterThan(3.9 * MIB);
  });
});

describe("snapshots", () => {
  test("keep an extent, unless they are folded too", async () => {
    using volume = LoopVolume.create();
    const random = new Random(8);
    const run = noise(random, 2 * MIB);
    volume.createSubvolume("s");
    writeParts(join(volume.path, "s/a"), [noise(random, 20 * KIB), run]);
    writeParts(join(volume.path, "s/b"), [run, noise(random, 40 * KIB)]);
    volume.snapshot("s", "kept", { readOnly: true });
    volume.snapshot("s", "writable");
    expect((await foldDeep(volume)).gained).toBe(0);
    const fold = await foldDeep(volume, ["--snapshots"]);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThan(1.9 * MIB);
  });

  test("hold what files outside of them can share", async () => {
    using volume = LoopVolume.create();
    const random = new Random(9);
    const run = noise(random, 2 * MIB);
    volume.createSubvolume("s");
    writeParts(join(volume.path, "s/a"), [noise(random, 20 * KIB), run]);
    volume.snapshot("s", "kept", { readOnly: true });
    exec("rm", [join(volume.path, "s/a")]);
    mkdirSync(join(volume.path, "d"));
    writeParts(join(volume.path, "d/b"), [run, noise(random, 40 * KIB)]);
    expect((await foldDeep(volume)).gained).toBeGreaterThan(1.9 * MIB);
  });
});

describe("--no-crossvol", () => {
  const APART = ["--no-crossvol"];

  test("shares inside of each subvolume, and nothing between two", async () => {
    using volume = LoopVolume.create();
    const random = new Random(12);
    const [both, first, second] = [noise(random, MIB), noise(random, 2 * MIB), noise(random, 3 * MIB)];
    const write = (subvolume: string, run: Buffer): void => {
      const path = volume.createSubvolume(subvolume);
      writeParts(join(path, "a"), [run, noise(random, 64 * KIB)], true);
      writeParts(join(path, "b"), [noise(random, 12 * KIB), run], true);
      writeParts(join(path, "c"), [noise(random, 8 * KIB), both, noise(random, 12 * KIB)], true);
    };
    write("s", first);
    write("t", second);
    const fold = await foldDeep(volume, APART);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBe(5 * MIB);
    expect((await foldDeep(volume)).gained).toBe(MIB);
  });

  test("leaves what a snapshot holds, too, and shares with it", async () => {
    using volume = LoopVolume.create();
    const random = new Random(13);
    const run = noise(random, 2 * MIB);
    volume.createSubvolume("s");
    writeParts(join(volume.path, "s/a"), [noise(random, 20 * KIB), run]);
    volume.snapshot("s", "other");
    writeParts(join(volume.path, "s/b"), [run, noise(random, 40 * KIB)]);
    writeParts(join(volume.path, "s/c"), [noise(random, 60 * KIB), run]);
    const fold = await foldDeep(volume, APART);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBe(4 * MIB);
  });

  test("with compressed extents that are alike", async () => {
    using volume = LoopVolume.create({ mountOptions: ["compress-force=zstd"] });
    const random = new Random(14);
    const text = (bytes: number): Buffer => Buffer.from(noise(random, bytes / 2).toString("hex"));
    const run = text(2 * MIB);
    for (const subvolume of ["s", "t"]) {
      const path = volume.createSubvolume(subvolume);
      writeParts(join(path, "a"), [text(256 * KIB), run]);
    }
    writeParts(join(volume.path, "t/b"), [run, text(384 * KIB)]);
    // one of the three copies stays in each of two subvolumes
    const fold = await foldDeep(volume, APART);
    expect(fold.gained).toBeGreaterThan(0.95 * MIB);
    expect(fold.gained).toBeLessThan(1.2 * MIB);
    expect((await foldDeep(volume)).gained).toBeGreaterThan(0.95 * MIB);
  });
});

test("with little memory the search looks at a thinner sample, and still finds long runs", async () => {
  using volume = LoopVolume.create();
  const random = new Random(10);
  const run = noise(random, 60 * MIB);
  writeParts(join(volume.path, "a"), [noise(random, 12 * KIB), run]);
  writeParts(join(volume.path, "b"), [run, noise(random, 12 * KIB)]);
  const thick = await scanDeep(volume);
  const thin = await scanDeep(volume, ["--memory", "64K"]);
  expect(thick.sample).toBe(1);
  expect(thin.sample).toBeGreaterThan(8);
  expect(thin.reclaimableBytes).toBeGreaterThan(0.95 * thick.reclaimableBytes);
});
