/**
 * SIGKILL at random moments. Whatever the moment: every file keeps its bytes,
 * times, owners, attributes and flags, but for the immutable flag of exactly
 * the files that `stuck` names; `repair` leaves none; the next run finishes.
 */
import { describe, expect, test } from "vitest";
import { buildCorpus } from "../support/corpus/corpus.ts";
import { consultOracle, unfinished } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { Commands, immutableFiles, keyOfStuck, unfold, withoutFlag } from "./support.ts";

const SEEDS = [101, 202, 303, 404];
const KILLS = 13;
/** Share of the files that are unfolded before each run. */
const UNFOLDED = 0.5;

interface Totals {
  killed: number;
  killsThatLeftFiles: number;
  stuckFiles: number;
}

/**
 * One run that is killed after a random time, and everything that must hold then.
 * @param longest milliseconds that a whole run took last
 * @returns how long it ran where it ended before it was killed, else `longest`
 */
async function killOnce(
  commands: Commands,
  random: Random,
  longest: number,
  totals: Totals,
): Promise<number> {
  const { volume } = commands;
  unfold(volume, random, UNFOLDED);
  const before = snapshotState(volume.path);
  const foreign = immutableFiles(before);
  // anywhere, but mostly after the start and the scan, which change nothing
  const killAfterMs = random.between(random.chance(0.8) ? Math.floor(longest * 0.4) : 1, longest);
  const run = await commands.dedup(["--json"], { killAfterMs });
  const where = `killed after ${killAfterMs} ms`;
  if (run.signal === "SIGKILL") totals.killed++;

  const after = snapshotState(volume.path);
  const left = immutableFiles(after);
  const ours = new Set([...left].filter((key) => !foreign.has(key)));
  expect(diffStates(before, withoutFlag(after, ours)), where).toEqual([]);

  const stuck = await commands.stuck();
  const named = (origin: string): string[] =>
    stuck
      .filter((file) => file.origin === origin)
      .map(keyOfStuck)
      .sort();
  expect(named("refold"), where).toEqual([...ours].sort());
  expect(named("unknown"), where).toEqual([...foreign].sort());
  if (ours.size > 0) totals.killsThatLeftFiles++;
  totals.stuckFiles += ours.size;

  const repair = (await commands.run("repair", ["--json"])).expectCode(0).json() as {
    repaired: string[];
    failed: unknown[];
  };
  expect(repair.failed, where).toEqual([]);
  expect([...repair.repaired].sort(), where).toEqual(
    stuck
      .filter((file) => file.origin === "refold")
      .map((file) => file.id)
      .sort(),
  );
  expect(diffStates(before, snapshotState(volume.path)), where).toEqual([]);
  return run.signal === null ? run.elapsedMs : longest;
}

describe("SIGKILL", () => {
  const totals: Totals = { killed: 0, killsThatLeftFiles: 0, stuckFiles: 0 };

  test.each(SEEDS)(`${KILLS} times, seed %i`, async (seed) => {
    const random = new Random(seed);
    using volume = LoopVolume.create({ size: "3G" });
    buildCorpus(volume, { seed, maxSize: 512 << 10 });
    const commands = new Commands(volume);
    // how long a whole run takes here and now, so that kills fall everywhere in it
    const whole = await commands.dedup(["--json"]);
    let longest = whole.expectCode(0, 1).elapsedMs;
    const enough = totals.killed + KILLS;
    while (totals.killed < enough) longest = await killOnce(commands, random, longest, totals);

    unfold(volume, random, UNFOLDED);
    const before = snapshotState(volume.path);
    const last = await commands.dedup(["--json"]);
    last.expectCode(0, 1);
    expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
    const left = consultOracle(volume.path).groups(1);
    expect(
      left.flatMap((group) => unfinished(group, false)),
      last.stdout,
    ).toEqual([]);
  });

  test("came at least 50 times, some of them in the middle of a fold", () => {
    console.log(
      `${totals.killed} runs killed, ${totals.killsThatLeftFiles} of them left ${totals.stuckFiles} files immutable`,
    );
    expect(totals.killed).toBeGreaterThanOrEqual(50);
    expect(totals.killsThatLeftFiles).toBeGreaterThan(0);
  });
});
