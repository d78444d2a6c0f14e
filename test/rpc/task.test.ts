/** Throttle, pause and cancel of one task, on a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TaskProgress } from "../../src-helper/rpc/protocol.ts";
import { Task } from "../../src-helper/rpc/task.ts";

describe("a task", () => {
  const told: { readonly at: number; readonly message: TaskProgress }[] = [];
  let task: Task;

  beforeEach(() => {
    vi.useFakeTimers();
    told.length = 0;
    task = new Task("t", "volume", {
      progress: (message) => told.push({ at: performance.now(), message }),
      log: () => undefined,
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const step = (done: number): void => {
    task.progress({ phase: "fold", done, total: 10_000, unit: "bytes" });
  };

  test("tells at most ten times in any second, and the last thing always", () => {
    for (let k = 1; k <= 10_000; k++) {
      step(k);
      vi.advanceTimersByTime(0.5);
    }
    task.end();
    for (const { at } of told) {
      expect(told.filter((other) => other.at >= at && other.at < at + 1000).length).toBeLessThanOrEqual(10);
    }
    expect(told.length).toBeGreaterThan(40);
    expect(told.at(-1)?.message.done).toBe(10_000);
  });

  test("tells what came last when nothing follows it", () => {
    step(1);
    step(2);
    step(3);
    expect(told.map(({ message }) => message.done)).toEqual([1]);
    vi.advanceTimersByTime(1000);
    expect(told.map(({ message }) => message.done)).toEqual([1, 3]);
  });

  test("asks for the name of what is worked on only when it is told", () => {
    const name = vi.fn(() => Buffer.from("/some/file"));
    step(1);
    for (let k = 0; k < 1000; k++) task.working(name);
    vi.advanceTimersByTime(1000);
    expect(name).toHaveBeenCalledTimes(1);
    expect(told.at(-1)?.message.item).toBe("/some/file");
    task.progress({ phase: "measure", done: 0, total: null, unit: "extents" });
    vi.advanceTimersByTime(1000);
    expect(told.at(-1)?.message.item).toBeNull();
  });

  test("counts what was skipped by reason", () => {
    step(1);
    for (const reason of ["in-use", "in-use", "differs"] as const) task.skipped(reason);
    task.end();
    expect(told.at(-1)?.message.skipped).toEqual({ "in-use": 2, differs: 1 });
  });

  test("is told paused when it has come to rest, not when it was asked to", async () => {
    step(1);
    expect(task.gate()).toBeUndefined();
    task.pause();
    step(2);
    vi.advanceTimersByTime(1000);
    expect(told.at(-1)?.message.paused).toBe(false);
    let passed = false;
    const gate = task.gate()?.then(() => (passed = true));
    vi.advanceTimersByTime(1000);
    expect(told.at(-1)?.message.paused).toBe(true);
    expect(passed).toBe(false);
    task.resume();
    await gate;
    vi.advanceTimersByTime(1000);
    expect(told.at(-1)?.message.paused).toBe(false);
    expect(task.gate()).toBeUndefined();
  });

  test("goes on to its end when it is cancelled while it pauses, and cannot pause again", async () => {
    task.pause();
    const gate = task.gate();
    task.cancel();
    await gate;
    expect(task.signal.aborted).toBe(true);
    task.pause();
    expect(task.gate()).toBeUndefined();
  });
});
