/** One generated volume from the first scan to the last fold, each step judged by the oracle. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SKIP_REASONS } from "../../src-helper/engine/contract.ts";
import { compareGroups, comparePaths } from "../support/compare.ts";
import { buildCorpus } from "../support/corpus/corpus.ts";
import { hashOnce } from "../support/hash.ts";
import { consultOracle, unfinished, type Oracle } from "../support/oracle.ts";
import { dedup, groups, scan, type DedupVolume, type Target } from "../support/refold-json.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { LoopVolume, type LoopVolumeOptions } from "../support/volume.ts";

export interface GroundTruthCase extends LoopVolumeOptions {
  readonly seed: number;
  /** Largest file in bytes; default 8 MiB. */
  readonly maxSize?: number;
}

export const LARGEST_FILE = 64 << 20;

const MIB = 1 << 20;
/** The prediction may be off by 1 %, or by 1 MiB where that is more. */
function tolerance(freed: number): number {
  return Math.max(MIB, freed / 100);
}

/** A fold, with what btrfs says that it freed. */
async function measuredDedup(
  volume: LoopVolume,
  target: Target,
  extra: readonly string[] = [],
): Promise<{ result: DedupVolume; drop: number }> {
  volume.settle();
  const before = volume.usage().dataUsed;
  const result = await dedup(target, extra);
  volume.settle();
  return { result, drop: before - volume.usage().dataUsed };
}

function expectHonest({ result, drop }: { result: DedupVolume; drop: number }): void {
  expect(result.freedBytes, "freedBytes against btrfs filesystem df").toBe(drop);
  const off = Math.abs(result.predictedBytes - result.freedBytes);
  expect(
    off,
    `predicted ${result.predictedBytes}, freed ${result.freedBytes}: off by ${off} bytes`,
  ).toBeLessThanOrEqual(tolerance(result.freedBytes));
  const reasons: readonly string[] = SKIP_REASONS;
  for (const { reason, path, detail } of result.skipped) {
    expect(reasons, path).toContain(reason);
    expect(detail, path).not.toBe("");
  }
}

/** Every sentence about what is left to fold, over all groups. */
function leftToFold(oracle: Oracle, snapshots: boolean): string[] {
  return oracle.groups(1).flatMap((group) => unfinished(group, snapshots));
}

/** Declares the tests of one volume. They run in order: each begins where the one before ended. */
export function describeGroundTruth(name: string, options: GroundTruthCase): void {
  describe(`${name}, seed ${options.seed}`, () => {
    let volume: LoopVolume;
    let oracle: Oracle;
    let state: TreeState;
    const target = (minSize?: number): Target => ({
      volume: volume.path,
      db: volume.beside("db"),
      ...(minSize === undefined ? {} : { minSize }),
    });

    beforeAll(() => {
      volume = LoopVolume.create({ size: "3G", ...options });
      buildCorpus(volume, options);
      const hash = hashOnce();
      oracle = consultOracle(volume.path, hash);
      state = snapshotState(volume.path, { hash });
    });
    afterAll(() => {
      volume.dispose();
    });

    test.each([undefined, 1, 100_000])("groups and totals, --min-size %s", async (minSize) => {
      const totals = await scan(target(minSize));
      const found = await groups(target(minSize));
      const least = minSize ?? 4096;
      expect(compareGroups(oracle, least, found)).toEqual([]);
      expect(comparePaths(found)).toEqual([]);
      const expected = oracle.groups(least);
      expect(totals.groups).toBe(expected.length);
      expect(totals.duplicateFiles).toBe(expected.reduce((sum, group) => sum + group.files.length, 0));
      expect(totals.uuid).toBe(volume.uuid);
      const savings = found.map((group) => group.reclaimableBytes);
      expect(savings, "largest saving first").toEqual([...savings].sort((a, b) => b - a));
    });

    test("a fold frees what it says, and changes nothing else", async () => {
      const fold = await measuredDedup(volume, target(1));
      const hash = hashOnce();
      expect(diffStates(state, snapshotState(volume.path, { hash }))).toEqual([]);
      oracle = consultOracle(volume.path, hash);
      expectHonest(fold);
      expect(fold.drop).toBeGreaterThan(MIB);
    });

    test("what it left cannot be folded, and the next scan knows it", async () => {
      expect(leftToFold(oracle, false)).toEqual([]);
      await scan(target(1));
      expect(compareGroups(oracle, 1, await groups(target(1)))).toEqual([]);
    });

    test("a second fold finds nothing to do", async () => {
      const { result, drop } = await measuredDedup(volume, target(1));
      expect({ files: result.files, freed: result.freedBytes, drop }).toEqual({
        files: 0,
        freed: 0,
        drop: 0,
      });
    });

    test("--snapshots folds the rest", async () => {
      const fold = await measuredDedup(volume, target(1), ["--snapshots"]);
      const hash = hashOnce();
      expect(diffStates(state, snapshotState(volume.path, { hash }))).toEqual([]);
      expectHonest(fold);
      oracle = consultOracle(volume.path, hash);
      expect(leftToFold(oracle, true)).toEqual([]);
      const again = await measuredDedup(volume, target(1), ["--snapshots"]);
      expect({ files: again.result.files, drop: again.drop }).toEqual({ files: 0, drop: 0 });
    });
  });
}
