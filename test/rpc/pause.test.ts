/** A fold under a Task, as the server runs it: pause and cancel in the middle. */
import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoldOptions, FoldResult, Selection, Volume } from "../../src-helper/engine/contract.ts";
import { createEngine } from "../../src-helper/engine/engine.ts";
import { restorePriority } from "../../src-helper/dedupe/priority.ts";
import type { TaskProgress } from "../../src-helper/rpc/protocol.ts";
import { Tasks } from "../../src-helper/rpc/tasks.ts";
import { exec } from "../support/exec.ts";
import { immutablePaths } from "../support/immutable.ts";
import type { LoopVolume } from "../support/volume.ts";
import { volumeOfPairs } from "./support.ts";

const PAIRS = { count: 1500, size: 8192 };
const EVERYTHING: Selection = {
  ...{ minSize: 4096, exclude: [], pathGlob: null, crossVolume: true, snapshots: false },
};
const IDLE: FoldOptions = { lock: "immutable", defrag: false, priority: "idle" };

describe("a fold", () => {
  let device: LoopVolume;
  let volume: Volume;
  let tasks: Tasks;
  let told: TaskProgress[];
  let onProgress: (progress: TaskProgress) => void;

  beforeEach(async () => {
    device = volumeOfPairs(PAIRS);
    const engine = createEngine({ databaseDir: device.beside("db") });
    const [opened] = engine.open([device.uuid]);
    if (opened === undefined) throw new Error("no volume");
    volume = opened;
    told = [];
    onProgress = () => undefined;
    const events = {
      progress: (progress: TaskProgress) => {
        told.push(progress);
        onProgress(progress);
      },
      log: () => undefined,
    };
    tasks = new Tasks(events, restorePriority);
    await tasks.run("scan", device.uuid, (run) =>
      volume.scan({ minSize: 4096, flush: true, selection: EVERYTHING }, run),
    );
  });
  afterEach(() => {
    volume.close();
    device.dispose();
  });

  const fold = (): Promise<FoldResult> =>
    tasks.run("fold", device.uuid, (run) => volume.fold(EVERYTHING, IDLE, run));
  /** Files that share all their data with another. */
  const shared = (): number =>
    exec("filefrag", ["-v", ...paths()])
      .split("\n")
      .filter((line) => /^ +0:.*\bshared\b/.test(line)).length;
  const paths = (): string[] =>
    Array.from({ length: PAIRS.count }, (_, k) => join(device.path, `data/folder-${k % 16}/${k}-b`));

  test("that pauses holds no file, and goes on to the same result", async () => {
    const held = new Promise<TaskProgress>((resolve) => {
      onProgress = (progress) => {
        if (progress.phase === "fold" && !progress.paused) tasks.pause("fold", true);
        if (progress.paused) resolve(progress);
      };
    });
    const done = fold();
    const progress = await held;
    expect(progress.done).toBeLessThan(progress.total ?? 0);
    expect(immutablePaths(device.path)).toEqual([]);
    expect(readFileSync("/proc/locks", "utf8")).not.toMatch(new RegExp(`LEASE .* ${process.pid} `));
    device.sync();
    const soFar = shared();
    expect(soFar).toBeGreaterThan(0);
    expect(soFar).toBeLessThan(PAIRS.count);
    onProgress = () => undefined;
    tasks.pause("fold", false);
    const result = await done;
    expect(result).toMatchObject({ files: PAIRS.count, groups: PAIRS.count, cancelled: false, skipped: [] });
    expect(result.freedBytes).toBe(result.predictedBytes);
    expect(shared()).toBe(PAIRS.count);
    expect(immutablePaths(device.path)).toEqual([]);
  });

  test("that is cancelled while it pauses unlocks, measures and says so", async () => {
    const held = new Promise<unknown>((resolve) => {
      onProgress = (progress) => {
        if (progress.phase === "fold" && !progress.paused) tasks.pause("fold", true);
        if (progress.paused) resolve(progress);
      };
    });
    const done = fold();
    await held;
    onProgress = () => undefined;
    tasks.cancel("fold");
    const result = await done;
    expect(result.cancelled).toBe(true);
    expect(result.files).toBeLessThan(PAIRS.count);
    expect(result.freedBytes).toBe(result.files * PAIRS.size);
    expect(immutablePaths(device.path)).toEqual([]);
    expect(volume.history()[0]).toMatchObject({ state: "cancelled", files: result.files });
  });

  test("says what it works on, what it skips and why, and gives its priority back", async () => {
    const before = getPriority();
    const busy = join(device.path, "data/folder-0/0-b");
    exec("chattr", ["+i", busy]);
    const result = await fold();
    exec("chattr", ["-i", busy]);
    expect(result.skipped.map(({ reason }) => reason)).toEqual(["immutable"]);
    const folding = told.filter(({ phase }) => phase === "fold");
    expect(folding.some(({ item }) => item?.startsWith(join(device.path, "data/folder-")) === true)).toBe(
      true,
    );
    expect(told.at(-1)?.skipped).toEqual({ immutable: 1 });
    expect(getPriority()).toBe(before);
  });
});
