/** Thirty snapshots in a random history: after each step the index is what a scan from nothing finds. */
import { expect, test } from "vitest";
import { Mutator } from "../support/mutations/mutator.ts";
import { readLiveTree } from "../support/mutations/tree.ts";
import { Random } from "../support/random.ts";
import { IndexBench } from "./support.ts";

const STEPS = 32;
/** REFOLD_HISTORIES=3-62 runs these instead. */
const [first = 1, last = first] = (process.env["REFOLD_HISTORIES"] ?? "1-2").split("-").map(Number);
const SEEDS = Array.from({ length: last - first + 1 }, (_, k) => first + k);

test.each(SEEDS)("history of seed %i", { timeout: 240_000 }, async (seed) => {
  using bench = new IndexBench();
  using mutator = new Mutator(bench.volume, seed);
  const random = new Random(seed + 7_000_000);
  mutator.populate(150);
  const history: string[] = [];
  let inherited = 0;
  let kept = 0;
  for (let step = 0; step < STEPS; step++) {
    for (let k = random.between(0, 4); k > 0; k--) history.push(`${step}. ${mutator.change()}`);
    for (let k = random.between(1, 2); k > 0; k--)
      history.push(`${step}. ${takeOrDelete(bench, random, step, k)}`);
    const message = history.slice(-20).join("\n");
    const scanned = await bench.scan();
    const fresh = await bench.scanFresh();
    expect(scanned.faults, message).toEqual([]);
    expect(fresh.faults, message).toEqual([]);
    expect(scanned.lines, message).toEqual(fresh.lines);
    inherited += scanned.walk.subvolumesInherited;
    kept += scanned.lines.length - scanned.rows;
  }
  expect(inherited).toBeGreaterThan(STEPS / 2);
  expect(kept).toBeGreaterThan(0);
});

function takeOrDelete(bench: IndexBench, random: Random, step: number, k: number): string {
  const { subvolumes } = readLiveTree(bench.volume.path);
  const taken = subvolumes.filter(
    ({ path }) => /^s-[^/]*$/.test(path) && !subvolumes.some((other) => other.path.startsWith(`${path}/`)),
  );
  const [first] = random.shuffle(taken);
  if (taken.length > 8 && first !== undefined) {
    bench.volume.deleteSubvolume(first.path);
    return `delete ${first.path}`;
  }
  const source = random.pick(subvolumes);
  const target = `s-${step}-${k}`;
  const readOnly = random.chance(0.6);
  bench.volume.snapshot(source.path, target, { readOnly });
  return `snapshot of ${source.path} at ${target}${readOnly ? ", read-only" : ""}`;
}
