/** Folds through the helper that somebody, or something, cuts off in the middle. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Result, TaskProgress } from "../../src-helper/rpc/protocol.ts";
import { immutablePaths } from "../support/immutable.ts";
import { refold } from "../support/run.ts";
import type { LoopVolume } from "../support/volume.ts";
import { HelperClient } from "./client.ts";
import { scanParams, volumeOfPairs } from "./support.ts";

const PAIRS = { count: 2000, size: 8192 };

describe("a fold", () => {
  let volume: LoopVolume;
  let helper: HelperClient;

  beforeEach(async () => {
    volume = volumeOfPairs(PAIRS);
    helper = await HelperClient.connect({ db: volume.beside("db") });
    await helper.call("scan", scanParams(volume.uuid));
  });
  afterEach(async () => {
    await helper[Symbol.asyncDispose]();
    volume.dispose();
  });

  const connect = async (): Promise<void> => {
    helper = await HelperClient.connect({ db: volume.beside("db") });
  };

  /** Starts to fold everything. */
  const start = async (): Promise<{ done: Promise<Result<"review.fold">>; promised: number }> => {
    const { review, sum } = await helper.call("review.open", {
      ...{ volume: volume.uuid, minSize: 4096, exclude: [], snapshots: false },
    });
    const options = { lock: "immutable", defrag: false, priority: "normal" } as const;
    const done = helper.call("review.fold", { review, task: "fold", revision: sum.revision, options });
    done.catch(() => undefined); // looked at where it matters
    return { done, promised: sum.predictedBytes };
  };
  const inTheMiddle = (): Promise<TaskProgress> =>
    helper.nextProgress(
      "fold",
      ({ phase, done, total }) => phase === "fold" && done > 0 && done < (total ?? 0) / 2,
    );

  test("that nobody disturbs frees what was promised", async () => {
    const { done, promised } = await start();
    const result = await done;
    expect(result).toMatchObject({ files: PAIRS.count, cancelled: false, skipped: [], skippedCounts: {} });
    expect(result.freedBytes).toBe(promised);
    expect(promised).toBe(PAIRS.count * PAIRS.size);
    const [run] = await helper.call("history", { volume: volume.uuid });
    expect(run).toMatchObject({ id: result.runId, state: "done", freedBytes: promised });
  });

  test("that pauses holds no file, and goes on to its end", async () => {
    const middle = inTheMiddle();
    const { done } = await start();
    await middle;
    const held = helper.nextProgress("fold", ({ paused }) => paused);
    await helper.call("pause", { task: "fold", paused: true });
    await held;
    expect(immutablePaths(volume.path)).toEqual([]);
    // what goes on is no history yet, and nothing that was left behind
    expect(await helper.call("history", { volume: volume.uuid })).toEqual([]);
    await helper.call("pause", { task: "fold", paused: false });
    expect(await done).toMatchObject({ files: PAIRS.count, cancelled: false });
  });

  test("that is cancelled says how far it came, and locks nothing", async () => {
    const middle = inTheMiddle();
    const { done } = await start();
    await middle;
    await helper.call("cancel", { task: "fold" });
    const result = await done;
    expect(result.cancelled).toBe(true);
    expect(result.files).toBeLessThan(PAIRS.count);
    expect(result.freedBytes).toBe(result.files * PAIRS.size);
    const missing = [{ cause: "cancelled", bytes: result.predictedBytes - result.freedBytes }];
    expect(result.differences).toEqual(missing);
    expect(await helper.call("history", { volume: volume.uuid })).toMatchObject([{ differences: missing }]);
    expect(immutablePaths(volume.path)).toEqual([]);
  });

  test("whose app ends unlocks what it holds and ends, and the volume is free", async () => {
    const middle = inTheMiddle();
    await start();
    await middle;
    const since = performance.now();
    helper.helper.closeInput();
    expect(await helper.helper.exited).toEqual({ code: 0, signal: null });
    console.log(`the helper ended ${Math.round(performance.now() - since)} ms after its input did`);
    expect(immutablePaths(volume.path)).toEqual([]);
    expect(() => helper.helper.messages()).not.toThrow();
    await connect();
    const [run] = await helper.call("history", { volume: volume.uuid });
    expect(run).toMatchObject({ state: "cancelled" });
    expect(await helper.call("stuck", { task: "stuck", volume: volume.uuid })).toEqual([]);
  });

  test("that is killed leaves files immutable: they are listed as ours, and mended", async () => {
    let left: string[] = [];
    // between two batches there is nothing to leave
    for (let tries = 0; left.length === 0 && tries < 10; tries++) {
      if (tries > 0) await helper.call("scan", scanParams(volume.uuid));
      const middle = inTheMiddle();
      await start();
      await middle;
      helper.helper.kill("SIGKILL");
      expect(await helper.helper.exited).toEqual({ code: null, signal: "SIGKILL" });
      left = immutablePaths(volume.path);
      await connect();
    }
    expect(left.length).toBeGreaterThan(0);
    const [before] = await helper
      .call("volumes", {})
      .then((all) => all.filter(({ uuid }) => uuid === volume.uuid));
    expect(before?.openIntents).toBeGreaterThanOrEqual(left.length);

    const stuck = await helper.call("stuck", { task: "stuck", volume: volume.uuid });
    expect(stuck.map(({ path }) => path).sort()).toEqual([...left].sort());
    expect(new Set(stuck.map(({ origin }) => origin))).toEqual(new Set(["refold"]));
    expect(stuck.every(({ since }) => since !== null && since <= Date.now())).toBe(true);
    const repaired = await helper.call("repair", { task: "repair", volume: volume.uuid, ids: [] });
    expect(repaired.failed).toEqual([]);
    expect([...repaired.repaired].sort()).toEqual(stuck.map(({ id }) => id).sort());
    expect(immutablePaths(volume.path)).toEqual([]);
    const [after] = await helper
      .call("volumes", {})
      .then((all) => all.filter(({ uuid }) => uuid === volume.uuid));
    expect(after?.openIntents).toBe(0);
    const [run] = await helper.call("history", { volume: volume.uuid });
    expect(run).toMatchObject({ state: "interrupted" });

    await helper[Symbol.asyncDispose]();
    (await refold(["dedup", volume.path, "--yes", "--db", volume.beside("db")])).expectCode(0);
    await connect();
  });
});
