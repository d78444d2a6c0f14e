/** --deep-read: what is compressed, or has no checksums, is compared by what it holds. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { BLOCK, foldDeep, KIB, MIB, noise, scanDeep, writeParts } from "./support.ts";

const READ = ["--deep-read"];

/** Bytes of which any compression leaves somewhat more than a half: 16 that occur nowhere else, 16 known ones. */
function text(random: Random, bytes: number): Buffer {
  const known = Buffer.from("sixteen of bytes");
  const own = noise(random, bytes / 2);
  const all = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 32) {
    own.copy(all, at, at / 2, at / 2 + 16);
    known.copy(all, at + 16);
  }
  return all;
}

function writeNoCow(path: string, parts: readonly Buffer[]): void {
  writeFileSync(path, "");
  changeFlags(path, FileFlag.noCow);
  writeParts(path, parts);
}

describe("data that is compressed in other portions", () => {
  test.each(["zstd:3", "zlib", "lzo"])("%s", async (compression) => {
    using volume = LoopVolume.create({ mountOptions: [`compress-force=${compression}`] });
    const random = new Random(1);
    const run = text(random, 12 * MIB);
    writeParts(join(volume.path, "a"), [run, text(random, 64 * KIB)]);
    // no portion begins where one of the other file does
    writeParts(join(volume.path, "b"), [text(random, 5 * BLOCK), run]);
    writeParts(join(volume.path, "c"), [text(random, 18 * BLOCK), run.subarray(0, 6 * MIB)]);
    volume.sync();
    expect((await scanDeep(volume)).reclaimableBytes).toBeLessThan(MIB);
    const used = volume.usage().dataUsed;
    const fold = await foldDeep(volume, READ);
    expect(fold.skipped).toEqual([]);
    // 18 of 30 MiB and a little more go
    expect(fold.gained).toBeGreaterThan(0.57 * used);
    expect((await foldDeep(volume, READ)).gained).toBeLessThan(64 * KIB);
  });

  test.each(["crc32c", "xxhash", "sha256", "blake2b"] as const)(
    "and data that is compressed in one file only, on a volume with %s",
    async (csum) => {
      using volume = LoopVolume.create({ csum });
      const random = new Random(2);
      const run = text(random, 4 * MIB);
      volume.remount("compress-force=zstd");
      writeParts(join(volume.path, "packed"), [text(random, 7 * BLOCK), run]);
      volume.sync();
      const packed = volume.usage().dataUsed;
      volume.remount("compress=no");
      writeParts(join(volume.path, "plain"), [run, noise(random, 3 * BLOCK)]);
      volume.sync();
      expect((await scanDeep(volume)).reclaimableBytes).toBe(0);
      const fold = await foldDeep(volume, READ);
      expect(fold.skipped).toEqual([]);
      // it is the compressed one that stays
      expect(fold.gained).toBeGreaterThan(0.99 * run.length);
      expect(volume.usage().dataUsed).toBeLessThan(packed + 64 * KIB);
    },
  );

  test("the promise holds where whole files are folded in between", async () => {
    using volume = LoopVolume.create({ mountOptions: ["compress-force=zstd"] });
    const random = new Random(3);
    const run = text(random, 4 * MIB);
    writeParts(join(volume.path, "a"), [run, text(random, 64 * KIB)]);
    writeParts(join(volume.path, "b"), [text(random, 5 * BLOCK), run]);
    // whole files are folded in between
    for (const name of ["w1", "w2"]) writeFileSync(join(volume.path, name), run.subarray(0, 3 * MIB));
    volume.sync();
    const fold = await foldDeep(volume, READ);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBeGreaterThan(0.45 * (4 + 3 + 3) * MIB);
  });
});

describe("NOCOW files", () => {
  test("share with each other, and stay NOCOW", async () => {
    using volume = LoopVolume.create();
    const random = new Random(4);
    const run = noise(random, 3 * MIB);
    writeNoCow(join(volume.path, "a"), [noise(random, 20 * KIB), run]);
    writeNoCow(join(volume.path, "b"), [run, noise(random, 40 * KIB)]);
    expect((await foldDeep(volume)).gained).toBe(0);
    const fold = await foldDeep(volume, READ);
    expect(fold.skipped).toEqual([]);
    expect(fold.gained).toBe(3 * MIB);
    expect(exec("lsattr", [volume.path]).match(/^[^ /]*C[^ /]* /gmu)).toHaveLength(2);
  });

  test("share nothing with files that have checksums", async () => {
    using volume = LoopVolume.create();
    const random = new Random(5);
    const run = noise(random, 3 * MIB);
    writeNoCow(join(volume.path, "a"), [noise(random, 20 * KIB), run, Buffer.alloc(64 * KIB), run]);
    writeParts(join(volume.path, "b"), [run, Buffer.alloc(64 * KIB), noise(random, 40 * KIB)]);
    const fold = await foldDeep(volume, [...READ, "--max-rewrite", "60"]);
    expect(fold.skipped).toEqual([]);
    // the two copies in one file, and no more
    expect(fold.gained).toBe(3 * MIB);
  });
});

test("data that cannot be read stays, and the rest is folded", async () => {
  using volume = LoopVolume.create({ size: "300M", mountOptions: ["compress-force=lzo"] });
  const random = new Random(6);
  const run = text(random, 2 * MIB);
  writeParts(join(volume.path, "a"), [text(random, 5 * BLOCK), run]);
  writeParts(join(volume.path, "b"), [text(random, 9 * BLOCK), run]);
  volume.unmount();
  // what lzo cannot compress it leaves as it is: spoils one extent of b
  const image = volume.images[0] ?? "";
  const disk = readFileSync(image);
  const marker = run.subarray(MIB, MIB + 16);
  const at = disk.lastIndexOf(marker);
  expect(at).toBeGreaterThan(disk.indexOf(marker));
  const fd = openSync(image, "r+");
  writeSync(fd, Buffer.alloc(16), 0, 16, at);
  closeSync(fd);
  volume.mount();
  const words = ["--yes", "--json", "--deep-read", "--db", volume.beside("db"), volume.path];
  const { volumes } = (await refold(["dedup", ...words])).expectCode(0, 1).json() as {
    volumes: { predictedBytes: number; freedBytes: number }[];
  };
  const [fold] = volumes;
  expect(fold?.freedBytes).toBe(fold?.predictedBytes);
  // all but two or three of its sixteen extents
  expect(fold?.freedBytes).toBeGreaterThan(0.75 * MIB);
});
