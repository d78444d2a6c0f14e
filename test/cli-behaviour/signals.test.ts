/** SIGINT, SIGTERM and SIGHUP: the step under way ends, everything is unlocked, and the exit code says which. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCorpus } from "../support/corpus/corpus.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { Commands, unfold } from "./support.ts";

const SEED = 77;
/** Runs of each signal that must have been stopped by it, and the most that may end before it comes. */
const STOPPED = 4;
const ATTEMPTS = 25;

describe("a signal in the middle of a fold", () => {
  const random = new Random(SEED);
  let volume: LoopVolume;
  let commands: Commands;
  let longest: number;

  beforeAll(async () => {
    volume = LoopVolume.create({ size: "3G" });
    buildCorpus(volume, { seed: SEED, maxSize: 512 << 10 });
    commands = new Commands(volume);
    longest = (await commands.dedup(["--json"])).expectCode(0, 1).elapsedMs;
  });
  afterAll(() => {
    volume.dispose();
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s: exit code %i, and no file is left locked", async (killSignal, exitCode) => {
    let stopped = 0;
    for (let attempt = 0; stopped < STOPPED && attempt < ATTEMPTS; attempt++) {
      unfold(volume, random, 0.6);
      const before = snapshotState(volume.path);
      const killAfterMs = random.between(Math.floor(longest * 0.4), longest);
      const run = await commands.dedup(["--json"], { killAfterMs, killSignal });
      // flags are part of the state: a file left immutable would show
      expect(diffStates(before, snapshotState(volume.path)), `after ${killAfterMs} ms`).toEqual([]);
      expect(run.signal, "it ends by itself").toBeNull();
      if (run.stdout !== "") run.json();
      if (run.code === exitCode) {
        stopped++;
      } else {
        run.expectCode(0, 1);
        longest = Math.min(longest, run.elapsedMs);
      }
    }
    expect(stopped).toBe(STOPPED);
    expect((await commands.stuck()).filter((file) => file.origin === "refold")).toEqual([]);
  });

  test("the next run does what was left", async () => {
    (await commands.dedup(["--json"])).expectCode(0, 1);
    const run = await commands.dedup(["--json"]);
    const result = run.expectCode(0, 1).json() as { volumes: { files: number; freedBytes: number }[] };
    expect(result.volumes.map(({ files, freedBytes }) => ({ files, freedBytes }))).toEqual([
      { files: 0, freedBytes: 0 },
    ]);
  });
});
