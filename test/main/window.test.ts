import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { appPaths, launchCommand } from "../../src-main/app/paths.ts";
import type { Clock } from "../../src-main/schedule/clock.ts";
import { loadBounds, placement, saveBounds } from "../../src-main/window/bounds.ts";
import { fileNamePart } from "../../src-main/window/dialogs.ts";
import { createHidingGuard } from "../../src-main/window/hiding.ts";
import { launchArguments } from "../../src-main/window/launch-arguments.ts";
import { createQuit } from "../../src-main/window/quit.ts";

const SCREEN = { x: 0, y: 30, width: 1920, height: 1050 };

describe("where the window opens", () => {
  it("is where it was, if it can be seen and moved there", () => {
    const saved = { x: 100, y: 100, width: 1000, height: 700 };
    expect(placement(saved, SCREEN)).toEqual(saved);
  });

  it.each([
    ["left of the screen", { x: -950, y: 100 }],
    ["right of it", { x: 1900, y: 100 }],
    ["under the panel", { x: 100, y: 0 }],
    ["below it", { x: 100, y: 1070 }],
  ])("is left to the desktop where it was %s", (_what, at) => {
    expect(placement({ ...at, width: 1000, height: 700 }, SCREEN)).toEqual({ width: 1000, height: 700 });
  });

  it("fits the screen, and never below what the page needs", () => {
    expect(placement({ x: 0, y: 30, width: 5000, height: 4000 }, SCREEN)).toMatchObject({
      width: 1920,
      height: 1050,
    });
    expect(placement({ x: 0, y: 30, width: 10, height: 10 }, SCREEN)).toMatchObject({
      width: 800,
      height: 600,
    });
    expect(placement(null, { x: 0, y: 0, width: 1024, height: 700 })).toEqual({ width: 1024, height: 700 });
  });

  it("is kept in a file for the person alone; a broken one is none", () => {
    const directory = mkdtempSync(join(tmpdir(), "refold-bounds-"));
    const file = join(directory, "window.json");
    expect(loadBounds(file)).toBeNull();
    saveBounds(file, { x: 1, y: 2, width: 900, height: 700 });
    expect(loadBounds(file)).toEqual({ x: 1, y: 2, width: 900, height: 700 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const broken of ["{", '{"x":1}', '{"x":"a","y":0,"width":1,"height":1}', "null"]) {
      writeFileSync(file, broken);
      expect(loadBounds(file)).toBeNull();
    }
    rmSync(directory, { recursive: true });
    saveBounds(file, { x: 1, y: 2, width: 900, height: 700 });
    expect(() => readFileSync(file)).toThrow();
  });
});

describe("the command line", () => {
  it.each<[string[], ReturnType<typeof launchArguments>]>([
    [[], { hidden: false, view: null, demo: false }],
    [["electron", "main.mjs", "--hidden"], { hidden: true, view: null, demo: false }],
    [["x", "--view=review"], { hidden: false, view: "review", demo: false }],
    [["x", "--enable-sandbox", "--view", "stuck", "--hidden"], { hidden: true, view: "stuck", demo: false }],
    [["x", "--view"], { hidden: false, view: null, demo: false }],
    [["x", "--view=constructor"], { hidden: false, view: null, demo: false }],
    [["x", "--view=javascript:alert(1)"], { hidden: false, view: null, demo: false }],
    [["x", "--demo"], { hidden: false, view: null, demo: true }],
  ])("%j", (argv, expected) => {
    expect(launchArguments(argv)).toEqual(expected);
  });

  it("to start the app again is the program's own", () => {
    const base = { execPath: "/opt/refold/refold", execArgv: ["--import", "/a.mjs"], env: {} };
    expect(launchCommand(base, "/m.mjs", true)).toEqual(["/opt/refold/refold"]);
    expect(launchCommand(base, "/m.mjs", false)).toEqual([
      "/opt/refold/refold",
      "--import",
      "/a.mjs",
      "/m.mjs",
    ]);
    expect(launchCommand({ ...base, env: { APPIMAGE: "/home/me/r.AppImage" } }, "/m.mjs", true)).toEqual([
      "/home/me/r.AppImage",
    ]);
  });

  it("of the helper is absolute", () => {
    expect(appPaths("/opt/refold/dist/main", {})).toEqual({
      preload: "/opt/refold/dist/preload/preload.cjs",
      renderer: "/opt/refold/dist/renderer",
      helper: "/opt/refold/bin/refold",
    });
    expect(appPaths("/x/dist/main", { REFOLD_HELPER: "/usr/lib/refold/helper" }).helper).toBe(
      "/usr/lib/refold/helper",
    );
    expect(appPaths("/x/dist/main", { REFOLD_HELPER: "helper" }).helper).toBe(join(process.cwd(), "helper"));
  });
});

describe("quitting", () => {
  function setUp(folding: boolean) {
    const done: string[] = [];
    const answer = Promise.withResolvers<boolean>();
    const ended = Promise.withResolvers<undefined>();
    const exited = Promise.withResolvers<undefined>();
    const quit = createQuit({
      folding: () => folding,
      ask: () => {
        done.push("ask");
        return answer.promise;
      },
      hide: () => done.push("hide"),
      shutdown: () => {
        done.push("shutdown");
        return ended.promise;
      },
      exit: () => {
        done.push("exit");
        exited.resolve(undefined);
      },
      onError: () => done.push("error"),
    });
    return { quit, done, answer, ended, exited };
  }

  it("waits for the helper to end, once", async () => {
    const { quit, done, ended, exited } = setUp(false);
    quit.request();
    quit.request();
    quit.now();
    expect([done, quit.done]).toEqual([["hide", "shutdown"], false]);
    ended.resolve(undefined);
    await exited.promise;
    expect([done, quit.done]).toEqual([["hide", "shutdown", "exit"], true]);
    quit.request();
    expect(done).toHaveLength(3);
  });

  it("asks where a fold runs, and goes on where that is what is wanted", async () => {
    const first = setUp(true);
    first.quit.request();
    first.quit.request();
    expect(first.done).toEqual(["ask"]);
    first.answer.resolve(false);
    await first.answer.promise;
    await Promise.resolve();
    expect([first.done, first.quit.done]).toEqual([["ask"], false]);
    // and may be asked again
    first.quit.request();
    expect(first.done).toEqual(["ask", "ask"]);

    const second = setUp(true);
    second.quit.request();
    second.answer.resolve(true);
    second.ended.resolve(undefined);
    await second.exited.promise;
    expect(second.done).toEqual(["ask", "hide", "shutdown", "exit"]);
  });

  it("does not ask where the session ends, not even while it asks", async () => {
    const { quit, done, answer, ended, exited } = setUp(true);
    quit.request();
    quit.now();
    expect(done).toEqual(["ask", "hide", "shutdown"]);
    answer.resolve(true);
    ended.resolve(undefined);
    await exited.promise;
    expect(done).toEqual(["ask", "hide", "shutdown", "exit"]);
  });

  it("goes through where something fails on the way", async () => {
    const { quit, done, ended, exited } = setUp(false);
    quit.request();
    ended.reject(new Error("no"));
    await exited.promise;
    expect(done).toEqual(["hide", "shutdown", "error", "exit"]);
  });
});

describe("a hidden window", () => {
  function setUp() {
    let armed: (() => void) | null = null;
    const clock: Clock = {
      now: () => 0,
      after: (_ms, call) => {
        armed = call;
        return () => {
          armed = null;
        };
      },
    };
    const state = { tray: false, hidden: true, shown: 0 };
    const check = createHidingGuard({
      tray: () => state.tray,
      hidden: () => state.hidden,
      show: () => {
        state.shown += 1;
      },
      clock,
    });
    return { check, state, elapse: () => armed?.(), armed: () => armed !== null };
  }

  it("is shown where no tray came for a while", () => {
    const { check, state, elapse } = setUp();
    check();
    expect(state.shown).toBe(0);
    elapse();
    expect(state.shown).toBe(1);
  });

  it("stays where a tray came, or comes back in time", () => {
    const { check, state, armed } = setUp();
    check();
    state.tray = true;
    check();
    expect(armed()).toBe(false);
    state.tray = false;
    check();
    state.tray = true;
    check();
    expect([armed(), state.shown]).toEqual([false, 0]);
  });

  it("that somebody has opened meanwhile is left alone", () => {
    const { check, state, elapse } = setUp();
    check();
    state.hidden = false;
    elapse();
    expect(state.shown).toBe(0);
  });
});

describe("a file's name", () => {
  it.each([
    ["home", "home"],
    ["", "btrfs"],
    ["../../etc/passwd", "etc-passwd"],
    ["a b\nc", "a-b-c"],
    ["Daten Köln", "Daten-Köln"],
    ["...", "btrfs"],
  ])("made of the label %j is %j", (label, name) => {
    expect(fileNamePart(label)).toBe(name);
  });
});
