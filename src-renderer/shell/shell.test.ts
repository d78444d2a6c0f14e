import { describe, expect, it } from "vitest";
import type { Task } from "../../src-main/ipc/state.ts";
import { announcements } from "./announcements.ts";
import { commandOf, type Key } from "./shortcuts.ts";

const key = (name: string, held: Partial<Key> = {}): Key => ({
  key: name,
  ctrlKey: false,
  altKey: false,
  shiftKey: false,
  metaKey: false,
  ...held,
});

describe("shortcuts", () => {
  it("has the views on Ctrl+1 to Ctrl+5", () => {
    const views = ["1", "2", "3", "4", "5", "6", "0"].map((digit) =>
      commandOf(key(digit, { ctrlKey: true }), false),
    );
    expect(views.map((command) => (command?.kind === "view" ? command.view : null))).toEqual([
      "volumes",
      "review",
      "history",
      "stuck",
      "settings",
      null,
      null,
    ]);
  });

  it("scans on F5 and Ctrl+R, searches on Ctrl+F", () => {
    expect(commandOf(key("F5"), true)).toEqual({ kind: "scan" });
    expect(commandOf(key("r", { ctrlKey: true }), true)).toEqual({ kind: "scan" });
    expect(commandOf(key("f", { ctrlKey: true }), true)).toEqual({ kind: "search" });
  });

  it("leaves a question mark to a field, and other people's keys alone", () => {
    expect(commandOf(key("?", { shiftKey: true }), false)).toEqual({ kind: "shortcuts" });
    expect(commandOf(key("?", { shiftKey: true }), true)).toBeNull();
    expect(commandOf(key("1"), false)).toBeNull();
    expect(commandOf(key("1", { ctrlKey: true, altKey: true }), false)).toBeNull();
    expect(commandOf(key("R", { ctrlKey: true, shiftKey: true }), false)).toBeNull();
  });
});

describe("what is read out", () => {
  function task(done: number, patch: Partial<Task> = {}, paused = false): Task {
    return {
      id: "t-1",
      kind: "fold",
      volume: null,
      startedAt: 0,
      progress: { phase: "fold", done, total: 100, unit: "bytes", item: null, skipped: {}, paused },
      rate: null,
      etaMs: null,
      cancelling: false,
      result: null,
      ...patch,
    };
  }
  const said = (before: Task[], after: Task[]): [string, number][] =>
    announcements(before, after).map(({ what, quarter }) => [what, quarter]);

  it("says a beginning, each quarter once, and the end", () => {
    const heard: [string, number][] = [];
    let before: Task[] = [];
    for (let done = 0; done <= 100; done++) {
      const after = [task(done)];
      heard.push(...said(before, after));
      before = after;
    }
    const done = [task(100, { result: { kind: "done" } })];
    heard.push(...said(before, done), ...said(done, done), ...said(done, []));
    expect(heard).toEqual([
      ["begun", 0],
      ["share", 1],
      ["share", 2],
      ["share", 3],
      ["done", 4],
    ]);
  });

  it("says nothing when a new phase begins at nothing", () => {
    expect(said([task(90)], [task(0)])).toEqual([]);
  });

  it("says that it is paused, cancelled or failed", () => {
    expect(said([task(30)], [task(30, {}, true)])).toEqual([["paused", 1]]);
    expect(said([task(30, {}, true)], [task(30, {}, true)])).toEqual([]);
    expect(said([task(30)], [task(30, { result: { kind: "cancelled" } })])).toEqual([["cancelled", 1]]);
    const error = { code: "failed", message: "m", kept: "", next: "" } as const;
    expect(said([task(30)], [task(30, { result: { kind: "failed", error } })])).toEqual([["failed", 1]]);
  });

  it("says nothing of what had ended before the window was there", () => {
    expect(said([], [task(100, { result: { kind: "done" } })])).toEqual([]);
  });
});
