/** Volumes on which a fold of ranges is killed: what is planted in them, once a kill, and removed again. */
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exec } from "../support/exec.ts";
import { changeFlags, cloneRange, FileFlag, withFd } from "../support/libc.ts";
import type { Random } from "../support/random.ts";
import type { LoopVolume } from "../support/volume.ts";
import { KIB, noise, writeParts } from "./support.ts";

export interface Scenario {
  readonly name: string;
  /** Of all kills. */
  readonly share: number;
  readonly mountOptions: readonly string[];
  /** Further words for dedup. */
  readonly extra: readonly string[];
  /** Bytes that a fold frees at the least. */
  readonly frees: number;
  /** Until the last range is on the copy nothing is freed that would hide that both take room. */
  readonly grows: boolean;
  /** Fills a new directory or subvolume of the volume. */
  plant(volume: LoopVolume, random: Random, name: string): void;
  remove(volume: LoopVolume, name: string): void;
}

/**
 * An extent of which three parts are to be written anew. Of every other pair a
 * third file shares most of it, and of all one that shares nothing but the first of these.
 */
export function plantPair(random: Random, directory: string, k: number): void {
  const [first, second] = [noise(random, 300 * KIB), noise(random, 200 * KIB)];
  const ownBytes = (20 + 8 * k) * KIB;
  const own = (): Buffer => noise(random, ownBytes);
  const shared = join(directory, `${k}-b`);
  // more of its own than what should go has: this one stays
  writeParts(join(directory, `${k}-a`), [first, noise(random, 100 * KIB), second, noise(random, 60 * KIB)]);
  writeParts(shared, [own(), second, own(), first, noise(random, 3001)]);
  if (k % 2 === 0) clonePart(shared, 4 * KIB, 500 * KIB, join(directory, `${k}-c`));
  clonePart(shared, 0, ownBytes, join(directory, `${k}-part`));
}

/** Two extents that both go, though each has a range that only the other has: it is written once, for both. */
function plantChain(random: Random, directory: string): void {
  const [first, second, both] = [300, 280, 100].map((kib) => noise(random, kib * KIB));
  if (first === undefined || second === undefined || both === undefined) throw new Error("three parts");
  const own = (): Buffer => noise(random, 900 * KIB);
  writeParts(join(directory, "chain-first"), [first, own()]);
  writeParts(join(directory, "chain-a"), [first, both, noise(random, 20 * KIB)]);
  writeParts(join(directory, "chain-second"), [second, own()]);
  writeParts(join(directory, "chain-b"), [both, second, noise(random, 24 * KIB)]);
}

function clonePart(from: string, offset: number, length: number, to: string): void {
  const target = openSync(to, "w");
  withFd(from, (source) => {
    cloneRange(source, offset, length, target, 0);
  });
  closeSync(target);
}

const inDirectory = {
  mountOptions: [] as readonly string[],
  extra: [] as readonly string[],
  remove(volume: LoopVolume, name: string): void {
    rmSync(join(volume.path, name), { recursive: true });
  },
};

export const scenarios: readonly Scenario[] = [
  {
    ...inDirectory,
    name: "one extent",
    share: 0.3,
    frees: 400 * KIB,
    grows: true,
    plant(volume, random, name) {
      mkdirSync(join(volume.path, name));
      plantPair(random, join(volume.path, name), 0);
    },
  },
  {
    ...inDirectory,
    name: "several extents, and whole files",
    share: 0.2,
    frees: 3 * 400 * KIB + 100 * KIB,
    grows: false,
    plant(volume, random, name) {
      const directory = join(volume.path, name);
      mkdirSync(directory);
      for (let k = 0; k < 2; k++) plantPair(random, directory, k);
      plantChain(random, directory);
      const whole = noise(random, 100 * KIB);
      for (const copy of ["whole-a", "whole-b"]) writeParts(join(directory, copy), [whole]);
    },
  },
  {
    name: "with a read-only snapshot, and --snapshots",
    share: 0.25,
    mountOptions: [],
    extra: ["--snapshots"],
    frees: 400 * KIB,
    grows: true,
    plant(volume, random, name) {
      plantPair(random, volume.createSubvolume(name), 1);
      volume.snapshot(name, `${name}-kept`, { readOnly: true });
    },
    remove(volume, name) {
      for (const subvolume of [name, `${name}-kept`]) volume.deleteSubvolume(subvolume);
    },
  },
  {
    ...inDirectory,
    name: "compressed data",
    share: 0.25,
    mountOptions: ["compress-force=zstd:1"],
    // a last block that is not full is much of an extent of compressed data
    extra: ["--max-rewrite", "100"],
    frees: 100 * KIB,
    grows: false,
    plant(volume, random, name) {
      const directory = join(volume.path, name);
      mkdirSync(directory);
      const text = (bytes: number): Buffer => Buffer.from(noise(random, bytes / 2).toString("hex"));
      // compressed 128 KiB at a time; what is behind the last whole block is to be written anew
      const common = Buffer.concat([text(256 * KIB), text(20 * KIB), text(1000)]);
      writeParts(join(directory, "a"), [text(128 * KIB), common]);
      writeParts(join(directory, "b"), [text(256 * KIB), common]);
      for (const copy of ["c", "d"])
        exec("cp", ["--reflink=always", join(directory, "b"), join(directory, copy)]);
      // so that it is always b, c and d that are moved; the flag is nobody's to clear
      changeFlags(join(directory, "a"), FileFlag.immutable);
    },
    remove(volume, name) {
      changeFlags(join(volume.path, name, "a"), 0, FileFlag.immutable);
      inDirectory.remove(volume, name);
    },
  },
];
