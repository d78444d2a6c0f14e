import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { appError } from "../../src-main/app/app-error.ts";
import type { Task, TaskResult } from "../../src-main/ipc/state.ts";
import { RateMeter } from "../../src-main/tasks/rate.ts";
import { TaskList } from "../../src-main/tasks/task-list.ts";

const step = (done: number, total: number | null = 100, phase = "walk", paused = false) => ({
  ...{ phase, done, total, unit: "files", paused },
});

describe("rate and time left", () => {
  let now = 0;
  const at = (seconds: number): void => {
    now = seconds * 1000;
  };
  beforeEach(() => {
    now = 0;
  });

  it("are known after a second, and follow the last seconds", () => {
    const meter = new RateMeter(() => now);
    expect(meter.add(step(0, 1000))).toEqual({ rate: null, etaMs: null });
    at(0.9);
    expect(meter.add(step(90, 1000))).toEqual({ rate: null, etaMs: null });
    at(2);
    expect(meter.add(step(200, 1000))).toEqual({ rate: 100, etaMs: 8000 });
    // ten times as slow: after the window it is all that counts
    for (let second = 3; second <= 20; second++) {
      at(second);
      meter.add(step(200 + (second - 2) * 10, 1000));
    }
    at(21);
    expect(meter.add(step(390, 1000))).toEqual({ rate: 10, etaMs: 61_000 });
  });

  it("have no time left where the end is not known, or nothing moves", () => {
    const meter = new RateMeter(() => now);
    meter.add(step(0, null));
    at(2);
    expect(meter.add(step(20, null))).toEqual({ rate: 10, etaMs: null });
    const still = new RateMeter(() => now);
    still.add(step(5));
    at(4);
    expect(still.add(step(5))).toEqual({ rate: 0, etaMs: null });
  });

  it.each([
    ["another phase", step(10, 100, "checksums")],
    ["a step back", step(1)],
  ])("begin anew with %s", (_what, next) => {
    const meter = new RateMeter(() => now);
    meter.add(step(0));
    at(5);
    expect(meter.add(step(50)).rate).toBe(10);
    expect(meter.add(next)).toEqual({ rate: null, etaMs: null });
    at(7);
    expect(meter.add({ ...next, done: next.done + 4 }).rate).toBe(2);
  });

  it("do not count a pause", () => {
    const meter = new RateMeter(() => now);
    meter.add(step(0));
    at(2);
    expect(meter.add(step(20)).rate).toBe(10);
    expect(meter.add(step(20, 100, "walk", true))).toEqual({ rate: null, etaMs: null });
    at(3600);
    expect(meter.add(step(20)).rate).toBeNull();
    at(3602);
    expect(meter.add(step(40))).toEqual({ rate: 10, etaMs: 6000 });
  });

  it("stay known where reports come seldom", () => {
    const meter = new RateMeter(() => now);
    meter.add(step(0));
    at(30);
    expect(meter.add(step(30)).rate).toBe(1);
    at(60);
    expect(meter.add(step(90)).rate).toBe(2);
  });
});

