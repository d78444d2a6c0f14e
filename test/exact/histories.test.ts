/** Random histories with folds among them: each fold frees to the byte what was promised, and changes nothing else. */
import { expect, test } from "vitest";
import { Mutator } from "../support/mutations/mutator.ts";
import { Random } from "../support/random.ts";
import { dedup, type Target } from "../support/refold-json.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { expectPromised } from "./support.ts";

const FOLDS = 6;
/** REFOLD_HISTORIES=3-62 runs these instead. */
const [first, last = first] = (process.env["REFOLD_HISTORIES"] ?? "").split("-").map(Number);
const SEEDS =
  first === undefined || first === 0
    ? [5, 37]
    : Array.from({ length: (last ?? first) - first + 1 }, (_, k) => first + k);

test.each(SEEDS)("history of seed %i", { timeout: 240_000 }, async (seed) => {
  using volume = LoopVolume.create({ size: "2G" });
  using mutator = new Mutator(volume, seed);
  const random = new Random(seed + 5_000_000);
  mutator.populate(120);
  const history: string[] = [];
  const target: Target = { volume: volume.path, db: volume.beside("db"), minSize: 1 };
  let freed = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    for (let k = random.between(3, 10); k > 0; k--) history.push(`${fold}. ${mutator.change()}`);
    volume.settle();
    const deep = random.chance(0.5);
    const words = [...(deep ? ["--deep"] : []), ...(random.chance(0.4) ? ["--snapshots"] : [])];
    if (random.chance(0.3) && deep) words.push("--max-rewrite", "90");
    const [state, used] = [snapshotState(volume.path), volume.usage().dataUsed];
    const result = await dedup(target, words);
    volume.settle();
    const drop = used - volume.usage().dataUsed;
    history.push(`${fold}. fold ${words.join(" ")}`);
    const message = history.slice(-40).join("\n");
    expect(diffStates(state, snapshotState(volume.path)), message).toEqual([]);
    expect(result.freedBytes, message).toBe(drop);
    // how small compressed data comes out when a part of it is written anew is known afterwards
    const anew = result.differences.find(({ cause }) => cause === "rewritten")?.bytes ?? 0;
    expect(result.predictedBytes, message).toBe(drop + anew);
    expectPromised(result.predictedBytes, drop);
    freed += drop;
  }
  expect(freed).toBeGreaterThan(0);
});
