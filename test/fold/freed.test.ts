/** What a fold frees, and that it says so to the byte. */
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { cloneRange, withFd } from "../support/libc.ts";
import { FoldBench, reasonsOf, sharesAll, TestContext } from "./support.ts";

const MIB = 1 << 20;

/** Runs a fold and compares what it says it freed with what the filesystem has less. */
async function measured(bench: FoldBench, fold: () => Promise<{ freedBytes: number }>): Promise<number> {
  bench.loop.sync();
  const before = bench.loop.usage().dataUsed;
  const { freedBytes } = await fold();
  bench.loop.sync();
  expect(freedBytes).toBe(before - bench.loop.usage().dataUsed);
  return freedBytes;
}

describe("freedBytes is what the filesystem gains", () => {
  test.each(["immutable", "lease"] as const)("whole files of many sizes, lock mode %s", async (lock) => {
    using bench = FoldBench.create();
    const groups: string[][] = [];
    const contents = new Map<string, Buffer>();
    let copies = 0;
    for (const size of [1 + 4096, 8192, 12_345, 65_536, MIB, 5 * MIB + 17, 20 * MIB]) {
      for (let n = 2; n <= 4; n++) {
        const content = randomBytes(size);
        const paths = Array.from({ length: n }, (_, k) => bench.write(`${size}-${n}-${k}`, content));
        for (const path of paths) contents.set(path, content);
        groups.push(paths);
        copies += (n - 1) * Math.ceil(size / 4096) * 4096;
      }
    }
    const freed = await measured(bench, async () => {
      const result = await bench.foldPaths(groups, { lock });
      expect(result).toMatchObject({ groups: groups.length, skipped: [], cancelled: false });
      expect(result.files).toBe(groups.flat().length - groups.length);
      return result;
    });
    expect(freed).toBe(copies);
    for (const [source = "", ...rest] of groups) {
      for (const path of rest) expect(sharesAll(bench, source, path)).toBe(true);
    }
    for (const [path, content] of contents) expect(readFileSync(path).equals(content)).toBe(true);
  });

  test("nothing where a snapshot keeps the extents", async () => {
    using bench = FoldBench.create();
    bench.loop.createSubvolume("s");
    const content = randomBytes(MIB);
    const [a, b] = [bench.write("s/a", content), bench.write("s/b", content)];
    bench.loop.snapshot("s", "kept", { readOnly: true });
    expect(await measured(bench, () => bench.foldPaths([[a, b]]))).toBe(0);
    expect(sharesAll(bench, a, b)).toBe(true);
  });

  test("only what is not shared already is moved, and extents that are still used in part stay", async () => {
    using bench = FoldBench.create();
    const content = randomBytes(4 * MIB);
    const source = bench.write("source", content);
    const partly = bench.write("partly", content);
    const tail = bench.path("tail");
    bench.loop.sync();
    // the first MiB of `partly` shares the source's data; the last MiB of its own extent is in use elsewhere
    withFd(source, (from) => {
      const to = openSync(partly, constants.O_RDWR);
      cloneRange(from, 0, MIB, to, 0);
      closeSync(to);
    });
    withFd(partly, (from) => {
      const to = openSync(tail, constants.O_RDWR | constants.O_CREAT);
      cloneRange(from, 3 * MIB, MIB, to, 0);
      closeSync(to);
    });
    expect(await measured(bench, () => bench.foldPaths([[source, partly]]))).toBe(0);
    expect(sharesAll(bench, source, partly)).toBe(true);
    expect(readFileSync(partly).equals(content)).toBe(true);
    expect(readFileSync(tail).equals(content.subarray(3 * MIB))).toBe(true);
  });

  test("extents that several copies share count once", async () => {
    using bench = FoldBench.create();
    const content = randomBytes(MIB);
    const [a, b, c] = [bench.write("a", content), bench.write("b", content), bench.path("c")];
    exec("cp", ["--reflink=always", b, c]);
    expect(await measured(bench, () => bench.foldPaths([[a, b, c]]))).toBe(MIB);
    expect(sharesAll(bench, a, c)).toBe(true);
  });

  test("compressed with uncompressed copies", async () => {
    using bench = FoldBench.create();
    const content = Buffer.alloc(3 * MIB, "compressible data, again and again; ");
    const plain = bench.write("plain", content);
    const paths = ["zstd", "lzo", "zlib"].map((algorithm) => {
      const path = bench.write(algorithm, Buffer.alloc(0));
      exec("btrfs", ["property", "set", path, "compression", algorithm]);
      writeFileSync(path, content);
      return path;
    });
    const [zstd = "", ...rest] = paths;
    expect(await measured(bench, () => bench.foldPaths([[zstd, plain, ...rest]]))).toBeGreaterThan(3 * MIB);
    for (const path of [plain, ...rest]) {
      expect(sharesAll(bench, zstd, path)).toBe(true);
      expect(readFileSync(path).equals(content)).toBe(true);
    }
  });

  test("with --defrag, less what was written anew; the source ends in one piece", async () => {
    using bench = FoldBench.create();
    const content = randomBytes(2 * MIB);
    const source = bench.write("source", Buffer.alloc(0));
    const fd = openSync(source, "r+");
    // a sync after every other block: each lies in an extent of its own
    for (let at = 0; at < content.length; at += 65_536) {
      writeSync(fd, content, at, 65_536, at);
      if ((at / 65_536) % 2 === 0) fsyncSync(fd);
      else bench.write(`between-${at}`, randomBytes(8192));
    }
    closeSync(fd);
    const copy = bench.write("copy", content);
    bench.loop.sync();
    const before = bench.member(source).extents.length;
    expect(await measured(bench, () => bench.foldPaths([[source, copy]], { defrag: true }))).toBe(2 * MIB);
    expect(sharesAll(bench, source, copy)).toBe(true);
    expect(bench.member(source).extents.length).toBeLessThan(before / 4);
    expect(readFileSync(source).equals(content)).toBe(true);
    expect(readFileSync(copy).equals(content)).toBe(true);
  });
});

test("a group larger than a window is folded in steps, and its progress is told", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(100 * MIB + 5);
  const paths = ["a", "b", "c"].map((name) => bench.write(name, content));
  const ctx = new TestContext();
  const done: number[] = [];
  ctx.onProgress = ({ phase, done: bytes, total }) => {
    if (phase !== "fold") return;
    done.push(bytes);
    expect(total).toBe(2 * content.length);
  };
  const freed = await measured(bench, () => bench.foldPaths([paths], {}, ctx));
  expect(freed).toBe(2 * (100 * MIB + 4096));
  expect(done.length).toBeGreaterThan(1);
  expect([...done].sort((a, b) => a - b)).toEqual(done);
  for (const path of paths) expect(readFileSync(path).equals(content)).toBe(true);
});

test("a second fold of the same files does nothing and frees nothing", async () => {
  using bench = FoldBench.create();
  const content = randomBytes(MIB);
  const paths = ["a", "b"].map((name) => bench.write(name, content));
  await bench.foldPaths([paths]);
  const again = await bench.foldPaths([paths]);
  expect(again).toMatchObject({ files: 0, groups: 0, freedBytes: 0, skipped: [] });
  expect(reasonsOf(again)).toEqual({});
});