describe("the tasks", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setUp() {
    const progress: Task[] = [];
    const unexpected: unknown[] = [];
    let lists = 0;
    const list = new TaskList({
      onList: () => {
        lists += 1;
      },
      onProgress: (task) => progress.push(task),
      onUnexpected: (error) => unexpected.push(error),
      tick: () => Date.now(),
    });
    return { list, progress, unexpected, lists: () => lists };
  }
  const begin = (list: TaskList, kind: Task["kind"] = "scan", volume: string | null = "v") => {
    const work = Promise.withResolvers<TaskResult>();
    return { ...list.begin(kind, volume, () => work.promise), ...work };
  };
  const report = (task: Task, done: number, paused = false) => ({
    ...{ task: task.id, phase: "walk" as const, done, total: 100, unit: "files" as const },
    ...{ item: null, skipped: {}, paused },
  });
  const result: TaskResult = { kind: "done" };

  it("run one at a time on a volume, and several on several; reading names stands in nobody's way", () => {
    const { list } = setUp();
    begin(list, "scan", "v");
    begin(list, "scan", "w");
    begin(list, "names", "v");
    begin(list, "demo", null);
    expect(() => begin(list, "fold", "v")).toThrow("at work on this volume");
    expect(() => begin(list, "demo", null)).toThrow();
    expect(list.tasks.map(({ kind, volume }) => [kind, volume])).toEqual([
      ["scan", "v"],
      ["scan", "w"],
      ["names", "v"],
      ["demo", null],
    ]);
    expect(new Set(list.tasks.map(({ id }) => id)).size).toBe(4);
    for (const { id } of list.tasks) expect(id).toMatch(/^[a-z0-9-]{1,40}$/);
  });

  it("tell progress at once, then ten times a second, and the last of it always", () => {
    const { list, progress } = setUp();
    const { task } = begin(list);
    for (let k = 1; k <= 1000; k++) {
      list.progress(report(task, k / 10));
      vi.advanceTimersByTime(1);
    }
    expect(progress.length).toBeGreaterThanOrEqual(10);
    expect(progress.length).toBeLessThanOrEqual(11);
    vi.advanceTimersByTime(100);
    expect(progress.at(-1)?.progress?.done).toBe(100);
    const before = progress.length;
    vi.advanceTimersByTime(10_000);
    expect(progress).toHaveLength(before);
  });

  it("take no progress of what they do not know, or of what has ended", async () => {
    const { list, progress } = setUp();
    const { task, resolve, done } = begin(list);
    list.progress({ ...report(task, 5), task: "scan-of-another" });
    list.progress({ ...report(task, 5), task: "__proto__" });
    resolve(result);
    await done;
    list.progress(report(task, 5));
    expect(progress).toEqual([]);
    expect(list.tasks[0]?.progress).toBeNull();
  });

  it("end with what went wrong; what nobody foresaw is only named so", async () => {
    const { list, unexpected } = setUp();
    const foreseen = begin(list);
    foreseen.reject(appError("no-volume", "It is gone.", {}));
    expect(await foreseen.done).toMatchObject({ kind: "failed", error: { message: "It is gone." } });
    const cancelled = begin(list);
    cancelled.reject(appError("cancelled", "Cancelled.", {}));
    expect(await cancelled.done).toEqual({ kind: "cancelled" });
    const surprise = begin(list);
    surprise.reject(new TypeError("x is undefined"));
    expect(await surprise.done).toMatchObject({ kind: "failed", error: { code: "failed" } });
    expect(JSON.stringify(list.tasks)).not.toContain("undefined");
    expect(unexpected).toHaveLength(1);
  });

  it("keep a fold's result and what failed until they are dismissed; the rest goes by itself", async () => {
    const { list, lists } = setUp();
    const scan = begin(list, "scan", "v");
    const fold = begin(list, "fold", "w");
    const broken = begin(list, "scan", "x");
    for (const one of [scan, fold]) one.resolve(result);
    broken.reject(appError("failed", "No.", {}));
    await Promise.all([scan.done, fold.done, broken.done]);
    expect(list.tasks).toHaveLength(3);
    const before = lists();
    vi.advanceTimersByTime(60_000);
    expect(list.tasks.map(({ id }) => id)).toEqual([fold.task.id, broken.task.id]);
    expect(lists()).toBe(before + 1);
    list.dismiss(fold.task.id);
    list.dismiss(broken.task.id);
    expect(list.tasks).toEqual([]);
  });

  it("make room for new work on the volume, but a fold's result is read first", async () => {
    const { list } = setUp();
    const fold = begin(list, "fold");
    fold.resolve(result);
    await fold.done;
    const scan = begin(list, "scan");
    scan.reject(appError("failed", "No.", {}));
    await scan.done;
    const again = begin(list, "scan");
    expect(list.tasks.map(({ id }) => id)).toEqual([fold.task.id, again.task.id]);
  });

  it("are not dismissed, nor cancelled twice, while they run", async () => {
    const { list } = setUp();
    const { task, resolve, done } = begin(list);
    list.dismiss(task.id);
    expect(list.required(task.id).id).toBe(task.id);
    expect([list.setCancelling(task.id), list.setCancelling(task.id)]).toEqual([true, false]);
    expect(list.tasks[0]?.cancelling).toBe(true);
    resolve(result);
    await done;
    expect(list.setCancelling(task.id)).toBe(false);
    expect(() => list.required(task.id)).toThrow("ended already");
    expect(() => list.required("constructor")).toThrow("ended already");
  });

  it("show a pause as soon as it was taken", () => {
    const { list } = setUp();
    const { task } = begin(list);
    list.progress(report(task, 5));
    list.setPaused(task.id, true);
    expect(list.tasks[0]?.progress?.paused).toBe(true);
    expect(list.tasks[0]?.rate).toBeNull();
    list.setPaused(task.id, false);
    expect(list.tasks[0]?.progress?.paused).toBe(false);
  });

  it("know the fold that runs", async () => {
    const { list } = setUp();
    expect([list.folding, list.running]).toEqual([null, false]);
    const { task, resolve, done } = begin(list, "fold");
    expect([list.folding?.id, list.running]).toEqual([task.id, true]);
    resolve(result);
    await done;
    expect([list.folding, list.running]).toEqual([null, false]);
  });
});
