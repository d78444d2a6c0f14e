/**
 * Scans while everything changes: files grow, move and go, subvolumes come and
 * are deleted, data is moved. What such a scan finds is of some moment or of
 * several; but the next one, when all is quiet, must know what a scan from
 * nothing knows.
 */
import { expect, test } from "vitest";
import { compareGroups } from "../support/compare.ts";
import { Mutator } from "../support/mutations/mutator.ts";
import { consultOracle } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { groups, scan, scanAndGroupsHere, type Target } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";

const STEPS = 8;
/** REFOLD_HISTORIES=3-62 runs these instead. */
const [first = 1, last = first] = (process.env["REFOLD_HISTORIES"] ?? "1").split("-").map(Number);
const SEEDS = Array.from({ length: last - first + 1 }, (_, k) => first + k);

test.each(SEEDS)("history of seed %i", { timeout: 240_000 }, async (seed) => {
  using volume = LoopVolume.create({ size: "2G" });
  using mutator = new Mutator(volume, seed, ["unmount and mount again"]);
  const random = new Random(seed + 3_000_000);
  mutator.populate(300);
  const history: string[] = [];
  const kept: Target = { volume: volume.path, db: volume.beside("kept"), minSize: 1 };
  for (let step = 0; step < STEPS; step++) {
    const scans = { running: true };
    const during = (async () => {
      for (let k = random.between(1, 3); k > 0; k--) await scan(kept);
      scans.running = false;
    })();
    // at least one, and then for as long as something is scanned
    do {
      history.push(`${step}. ${mutator.change()}`);
      await new Promise((resolve) => setImmediate(resolve));
    } while (scans.running);
    await during;
    volume.sync();
    const message = history.slice(-40).join("\n");
    const quiet = await scan(kept);
    const found = await groups(kept);
    const oracle = consultOracle(volume.path);
    expect(compareGroups(oracle, 1, found), message).toEqual([]);
    const fresh: Target = { ...kept, db: volume.beside(`fresh-${step}`) };
    const { scan: full, groups: all } = await scanAndGroupsHere(fresh);
    expect(compareGroups(oracle, 1, all), message).toEqual([]);
    expect([quiet.files, quiet.bytes, quiet.reclaimableBytes], message).toEqual([
      full.files,
      full.bytes,
      full.reclaimableBytes,
    ]);
    volume.removeBeside(`fresh-${step}`);
  }
});
