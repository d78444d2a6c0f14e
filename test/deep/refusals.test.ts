/** What a fold of ranges leaves alone, and says so; whatever it leaves takes no more room than before. */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { foldDeep, KIB, MIB, noise, scanDeep, writeParts } from "./support.ts";

/** a and b with a mebibyte in common, and each something of its own: b goes, its rest is written anew. */
function overlap(volume: LoopVolume, random: Random, directory = ""): { a: string; b: string } {
  const run = noise(random, MIB);
  const a = join(volume.path, directory, "a");
  const b = join(volume.path, directory, "b");
  writeParts(a, [noise(random, 500 * KIB), run, noise(random, 700 * KIB)]);
  writeParts(b, [run, noise(random, 64 * KIB)]);
  return { a, b };
}

describe("nothing is folded", () => {
  test("where the file is open for writing; the next run does it", async () => {
    using volume = LoopVolume.create();
    const { b } = overlap(volume, new Random(1));
    const fd = openSync(b, "r+");
    const fold = await foldDeep(volume);
    expect(fold.skipped).toMatchObject([{ path: b, reason: "in-use" }]);
    expect(fold.gained).toBe(0);
    closeSync(fd);
    expect((await foldDeep(volume)).gained).toBe(MIB);
  });

  test("where the file to share with is open for writing", async () => {
    using volume = LoopVolume.create();
    const { a } = overlap(volume, new Random(2));
    const fd = openSync(a, "r+");
    const fold = await foldDeep(volume);
    expect(fold.skipped).toMatchObject([{ path: a, reason: "in-use" }]);
    expect(fold.gained).toBe(0);
    closeSync(fd);
  });

  test("where a reflink of what should go is open for writing", async () => {
    using volume = LoopVolume.create();
    const { b } = overlap(volume, new Random(3));
    const c = join(volume.path, "c");
    exec("cp", ["--reflink=always", b, c]);
    const fd = openSync(c, "r+");
    const fold = await foldDeep(volume);
    expect(fold.skipped).toMatchObject([{ path: c, reason: "in-use" }]);
    expect(fold.gained).toBe(0);
    closeSync(fd);
  });

  test("of an immutable file: it is what others are folded onto", async () => {
    using volume = LoopVolume.create();
    const { b } = overlap(volume, new Random(4));
    changeFlags(b, FileFlag.immutable);
    // more than half of a would have to be written
    expect((await foldDeep(volume)).gained).toBe(0);
    expect((await foldDeep(volume, ["--max-rewrite", "60"])).gained).toBeGreaterThan(0.9 * MIB);
    changeFlags(b, 0, FileFlag.immutable);
  });

  test("of files without checksums, nor of those that are left out", async () => {
    using volume = LoopVolume.create();
    const random = new Random(5);
    const { b } = overlap(volume, random);
    const run = readFileSync(b).subarray(0, MIB);
    const nocow = join(volume.path, "nocow");
    writeFileSync(nocow, "");
    changeFlags(nocow, FileFlag.noCow);
    writeParts(nocow, [noise(random, 8 * KIB), run]);
    expect((await foldDeep(volume, ["--exclude", "b"])).gained).toBe(0);
    expect((await foldDeep(volume)).gained).toBe(MIB);
  });

  test("where the filesystem is too full for the copy", async () => {
    using volume = LoopVolume.create({ size: "256M", mkfs: ["--mixed"] });
    const random = new Random(6);
    overlap(volume, random);
    for (let k = 0; ; k++) {
      const { bavail, bsize } = spaceOf(volume);
      if (bavail * bsize < 30 * MIB) break;
      writeFileSync(join(volume.path, `fill-${k}`), randomBytes(8 * MIB));
      volume.sync();
    }
    const fold = await foldDeep(volume);
    expect(fold.skipped).toMatchObject([{ reason: "no-space" }]);
    expect(fold.gained).toBe(0);
  });
});

function spaceOf(volume: LoopVolume): { bavail: number; bsize: number } {
  const words = exec("stat", ["-f", "-c", "%a %S", volume.path]).trim().split(" ").map(Number);
  return { bavail: words[0] ?? 0, bsize: words[1] ?? 0 };
}

test("file flags and properties stay, and nothing is left beside the files", async () => {
  using volume = LoopVolume.create();
  const random = new Random(7);
  const { b } = overlap(volume, random);
  exec("btrfs", ["property", "set", b, "compression", "zstd"]);
  const inodes = statSync(b).ino;
  expect((await foldDeep(volume)).gained).toBe(MIB);
  expect(statSync(b).ino).toBe(inodes);
  expect(exec("btrfs", ["property", "get", b, "compression"])).toBe("compression=zstd\n");
  expect(exec("find", [volume.path, "-type", "f"]).trim().split("\n").sort()).toEqual([
    join(volume.path, "a"),
    join(volume.path, "b"),
  ]);
});

describe("the command line", () => {
  test("--deep lists ranges with where they begin, and whole files beside them", async () => {
    using volume = LoopVolume.create();
    const random = new Random(8);
    const { a, b } = overlap(volume, random);
    const whole = noise(random, 100 * KIB);
    for (const name of ["w1", "w2"]) writeFileSync(join(volume.path, name), whole);
    volume.sync();
    const words = ["--json", "--db", volume.beside("db"), volume.path];
    const lines = (await refold(["groups", "--deep", ...words])).expectCode(0).jsonLines();
    expect(lines).toMatchObject([
      {
        kind: "range",
        size: MIB,
        reclaimableBytes: MIB,
        files: [
          { path: b, offset: 0 },
          { path: a, offset: 500 * KIB },
        ],
      },
      { kind: "file", size: 100 * KIB, reclaimableBytes: 100 * KIB },
    ]);
    const dry = (await refold(["dedup", "--deep", "--dry-run", ...words])).expectCode(0).json();
    expect(dry).toMatchObject({
      dryRun: true,
      volumes: [
        {
          predictedBytes: MIB + 100 * KIB,
          deep: { extents: 1, files: 1, reclaimableBytes: MIB, rewrittenBytes: 64 * KIB },
        },
      ],
    });
    expect(await scanDeep(volume)).toMatchObject({ extents: 1, reclaimableBytes: MIB });
    expect((await foldDeep(volume)).gained).toBe(MIB + 100 * KIB);
  });

  test("refuses what makes no sense for ranges", async () => {
    using volume = LoopVolume.create();
    const words = ["--db", volume.beside("db"), volume.path];
    (await refold(["scan", "--max-rewrite", "101", ...words])).expectCode(2);
    (await refold(["scan", "--memory", "much", ...words])).expectCode(2);
  });
});
