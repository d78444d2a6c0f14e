/**
 * Random histories of a volume. After each step an incremental scan must know
 * what the oracle knows, and what a scan from nothing knows.
 */
import { expect, test } from "vitest";
import { compareGroups, comparePaths, sortedGroups } from "../support/compare.ts";
import { CHANGES } from "../support/mutations/changes.ts";
import { Mutator } from "../support/mutations/mutator.ts";
import { consultOracle } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { dedup, groups, scan, scanAndGroupsHere, type Target } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";

const FILES = 120;
const STEPS = 25;

/** Three that have every kind of change between them; REFOLD_HISTORIES=3-62 runs these instead. */
const [first = 0, last = first] = (process.env["REFOLD_HISTORIES"] ?? "").split("-").map(Number);
const SEEDS = first === 0 ? [1, 2, 5] : Array.from({ length: last - first + 1 }, (_, k) => first + k);

/** Which changes happened over all histories: the last test looks whether none was left out. */
const applied = new Set<string>();

test.each(SEEDS)("history of seed %i", { timeout: 240_000 }, async (seed) => {
  using volume = LoopVolume.create({ size: "2G" });
  using mutator = new Mutator(volume, seed);
  const random = new Random(seed + 1_000_000);
  mutator.populate(FILES);
  const history: string[] = [];
  const kept: Target = { volume: volume.path, db: volume.beside("kept"), minSize: 1 };
  for (let step = 0; step < STEPS; step++) {
    const changes = step === 0 ? 0 : random.between(0, 6);
    for (let k = 0; k < changes; k++) {
      const done = mutator.change();
      history.push(`${step}. ${done}`);
    }
    if (random.chance(0.12)) {
      history.push(`${step}. fold`);
      await dedup(kept);
    }
    volume.sync();
    const message = history.slice(-20).join("\n");
    const incremental = await scan(kept);
    const found = await groups(kept);
    const oracle = consultOracle(volume.path);
    expect(compareGroups(oracle, 1, found), message).toEqual([]);
    expect(comparePaths(found), message).toEqual([]);
    if (step > 0) expect(incremental.incremental, message).toBe(true);

    const fresh: Target = { ...kept, db: volume.beside(`fresh-${step}`) };
    const { scan: full, groups: all } = await scanAndGroupsHere(fresh);
    expect(full.incremental).toBe(false);
    expect(sortedGroups(all), message).toEqual(sortedGroups(found));
    const totals = ({
      files,
      bytes,
      groups: count,
      duplicateFiles,
      reclaimableBytes,
    }: typeof full): object => ({
      files,
      bytes,
      count,
      duplicateFiles,
      reclaimableBytes,
    });
    expect(totals(full), message).toEqual(totals(incremental));
    volume.removeBeside(`fresh-${step}`);
  }
  for (const name of mutator.applied.keys()) applied.add(name);
});

test("every kind of change happened", () => {
  expect(CHANGES.map(({ name }) => name).filter((name) => !applied.has(name))).toEqual([]);
});
