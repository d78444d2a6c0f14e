/** What a successful FIDEDUPERANGE does, and what its answer does not tell. */
import { closeSync, constants, openSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "../../src-helper/native/library.ts";
import { fallocate } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  blockAddresses,
  dedupe,
  fileExtents,
  fsGeneration,
  inodeItem,
  inodeOf,
  isInline,
  ITEM,
  SECTOR,
  TREE,
  treeItems,
  twins,
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

function blocks(path: string): (number | null)[] {
  return blockAddresses(extents(path), statSync(path).size);
}

function inode(path: string): NonNullable<ReturnType<typeof inodeItem>> {
  volume.sync();
  const item = inodeItem(top, TOP, inodeOf(path));
  if (item === null) throw new Error(`no inode item: ${path}`);
  return item;
}

describe("what is shared", () => {
  test("the destination's extents become the source's, and its own go", () => {
    const [a, b] = twins(volume.path, "plain", randomBytes(1 << 20));
    volume.sync();
    const [own] = extents(b);
    const used = volume.usage().dataUsed;
    expect(dedupe(a, b, 1 << 20)).toEqual({ call: 0, status: 0, bytes: 1 << 20 });
    expect(blocks(b)).toEqual(blocks(a));
    expect(extents(b)[0]?.bytenr).not.toBe(own?.bytenr);
    expect(used - volume.usage().dataUsed).toBe(1 << 20);
  });

  test("equal inline files: success, whole length claimed, nothing shared", () => {
    const content = randomBytes(1500);
    const [a, b] = twins(volume.path, "inline", content);
    volume.sync();
    expect([a, b].map((path) => isInline(top, TOP, inodeOf(path)))).toEqual([true, true]);
    expect(dedupe(a, b, 1500)).toEqual({ call: 0, status: 0, bytes: 1500 });
    expect(extents(b)).toEqual([]);
    expect(isInline(top, TOP, inodeOf(b))).toBe(true);
  });

  test("a tail that is no whole block, only where both files end there", () => {
    const content = randomBytes(2 * SECTOR + 100);
    const [a, b] = twins(volume.path, "tail", content);
    const longer = join(volume.path, "tail.longer");
    writeFileSync(longer, Buffer.concat([content, Buffer.from("more")]));

    // the answer claims the tail too
    expect(dedupe(a, longer, content.length)).toEqual({ call: 0, status: 0, bytes: content.length });
    expect(blocks(longer).slice(0, 2)).toEqual(blocks(a).slice(0, 2));
    expect(blocks(longer)[2]).not.toBe(blocks(a)[2]);

    expect(dedupe(a, b, content.length)).toEqual({ call: 0, status: 0, bytes: content.length });
    expect(blocks(b)).toEqual(blocks(a));
  });

  test("a range shorter than a block, though both files go on: success is claimed, nothing is shared", () => {
    const [a, b] = twins(volume.path, "short", randomBytes(4 * SECTOR));
    const before = blocks(b);
    expect(dedupe(a, b, 100)).toEqual({ call: 0, status: 0, bytes: 100 });
    expect(blocks(b)).toEqual(before);
  });

  test("onto a hole of the source: the destination's zeros are punched out and freed", () => {
    const size = 64 * SECTOR;
    const [hole, zeros] = [join(volume.path, "hole"), join(volume.path, "zeros")];
    writeFileSync(hole, "");
    truncateSync(hole, size);
    writeFileSync(zeros, Buffer.alloc(size));
    expect(blocks(zeros).every((address) => address !== null)).toBe(true);
    const used = volume.usage().dataUsed;
    expect(dedupe(hole, zeros, size)).toEqual({ call: 0, status: 0, bytes: size });
    expect(blocks(zeros).every((address) => address === null)).toBe(true);
    expect(used - volume.usage().dataUsed).toBe(size);
  });

  test("onto written zeros of the source: a hole becomes blocks that are shared", () => {
    const size = 16 * SECTOR;
    const [hole, zeros] = [join(volume.path, "hole2"), join(volume.path, "zeros2")];
    writeFileSync(hole, "");
    truncateSync(hole, size);
    writeFileSync(zeros, Buffer.alloc(size));
    const used = (volume.sync(), volume.usage().dataUsed);
    expect(dedupe(zeros, hole, size)).toEqual({ call: 0, status: 0, bytes: size });
    expect(blocks(hole)).toEqual(blocks(zeros));
    expect(volume.usage().dataUsed).toBe(used);
  });

  test("preallocated ranges count as zeros", () => {
    const size = 16 * SECTOR;
    const [reserved, zeros] = [join(volume.path, "prealloc"), join(volume.path, "zeros3")];
    writeFileSync(reserved, "");
    withOpen(
      reserved,
      (fd) => {
        fallocate(fd, 0, 0, size);
      },
      constants.O_RDWR,
    );
    writeFileSync(zeros, Buffer.alloc(size));
    expect(dedupe(reserved, zeros, size)).toEqual({ call: 0, status: 0, bytes: size });
    expect(extents(zeros).map((extent) => extent.type)).toEqual([2]);
  });

  test("a part of an extent shared away leaves the whole extent in use until its last reference goes", () => {
    const size = 64 * SECTOR;
    const [a, b] = twins(volume.path, "bookend", randomBytes(size));
    volume.sync();
    const used = volume.usage().dataUsed;
    dedupe(a, b, size - SECTOR);
    volume.sync();
    expect(volume.usage().dataUsed).toBe(used);
    dedupe(a, b, SECTOR, [size - SECTOR, size - SECTOR]);
    volume.sync();
    expect(used - volume.usage().dataUsed).toBe(size);
  });

  test("at most 1 GiB a call", () => {
    const size = 2 ** 30 + SECTOR;
    const paths = ["a", "b"].map((name) => {
      const path = join(volume.path, `large.${name}`);
      writeFileSync(path, "");
      truncateSync(path, size);
      return path;
    });
    const [a = "", b = ""] = paths;
    expect(dedupe(a, b, size)).toEqual({ call: 0, status: 0, bytes: 2 ** 30 });
  });

  test("bytes_deduped is the same again where all is shared already, and the data is read again for it", () => {
    const size = 1 << 20;
    const [a, b] = twins(volume.path, "again", randomBytes(size));
    dedupe(a, b, size);
    volume.sync();
    const drop = (): void => {
      for (const path of [a, b])
        withOpen(path, (fd) => call("rf_drop_cache", fd, 0, size, Buffer.alloc(size / 4096)));
    };
    const missing = (path: string): number =>
      withOpen(path, (fd) => {
        const resident = Buffer.alloc(size / 4096);
        call("rf_readahead", fd, 0, size, resident, null);
        return resident.filter((page) => page === 0).length;
      });
    drop();
    expect(missing(a)).toBeGreaterThan(0);
    expect(missing(b)).toBeGreaterThan(0);
    drop();
    expect(dedupe(a, b, size)).toEqual({ call: 0, status: 0, bytes: size });
    expect([missing(a), missing(b)]).toEqual([0, 0]);
  });
});

describe("what it leaves and what it changes", () => {
  test("atime, mtime and ctime stay; the destination's transid goes up, the source's does not", async () => {
    const [a, b] = twins(volume.path, "times", randomBytes(1 << 20));
    const [source, destination] = [inode(a), inode(b)];
    const times = (path: string): bigint[] => {
      const stats = statSync(path, { bigint: true });
      return [stats.atimeNs, stats.mtimeNs, stats.ctimeNs];
    };
    const before = [times(a), times(b)];
    await new Promise((resolve) => setTimeout(resolve, 20)); // coarser than the kernel's clock tick
    dedupe(a, b, 1 << 20);
    expect([times(a), times(b)]).toEqual(before);
    expect(inode(b).transid).toBeGreaterThan(destination.transid);
    expect(inode(b).generation).toBe(destination.generation);
    expect(inode(a).transid).toBe(source.transid);
  });

  test("the freed extent's item leaves the extent tree with the commit, not before", () => {
    const [a, b] = twins(volume.path, "commit", randomBytes(1 << 20));
    const address = extents(b)[0]?.bytenr ?? 0;
    const items = (): number =>
      treeItems(top, TREE.extent, { objectid: BigInt(address), type: ITEM.extent }).length;
    expect(items()).toBe(1);
    const generation = fsGeneration(top);
    dedupe(a, b, 1 << 20);
    // only while no commit came in between (it does every 30 s) is there something to see
    const stillThere = items();
    if (fsGeneration(top) === generation) expect(stillThere).toBe(1);
    volume.sync();
    expect(items()).toBe(0);
  });
});
