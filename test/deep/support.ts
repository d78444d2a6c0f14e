/** What the tests of partial duplicates share: files with planted overlaps, and a fold that is measured. */
import { closeSync, fsyncSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import type { LoopVolume } from "../support/volume.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const BLOCK = 4 * KIB;

/** Bytes that occur nowhere else. */
export function noise(random: Random, bytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let k = 0; k < words.length; k++) words[k] = random.uint32();
  return Buffer.from(words.buffer, 0, bytes);
}

/** Writes a file of these parts. pieces: an fsync after each part, so that each lies in extents of its own. */
export function writeParts(path: string, parts: readonly Buffer[], pieces = false): void {
  if (!pieces) {
    writeFileSync(path, Buffer.concat(parts));
    return;
  }
  const fd = openSync(path, "w");
  for (const part of parts) {
    writeSync(fd, part);
    fsyncSync(fd);
  }
  closeSync(fd);
}

export interface DeepTotals {
  readonly extents: number;
  readonly files: number;
  readonly reclaimableBytes: number;
  readonly rewrittenBytes: number;
  readonly sample: number;
}

export interface DeepFold {
  readonly groups: number;
  readonly files: number;
  readonly predictedBytes: number;
  readonly freedBytes: number;
  readonly skipped: readonly { readonly path: string; readonly reason: string; readonly detail: string }[];
  readonly cancelled: boolean;
  readonly differences: readonly { readonly cause: string; readonly bytes: number }[];
  /** What the filesystem has less of, by its own account. */
  readonly gained: number;
}

function wordsOf(volume: LoopVolume): string[] {
  return [volume.path, "--json", "--db", volume.beside("db")];
}

export async function scanDeep(volume: LoopVolume, extra: readonly string[] = []): Promise<DeepTotals> {
  const result = await refold(["scan", "--flush", "--deep", ...wordsOf(volume), ...extra]);
  const { volumes } = result.expectCode(0).json() as { volumes: { deep: DeepTotals }[] };
  const [first] = volumes;
  if (first === undefined) throw new Error("no volume in the answer");
  return first.deep;
}

/**
 * `refold dedup --deep`, with what must hold of every one: contents, times and
 * flags are as they were, no file is left locked, nothing takes more room, and
 * the prediction is right.
 */
export async function foldDeep(volume: LoopVolume, extra: readonly string[] = []): Promise<DeepFold> {
  volume.settle();
  const state = snapshotState(volume.path);
  const before = volume.usage();
  const result = await refold(["dedup", "--yes", "--deep", ...wordsOf(volume), ...extra]);
  const { volumes } = result.expectCode(0, 1).json() as { volumes: Omit<DeepFold, "gained">[] };
  const [fold] = volumes;
  if (fold === undefined) throw new Error("no volume in the answer");
  volume.settle();
  const gained = before.dataUsed - volume.usage().dataUsed;
  expect(gained).toBeGreaterThanOrEqual(0);
  expect(fold.freedBytes).toBe(gained);
  expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
  const mended = fold.differences.find(({ cause }) => cause === "mended")?.bytes ?? 0;
  if (fold.skipped.length === 0) expectExact(fold.predictedBytes, gained + mended);
  return { ...fold, gained };
}

/** Within one in a hundred, or a mebibyte. */
export function expectExact(predicted: number, freed: number): void {
  expect(Math.abs(predicted - freed)).toBeLessThanOrEqual(Math.max(MIB, freed / 100));
}

/** Overlaps of many sizes at many places, in files of several subvolumes. */
export function plantOverlaps(random: Random, directories: readonly string[]): void {
  for (let k = 0; k < 40; k++) {
    const run = noise(random, BLOCK * random.pick([4, 5, 16, 17, 33, 64, 200, 513, 1024]));
    // two or three copies, each with something of its own before and behind
    for (let copy = 0; copy < 2 + (k % 3 === 0 ? 1 : 0); copy++) {
      const own = (most: number): Buffer => noise(random, BLOCK * random.below(most));
      const around = Math.max(1, Math.floor(run.length / BLOCK / 3));
      const parts = [own(around), run, own(around), noise(random, random.below(5000))];
      writeParts(join(random.pick(directories), `overlap-${k}-${copy}`), parts, random.chance(0.3));
    }
  }
}

/**
 * Files put together from a stock of contents, each in several of them, with
 * something of their own between: extents that keep each other's content alive.
 * @param own bytes of a file's own for each byte of the stock, about
 */
export function plantMixtures(random: Random, directories: readonly string[], own: number): void {
  const stock = Array.from({ length: 16 }, () => noise(random, BLOCK * random.between(16, 300)));
  for (let k = 0; k < 28; k++) {
    const parts: Buffer[] = [];
    for (let part = random.between(2, 6); part > 0; part--) {
      const content = random.pick(stock);
      const most = Math.ceil((2 * own * content.length) / BLOCK);
      parts.push(content, noise(random, BLOCK * random.below(most + 1)));
    }
    writeParts(join(random.pick(directories), `mixture-${k}`), parts, random.chance(0.3));
  }
}
