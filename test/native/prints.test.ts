/** Prints from the checksum tree and from reading: one file, one print, however it lies on disk. */
import { closeSync, constants, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { constants as os } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Control, NativeError, PRINT, tryCallAsync } from "../../src-helper/native/library.ts";
import { inodeOf, withOpen } from "../kernel-facts/support.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import { reflink, WRITERS } from "./files.ts";
import {
  csumPrints,
  MODE,
  readInodes,
  readPrints,
  SECTOR,
  tasksOf,
  walkTree,
  type Print,
  type WalkRecord,
} from "./support.ts";

const TOP = 5;
const volume = LoopVolume.create({ size: "2G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

/** Some random blocks, some of zeros. */
function contentOf(size: number): Buffer {
  const content = randomBytes(size);
  for (let at = 0; at < size; at += SECTOR)
    if (Math.random() < 0.3) content.fill(0, at, Math.min(at + SECTOR, size));
  return content;
}

async function records(paths: readonly string[]): Promise<WalkRecord[]> {
  volume.sync();
  return readInodes(top, TOP, paths.map(inodeOf));
}

describe("plain data", () => {
  const SIZES = [2049, 4095, 4096, 4097, 8192, 12_289, 65_536, 100_001, 1 << 20, (1 << 20) + 1, 5_000_000];
  /** By size: every way of writing one content, and one file of another content. */
  const bySize = new Map<number, { same: string[]; other: string; content: Buffer }>();
  beforeAll(() => {
    for (const size of SIZES) {
      const content = contentOf(size);
      const same: string[] = [];
      for (const [k, write] of Object.values(WRITERS).entries()) {
        const path = join(volume.path, `${size}.${k}`);
        write(path, content);
        same.push(path);
      }
      volume.sync();
      const [first = ""] = same;
      for (const step of [SECTOR, 16 * SECTOR]) {
        const path = join(volume.path, `${size}.reflink.${step}`);
        reflink(first, path, size, step);
        same.push(path);
      }
      const other = join(volume.path, `${size}.other`);
      const changed = Buffer.from(content);
      changed.writeUInt8(changed.readUInt8(size - 1) ^ 1, size - 1);
      writeFileSync(other, changed);
      bySize.set(size, { same, other, content });
    }
    volume.sync();
  });

  test.each(SIZES)("of %i bytes: one print for every way of writing it, and the same by reading", async (size) => {
    const { same, other } = bySize.get(size) ?? { same: [], other: "" };
    const files = await records([...same, other]);
    expect(files.every((file) => file.size === size)).toBe(true);
    const sums = await csumPrints(top, files);
    const reads = await readPrints(top, TOP, files);
    expect(sums.map((sum) => sum.status)).toEqual(files.map(() => PRINT.plain));
    expect(reads.map((read) => read.error)).toEqual(files.map(() => 0));
    expect(sums.map((sum) => sum.print)).toEqual(reads.map((read) => read.print));
    expect(new Set(sums.slice(0, -1).map((sum) => sum.print)).size).toBe(1);
    expect(new Set(reads.slice(0, -1).map((read) => read.strong)).size).toBe(1);
    expect(sums.at(-1)?.print).not.toBe(sums[0]?.print);
    expect(reads.at(-1)?.strong).not.toBe(reads[0]?.strong);
  });

  test("a batch gives each file what it gets alone, in any order", async () => {
    const paths = [...bySize.values()].flatMap(({ same, other }) => [...same, other]);
    const files = await records(paths);
    const inOrder = await csumPrints(top, files);
    const order = files.map((_, k) => k).sort(() => Math.random() - 0.5);
    const shuffled = await csumPrints(
      top,
      order.map((k) => files[k] ?? { blob: Buffer.alloc(0), size: 0 }),
    );
    expect(shuffled).toEqual(order.map((k) => inOrder[k]));
    const alone: Print[] = [];
    for (const file of files) alone.push(...(await csumPrints(top, [file])));
    expect(alone).toEqual(inOrder);
  });

  test("a file given many times in one batch gets its print every time", async () => {
    const [file] = await records([bySize.get(5_000_000)?.other ?? ""]);
    if (file === undefined) throw new Error("no record");
    const prints = await csumPrints(top, new Array<WalkRecord>(50).fill(file));
    expect(new Set(prints.map((print) => `${print.status} ${print.print}`)).size).toBe(1);
  });

  test("zeros have the same print written, preallocated or as a hole, and not that of fewer zeros", async () => {
    const size = 40 * SECTOR;
    const paths = ["written", "with holes for its zeros", "preallocated, and its zeros left so"].map((way, k) => {
      const path = join(volume.path, `zeros.${k}`);
      (WRITERS[way] ?? writeFileSync)(path, Buffer.alloc(size));
      return path;
    });
    const files = await records(paths);
    const prints = await csumPrints(top, files);
    expect(prints.map((print) => print.status)).toEqual([PRINT.plain, PRINT.plain, PRINT.plain]);
    expect(new Set(prints.map((print) => print.print)).size).toBe(1);
    expect((await readPrints(top, TOP, files)).map((read) => read.print)).toEqual(
      prints.map((print) => print.print),
    );
  });

  test("blocks that change places change the print", async () => {
    const [a, b] = [randomBytes(SECTOR), randomBytes(SECTOR)];
    const paths = [
      [a, b],
      [b, a],
    ].map((blocks, k) => {
      const path = join(volume.path, `swapped.${k}`);
      writeFileSync(path, Buffer.concat(blocks));
      return path;
    });
    const prints = await csumPrints(top, await records(paths));
    expect(prints[0]?.print).not.toBe(prints[1]?.print);
  });

  test("a file cut inside a block: its body's print is right, and reading the last block completes it", async () => {
    const content = randomBytes(6 * SECTOR);
    for (const size of [5 * SECTOR + 100, 2 * SECTOR - 1, 3000]) {
      const [cut, fresh] = [join(volume.path, `cut.${size}`), join(volume.path, `fresh.${size}`)];
      writeFileSync(cut, content.subarray(0, Math.ceil(size / SECTOR) * SECTOR));
      volume.sync();
      truncateSync(cut, size);
      writeFileSync(fresh, content.subarray(0, size));
      const files = await records([cut, fresh]);
      const [whole, other] = await readPrints(top, TOP, files);
      expect(whole?.print).toBe(other?.print);
      const sums = await csumPrints(top, files);
      expect(sums[0]?.print).not.toBe(sums[1]?.print);
      expect(sums[0]?.body).toBe(sums[1]?.body);
      const bodies = sums.map((sum) => sum.body);
      const completed = await readPrints(top, TOP, files, MODE.tail, null, bodies);
      expect(completed.map((read) => read.print)).toEqual([whole?.print, whole?.print]);
    }
  });

  test("of whole blocks is the body all there is", async () => {
    const [file] = await records([bySize.get(8192)?.other ?? ""]);
    const [sum] = await csumPrints(top, [file ?? { blob: Buffer.alloc(0), size: 0 }]);
    expect(sum?.body).toBe(sum?.print);
  });

  test("files far apart on disk, with others in between", async () => {
    const content = randomBytes(3 * SECTOR);
    const paths: string[] = [];
    for (let k = 0; k < 12; k++) {
      const path = join(volume.path, `far.${k}`);
      writeFileSync(path, content);
      paths.push(path);
      volume.sync();
      // a filler of 40 MiB has 10,240 checksums
      writeFileSync(join(volume.path, `filler.${k}`), Buffer.alloc(40 << 20, k + 1));
      volume.sync();
    }
    const prints = await csumPrints(top, await records(paths));
    expect(prints.map((print) => print.status)).toEqual(paths.map(() => PRINT.plain));
    expect(new Set(prints.map((print) => print.print)).size).toBe(1);
  });
});

describe("what checksums cannot decide", () => {
  const compressible = Buffer.alloc(300_000, "some text that compresses well; ");

  function encoded(name: string, options: string, content: Buffer): string {
    volume.remount(options);
    const path = join(volume.path, name);
    writeFileSync(path, content);
    volume.sync();
    volume.remount("compress=no");
    return path;
  }

  test("compressed data is opaque: encoded alike it has equal prints, otherwise no matter", async () => {
    const files = await records([
      encoded("zstd.1", "compress-force=zstd:1", compressible),
      encoded("zstd.2", "compress-force=zstd:1", compressible),
      encoded("zstd.3", "compress-force=zstd:1", Buffer.concat([compressible.subarray(1), Buffer.from("x")])),
      encoded("lzo", "compress-force=lzo", compressible),
    ]);
    const prints = await csumPrints(top, files);
    expect(prints.map((print) => print.status)).toEqual(files.map(() => PRINT.opaque));
    expect(prints[1]?.print).toBe(prints[0]?.print);
    expect(prints[2]?.print).not.toBe(prints[0]?.print);
    expect(prints[3]?.print).not.toBe(prints[0]?.print);
    const reads = await readPrints(top, TOP, files);
    expect(reads[3]?.print).toBe(reads[0]?.print);
    expect(reads[2]?.print).not.toBe(reads[0]?.print);
  });

  test("two extents of one compressed file that changed places have another print", async () => {
    const [a, b] = [Buffer.alloc(128 << 10, "first half"), Buffer.alloc(128 << 10, "second half")];
    const files = await records([
      encoded("halves.1", "compress-force=zstd", Buffer.concat([a, b])),
      encoded("halves.2", "compress-force=zstd", Buffer.concat([b, a])),
    ]);
    const prints = await csumPrints(top, files);
    expect(prints[0]?.print).not.toBe(prints[1]?.print);
  });

  test("NOCOW and inline data is unknown, also beside files that are not", async () => {
    const noCow = join(volume.path, "nocow");
    writeFileSync(noCow, "");
    changeFlags(noCow, FileFlag.noCow);
    writeFileSync(noCow, randomBytes(20 * SECTOR), { flag: "r+" });
    const inline = join(volume.path, "inline");
    writeFileSync(inline, "short");
    const plain = join(volume.path, "plain");
    writeFileSync(plain, randomBytes(20 * SECTOR));
    const files = await records([noCow, plain, inline]);
    const prints = await csumPrints(top, files);
    expect(prints.map((print) => print.status)).toEqual([PRINT.unknown, PRINT.plain, PRINT.unknown]);
    const [alone] = await csumPrints(top, [files[1] ?? { blob: Buffer.alloc(0), size: 0 }]);
    expect(alone).toEqual(prints[1]);
  });

  test("a plain file whose checksums are not where its extents are is unknown", async () => {
    const [file] = await records([join(volume.path, "plain")]);
    // kind plain, gap 0, 4 sectors, start 2^30 sectors (zigzag), offset 0, 4 sectors on disk
    const nowhere = Buffer.from([0, 0, 4, 0x80, 0x80, 0x80, 0x80, 0x08, 0, 4]);
    const prints = await csumPrints(top, [
      { blob: nowhere, size: 4 * SECTOR },
      file ?? { blob: Buffer.alloc(0), size: 0 },
    ]);
    expect(prints.map((print) => print.status)).toEqual([PRINT.unknown, PRINT.plain]);
  });
});

describe("other checksum types", () => {
  test.each([
    ["xxhash", 8],
    ["sha256", 32],
    ["blake2b", 32],
  ] as const)("%s: equal contents, equal prints; a hole makes the print unknown", async (csum, csumSize) => {
    using other = LoopVolume.create({ size: "512M", csum });
    const content = randomBytes(100_000);
    const paths = Object.keys(WRITERS)
      .filter((way) => !way.startsWith("with holes") && !way.startsWith("preallocated, and"))
      .map((way, k) => {
        const path = join(other.path, `same.${k}`);
        WRITERS[way]?.(path, content);
        return path;
      });
    const different = join(other.path, "different");
    writeFileSync(different, Buffer.concat([content.subarray(1), Buffer.from("x")]));
    const sparse = join(other.path, "sparse");
    writeFileSync(sparse, randomBytes(10 * SECTOR));
    truncateSync(sparse, 100_000);
    other.sync();
    const fd = openSync(other.path, constants.O_RDONLY);
    try {
      const files = await readInodes(fd, TOP, [...paths, different, sparse].map(inodeOf));
      const prints = await csumPrints(fd, files, csumSize);
      const same = prints.slice(0, paths.length);
      expect(same.every((print) => print.status === PRINT.plain)).toBe(true);
      expect(new Set(same.map((print) => print.print)).size).toBe(1);
      expect(prints[paths.length]?.print).not.toBe(same[0]?.print);
      expect(prints.at(-1)?.status).toBe(PRINT.unknown);
    } finally {
      closeSync(fd);
    }
  });
});

describe("reading", () => {
  const size = 300_000;
  const path = join(volume.path, "read");
  let file: WalkRecord;
  beforeAll(async () => {
    writeFileSync(path, randomBytes(size));
    const [found] = await records([path]);
    if (found === undefined) throw new Error("no record");
    file = found;
  });

  test("tells a file that is gone (ESTALE) or of another size (EAGAIN); the others are read all the same", async () => {
    const reads = await readPrints(top, TOP, [
      { ...file, generation: file.generation + 1 },
      { ...file, size: size - 1 },
      { ...file, size: size + 1 },
      file,
    ]);
    expect(reads.map((read) => read.error)).toEqual([-os.errno.ESTALE, -os.errno.EAGAIN, -os.errno.EAGAIN, 0]);
    const [sum] = await csumPrints(top, [file]);
    expect(reads[3]?.print).toBe(sum?.print);
  });

  test("leaves the page cache as it was", async () => {
    const pages = Math.ceil(size / 4096);
    const drop = (): Promise<number> =>
      withOpen(path, (fd) => tryCallAsync("rf_drop_cache", fd, 0, size, Buffer.alloc(pages)));
    const resident = (): Promise<number> =>
      withOpen(path, async (fd) => {
        const map = Buffer.alloc(pages);
        await tryCallAsync("rf_readahead", fd, 0, size, map, null);
        return map.filter((page) => page === 1).length;
      });
    await drop();
    await readPrints(top, TOP, [file]);
    expect(await resident()).toBe(0);
    // now all of it is there, and stays
    readFileSync(path);
    await readPrints(top, TOP, [file]);
    expect(await resident()).toBe(pages);
  });

  test("a sample reads three blocks and counts them", async () => {
    const control = new Control();
    await readPrints(top, TOP, [file], MODE.sample, control);
    expect(control.bytesRead).toBe(2 * SECTOR + (size % SECTOR || SECTOR));
  });

  test("a sample sees the first, the middle and the last block", async () => {
    const content = randomBytes(size);
    const middle = Math.floor(Math.ceil(size / SECTOR) / 2) * SECTOR;
    const paths = [null, 0, middle, size - 1, 10 * SECTOR].map((at, k) => {
      const changed = Buffer.from(content);
      if (at !== null) changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      const name = join(volume.path, `sample.${k}`);
      writeFileSync(name, changed);
      return name;
    });
    const samples = (await readPrints(top, TOP, await records(paths), MODE.sample)).map((read) => read.print);
    expect(samples.slice(1).map((sample) => sample === samples[0])).toEqual([false, false, false, true]);
  });
});

describe("cancelling", () => {
  test("stops csum_prints and read_prints with ECANCELED, and leaves no descriptor open", async () => {
    const files = (await walkTree(top, TOP)).filter((file) => file.size > 1 << 20 && file.extents > 0);
    expect(files.length).toBeGreaterThan(5);
    const control = new Control();
    control.cancel();
    const read = await readPrints(top, TOP, files, MODE.whole, control).catch((error: unknown) => error);
    expect(read).toBeInstanceOf(NativeError);
    expect(read).toMatchObject({ code: "ECANCELED" });
    const tasks = tasksOf(files.map((file) => file.blob));
    const result = await tryCallAsync(
      "rf_csum_prints",
      top,
      SECTOR,
      4,
      tasks,
      tasks.length,
      Float64Array.from(files.map((file) => file.size)),
      files.length,
      Buffer.alloc(16 * files.length),
      Buffer.alloc(16 * files.length),
      Buffer.alloc(files.length),
      control.buffer,
    );
    expect(result).toBe(-os.errno.ECANCELED);
  });

  test("in the middle of a long read ends it soon", async () => {
    const path = join(volume.path, "long");
    writeFileSync(path, Buffer.alloc(64 << 20, "long"));
    const [file] = await records([path]);
    if (file === undefined) throw new Error("no record");
    const control = new Control();
    const reading = readPrints(top, TOP, new Array<WalkRecord>(100).fill(file), MODE.whole, control).catch(
      (error: unknown) => error,
    );
    while (control.done === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    control.cancel();
    expect(await reading).toMatchObject({ code: "ECANCELED" });
    expect(control.done).toBeLessThan(100 * (64 << 20));
  });
});
