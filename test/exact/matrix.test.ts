/** The promise is what the filesystem gains, on every kind of volume and after every kind of fold. */
import { describe, expect, test } from "vitest";
import { Random } from "../support/random.ts";
import { LoopVolume, type LoopVolumeOptions } from "../support/volume.ts";
import { expectPromised, fill, foldMeasured, MIB } from "./support.ts";

/** Each with the orders of folds (below) that it is put through. */
const VOLUMES: readonly [name: string, options: LoopVolumeOptions, orders: readonly number[]][] = [
  ["plain", {}, [0, 1]],
  ["zstd", { mountOptions: ["compress-force=zstd:3"] }, [0, 1]],
  ["lzo", { mountOptions: ["compress-force=lzo"] }, [0]],
  ["RAID1 on two devices", { devices: 2, size: "1G", mkfs: ["--data", "raid1"] }, [0, 1]],
  ["DUP data", { mkfs: ["--data", "dup"] }, [1]],
];

/** Folds of one volume: a part first, and each next one after what the others left. */
const ORDERS: readonly (readonly string[])[][] = [
  [
    ["--exclude", "two", "--min-size", "20K"],
    ["--min-size", "1"],
    ["--snapshots"],
    ["--deep"],
    ["--deep", "--snapshots"],
  ],
  [["--deep"], ["--no-crossvol", "--snapshots"], ["--deep", "--snapshots", "--min-size", "1"]],
];

describe.each(VOLUMES)("%s", (name, options, orders) => {
  test.each(orders)("order %i", async (order) => {
    using volume = LoopVolume.create(options);
    fill(volume, new Random(name.length * 31 + order));
    const compressed = (options.mountOptions ?? []).length > 0;
    let gained = 0;
    for (const words of ORDERS[order] ?? []) {
      const fold = await foldMeasured(volume, words);
      expect(fold.skipped).toEqual([]);
      expect(fold.freedBytes).toBe(fold.gained);
      // what a person sees: neither both copies of RAID1 and DUP, nor half of one
      expect(fold.free).toBe(fold.gained);
      // how small compressed data comes out when a part of it is written anew is known afterwards
      if (compressed && words.includes("--deep")) expectPromised(fold.predictedBytes, fold.gained);
      else expect(fold.predictedBytes).toBe(fold.gained);
      gained += fold.gained;
    }
    expect(gained).toBeGreaterThan(5 * MIB);
  });
});
