/** The checksum tree: of what it keeps checksums, and of what not. */
import {
  closeSync,
  constants,
  copyFileSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createHash, randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "../../src-helper/native/library.ts";
import { exec } from "../support/exec.ts";
import { changeFlags, fallocate, FileFlag } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  blockAddresses,
  checksums,
  dedupe,
  fileExtents,
  INODE_FLAG,
  inodeItem,
  inodeOf,
  SECTOR,
  withOpen,
  type FileExtent,
} from "./support.ts";

const TOP = 5;
const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

function extents(path: string): FileExtent[] {
  volume.sync();
  return fileExtents(top, TOP, inodeOf(path));
}

/** crc32c, bit by bit (Castagnoli, reflected): nothing of the library's is asked. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function sumsOf(extent: FileExtent): Buffer[] {
  return [...checksums(top, extent.bytenr, extent.diskBytes).values()];
}

describe("plain data", () => {
  test("one crc32c a block, of the block's bytes, at the block's address on disk", () => {
    const content = randomBytes(20 * SECTOR);
    const path = join(volume.path, "plain");
    writeFileSync(path, content);
    const addresses = blockAddresses(extents(path), content.length);
    addresses.forEach((address, k) => {
      const sum = checksums(top, address ?? 0, SECTOR).get(address ?? 0);
      expect(sum?.readUInt32LE(0)).toBe(crc32c(content.subarray(k * SECTOR, (k + 1) * SECTOR)));
    });
  });

  test("the last block's is of the block filled up with zeros", () => {
    const path = join(volume.path, "tail");
    const content = randomBytes(SECTOR + 1000);
    writeFileSync(path, content);
    const address = blockAddresses(extents(path), content.length)[1] ?? 0;
    const padded = Buffer.concat([content.subarray(SECTOR), Buffer.alloc(SECTOR - 1000)]);
    expect(checksums(top, address, SECTOR).get(address)?.readUInt32LE(0)).toBe(crc32c(padded));
  });

  test("a block of zeros has crc32c 0x98f94189", () => {
    const path = join(volume.path, "zeros");
    writeFileSync(path, Buffer.alloc(SECTOR * 2));
    const [extent] = extents(path);
    if (extent === undefined) throw new Error("no extent");
    expect(sumsOf(extent).map((sum) => sum.readUInt32LE(0))).toEqual([0x98f94189, 0x98f94189]);
    expect(crc32c(Buffer.alloc(SECTOR))).toBe(0x98f94189);
    expect(call("rf_crc32c", Buffer.alloc(SECTOR), SECTOR)).toBe(0x98f94189);
  });

  test("a file cut inside a block keeps the checksum of the whole old block: equal files, unequal checksums", () => {
    const path = join(volume.path, "cut");
    const content = randomBytes(2 * SECTOR);
    const size = SECTOR + 10;
    writeFileSync(path, content);
    extents(path);
    truncateSync(path, size);
    const fresh = join(volume.path, "cut.copy");
    writeFileSync(fresh, content.subarray(0, size));
    const tailSum = (file: string): number | undefined => {
      const address = blockAddresses(extents(file), size)[1] ?? 0;
      return checksums(top, address, SECTOR).get(address)?.readUInt32LE(0);
    };
    const padded = Buffer.concat([content.subarray(SECTOR, size), Buffer.alloc(SECTOR - 10)]);
    expect(tailSum(path)).toBe(crc32c(content.subarray(SECTOR)));
    expect(tailSum(fresh)).toBe(crc32c(padded));
    // what lies behind the end is nobody's: the kernel finds the two the same
    expect(readFileSync(path).equals(readFileSync(fresh))).toBe(true);
    expect(dedupe(path, fresh, size)).toEqual({ call: 0, status: 0, bytes: size });
    expect(tailSum(fresh)).toBe(tailSum(path));
  });
});

describe("compressed data", () => {
  const content = Buffer.from(
    Array.from({ length: 4000 }, (_, k) => `line ${k} of ${(k * 7919) % 1000} lines of text\n`).join(""),
  ).subarray(0, 128 * 1024);

  function compressed(name: string, options: string): string {
    volume.remount(options);
    const path = join(volume.path, name);
    writeFileSync(path, content);
    volume.sync();
    volume.remount("compress=no");
    return path;
  }

  test("checksums are of the compressed bytes: other levels, other checksums of equal content", () => {
    const paths = ["zstd:1", "zstd:1", "zstd:15"].map((level, k) =>
      compressed(`level.${k}`, `compress-force=${level}`),
    );
    const layouts = paths.map((path) => extents(path));
    expect(layouts.map((layout) => layout[0]?.compression)).toEqual([3, 3, 3]);
    const sums = layouts.map((layout) => Buffer.concat(layout.flatMap(sumsOf)).toString("hex"));
    expect(sums[0]).toBe(sums[1]);
    expect(sums[0]).not.toBe(sums[2]);
    // there are checksums of what lies on disk only
    const [extent] = layouts[0] ?? [];
    expect(extent?.diskBytes).toBeLessThan(extent?.length ?? 0);
    expect(sumsOf(extent ?? ({} as FileExtent))).toHaveLength((extent?.diskBytes ?? 0) / SECTOR);
  });

  test("an extent of compressed data covers at most 128 KiB of a file", () => {
    const path = compressed("long", "compress-force=zstd");
    writeFileSync(path, Buffer.concat([content, content, content]));
    volume.sync();
    volume.remount("compress-force=zstd");
    const long = join(volume.path, "longer");
    writeFileSync(long, Buffer.concat([content, content, content]));
    const found = extents(long);
    volume.remount("compress=no");
    expect(found.length).toBeGreaterThan(1);
    expect(Math.max(...found.map((extent) => extent.length))).toBe(128 * 1024);
  });
});

describe("what has no checksums", () => {
  test("NOCOW files", () => {
    const path = join(volume.path, "nocow");
    writeFileSync(path, "");
    changeFlags(path, FileFlag.noCow);
    writeFileSync(path, randomBytes(4 * SECTOR), { flag: "r+" });
    const [extent] = extents(path);
    if (extent === undefined) throw new Error("no extent");
    expect(sumsOf(extent)).toEqual([]);
    expect((inodeItem(top, TOP, inodeOf(path))?.flags ?? 0n) & INODE_FLAG.nodatasum).not.toBe(0n);
  });

  test("preallocated ranges, until they are written", () => {
    const path = join(volume.path, "prealloc");
    writeFileSync(path, "");
    withOpen(
      path,
      (fd) => {
        fallocate(fd, 0, 0, 4 * SECTOR);
      },
      constants.O_RDWR,
    );
    const [extent] = extents(path);
    if (extent === undefined) throw new Error("no extent");
    expect(extent.type).toBe(2);
    expect(sumsOf(extent)).toEqual([]);
    writeFileSync(path, randomBytes(2 * SECTOR), { flag: "r+" });
    volume.sync();
    expect(sumsOf(extent)).toHaveLength(2);
  });

  test("holes have no extent, and with no-holes no item either", () => {
    const path = join(volume.path, "hole");
    writeFileSync(path, "");
    truncateSync(path, 1 << 20);
    expect(extents(path)).toEqual([]);
  });
});

describe("other checksum types", () => {
  test.each([
    ["sha256", 32, (block: Buffer) => createHash("sha256").update(block).digest("hex")],
    ["blake2b", 32, null],
    ["xxhash", 8, null],
  ] as const)("%s: %i bytes a block, equal for equal blocks", (csum, size, hash) => {
    using other = LoopVolume.create({ size: "256M", csum });
    const content = randomBytes(3 * SECTOR);
    const paths = ["a", "b"].map((name) => join(other.path, name));
    for (const path of paths) writeFileSync(path, content);
    other.sync();
    withOpen(other.path, (fd) => {
      const info = new Float64Array(7);
      call("rf_fs_info", fd, info, Buffer.alloc(16));
      expect(info[4]).toBe(size);
      const sums = paths.map((path) => {
        const [extent] = fileExtents(fd, TOP, inodeOf(path));
        return [...checksums(fd, extent?.bytenr ?? 0, content.length, size).values()].map((sum) =>
          sum.toString("hex"),
        );
      });
      expect(sums[0]).toHaveLength(3);
      expect(sums[0]).toEqual(sums[1]);
      expect(new Set(sums[0]).size).toBe(3);
      if (hash !== null) expect(sums[0]?.[1]).toBe(hash(content.subarray(SECTOR, 2 * SECTOR)));
    });
  });
});

test("the checksum of an extent stays when only a copy of the file goes", () => {
  const [path, copy] = [join(volume.path, "kept"), join(volume.path, "kept.copy")];
  writeFileSync(path, randomBytes(4 * SECTOR));
  volume.sync();
  copyFileSync(path, copy, constants.COPYFILE_FICLONE_FORCE);
  const [extent] = extents(copy);
  if (extent === undefined) throw new Error("no extent");
  exec("rm", [path]);
  volume.sync();
  expect(sumsOf(extent)).toHaveLength(4);
  exec("rm", [copy]);
  volume.sync();
  expect(sumsOf(extent)).toEqual([]);
});
