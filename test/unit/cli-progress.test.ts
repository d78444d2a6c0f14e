import { afterEach, describe, expect, it, vi } from "vitest";
import { ProgressBar } from "../../src-helper/cli/progress.ts";
import { displayWidth } from "../../src-helper/cli/terminal-text.ts";
import { MemorySink } from "../support/run-here.ts";

function makeBar(columns = 80): { bar: ProgressBar; sink: MemorySink; at: (ms: number) => void } {
  let time = 0;
  const sink = new MemorySink(true);
  sink.columns = columns;
  const bar = new ProgressBar(sink, { unicode: true, now: () => time });
  return {
    bar,
    sink,
    at: (ms) => {
      time = ms;
    },
  };
}
const fold = (done: number, total: number | null, unit: "bytes" | "files" = "bytes") =>
  ({ phase: "fold", done, total, unit, volume: "v" }) as const;
/** What a terminal of one line would show. */
const screen = (sink: MemorySink): string => (sink.text.split("\r").at(-1) ?? "").replaceAll("\u001b[K", "");

describe("the progress bar", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("shows phase, share, amounts, a smoothed rate and what is left", () => {
    vi.useFakeTimers();
    const { bar, sink, at } = makeBar(100);
    for (let second = 0; second <= 10; second++) {
      at(second * 1000);
      bar.update(fold(second * 10 * 2 ** 20, 400 * 2 ** 20));
    }
    expect(screen(sink)).toMatch(/^folding █+░+ 25% {2}100\.0 MiB\/400\.0 MiB {2}10\.0 MiB\/s {2}30 s left$/);
    bar.stop();
  });

  it("redraws at most ten times a second", () => {
    vi.useFakeTimers();
    const { bar, sink, at } = makeBar();
    for (let ms = 0; ms < 2000; ms += 2) {
      at(ms);
      bar.update(fold(ms, 2000));
    }
    const draws = sink.text.split("\r").length - 1;
    expect(draws).toBeGreaterThan(10);
    expect(draws).toBeLessThanOrEqual(20);
    bar.stop();
  });

  it("leaves nothing behind, and draws nothing for a short run", () => {
    vi.useFakeTimers();
    const { bar, sink, at } = makeBar();
    bar.update(fold(1, 2));
    expect(sink.text).toBe("");
    at(1000);
    bar.update(fold(2, 2));
    expect(screen(sink)).not.toBe("");
    bar.stop();
    expect(screen(sink)).toBe("");
  });

  it("goes on turning while the engine is silent, and stops when told", () => {
    vi.useFakeTimers();
    const { bar, sink, at } = makeBar();
    bar.update(fold(0, null));
    at(400);
    vi.advanceTimersByTime(100);
    const first = screen(sink);
    at(600);
    vi.advanceTimersByTime(100);
    expect(first).not.toBe("");
    expect(screen(sink)).not.toBe(first);
    bar.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("counts where the total is not known", () => {
    const { bar } = makeBar();
    expect(bar.render({ phase: "walk", done: 30021, total: null, unit: "files", volume: "v" }, 79)).toMatch(
      /^\S reading file lists {2}30,021 files$/,
    );
  });

  it("starts the rate anew with each phase", () => {
    vi.useFakeTimers();
    const { bar, sink, at } = makeBar();
    for (let ms = 0; ms <= 2000; ms += 100) {
      at(ms);
      bar.update(fold(ms * 1000, 10_000_000));
    }
    expect(screen(sink)).toContain("/s");
    at(2200);
    bar.update({ phase: "measure", done: 0, total: 10, unit: "extents", volume: "v" });
    expect(screen(sink)).toMatch(/^measuring .* 0% {2}0\/10 extents$/);
    bar.stop();
  });

  it.each([1, 8, 20, 33, 47, 60, 80])("fits into %d columns", (columns) => {
    const { bar, at } = makeBar(columns);
    bar.update(fold(0, 2 ** 40));
    at(60_000);
    bar.update(fold(2 ** 30, 2 ** 40));
    bar.stop();
    for (const total of [2 ** 40, null]) {
      expect(displayWidth(bar.render(fold(2 ** 30, total), columns - 1))).toBeLessThan(columns);
    }
  });

  it("writes no more when the terminal is gone", () => {
    const { bar, sink, at } = makeBar();
    bar.update(fold(0, 2));
    sink.closed = true;
    at(1000);
    bar.update(fold(1, 2));
    bar.stop();
    expect(sink.text).toBe("");
  });
});
