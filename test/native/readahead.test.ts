/** Reading ahead must reach to the end of a range: what is missing is read page by page in the kernel's compare. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { call, callAsync } from "../../src-helper/native/library.ts";
import { LoopVolume } from "../support/volume.ts";

const SIZE = 32 << 20;
const PAGES = SIZE / 4096;

test("rf_readahead brings in the whole of a long range, though readahead(2) is cut to the device's setting", async () => {
  using volume = LoopVolume.create({ size: "256M" });
  const path = join(volume.path, "long");
  writeFileSync(path, Buffer.alloc(SIZE, "long"));
  volume.sync();
  volume.unmount(); // nothing of it stays in the page cache
  volume.mount();
  const fd = openSync(path, "r");
  try {
    const before = new Uint8Array(PAGES);
    expect(await callAsync("rf_readahead", fd, 0, SIZE, before, null)).toBe(PAGES);
    expect(before.every((page) => page === 0)).toBe(true);
    await sleep(2000); // the reads are on their way; asking sooner would begin those that were never asked for
    // read-ahead is a hint, and the kernel passes over some pages, more where it is busy; cut off, it leaves most
    expect(call("rf_readahead", fd, 0, SIZE, null, null)).toBeLessThan(PAGES / 4);
    // what was not there before is dropped again
    await callAsync("rf_drop_cache", fd, 0, SIZE, before);
    expect(call("rf_readahead", fd, 0, SIZE, null, null)).toBeGreaterThan(PAGES * 0.99);
  } finally {
    closeSync(fd);
  }
});
