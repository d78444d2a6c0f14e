/** Windows and processes: frames, showing and hiding, one instance, and what remains of a killed one. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../e2e/support/app.ts";
import { openStage, type Stage } from "./support.ts";
import { Xlib } from "./x11/xlib.ts";

let stage: Stage;
let app: App;
beforeAll(async () => {
  stage = await openStage();
  process.env["DISPLAY"] = stage.display;
});
afterAll(async () => {
  await stage.end();
});
afterEach(async () => {
  await app.kill();
});

const seen = (): Promise<string[]> => app.page.evaluate(() => fixture.invoke("seen")) as Promise<string[]>;

/** The first child of a process: its browser. */
function childOf(pid: number): number {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) return Number(name);
    } catch {
      // it has ended since
    }
  }
  throw new Error(`process ${pid} has no child`);
}
function isViewable(): boolean {
  const xlib = Xlib.get();
  if (xlib === null) throw new Error("no display");
  return xlib.isViewable(xlib.windowOf(childOf(app.mainPid)));
}
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.startsWith("Z") === false;
  } catch {
    return false;
  }
};

describe("frames", () => {
  test("a frame inside a page asks as itself", async () => {
    app = await stage.launch({ FIXTURE_PAGE: "frames.html" });
    await app.page.frameLocator("iframe").locator("html").waitFor();
    const asked = await app.evaluateInPreload("inner.html", `electronStandIn.ipcRenderer.invoke("sender")`);
    expect(asked).toMatchObject({
      url: "app://fixture/inner.html",
      main: false,
      top: "app://fixture/frames.html",
    });
    const inner = app.page.frames().find((frame) => frame.url().endsWith("inner.html"));
    expect(await inner?.evaluate(() => typeof globalThis.fixture)).toBe("undefined");
  });

  test("has the preload only where the app wants it there", async () => {
    app = await stage.launch({ FIXTURE_PAGE: "frames.html", FIXTURE_SUBFRAMES: "1" });
    await app.page.frameLocator("iframe").locator("html").waitFor();
    const inner = app.page.frames().find((frame) => frame.url().endsWith("inner.html"));
    expect(await inner?.evaluate(() => fixture.invoke("sender"))).toMatchObject({ main: false });
  });
});

describe("a window", () => {
  test("that is hidden leaves the screen, keeps its page, and comes back", async () => {
    app = await stage.launch({ FIXTURE_CLOSE: "hide" });
    await expect.poll(isViewable).toBe(true);
    await app.page.evaluate("window.kept = 1");
    await app.closeWindow();
    expect(await app.windowVisible()).toBe(false);
    await expect.poll(isViewable).toBe(false);
    expect(await app.page.evaluate("window.kept")).toBe(1);
    await app.startSecond();
    await expect.poll(isViewable).toBe(true);
    expect(await app.windowVisible()).toBe(true);
    expect(await app.page.evaluate("window.kept")).toBe(1);
    expect((await seen()).filter((word) => /^(show|hide|close)/.test(word))).toEqual([
      "show",
      "close",
      "hide",
      "show",
    ]);
  });

  test("that is closed ends the app", async () => {
    app = await stage.launch();
    await app.closeWindow();
    expect(await app.exited).toEqual({ code: 0, signal: null });
  });

  test("whose page crashed says so, and loads again", async () => {
    app = await stage.launch();
    const session = await app.page.context().newCDPSession(app.page);
    // the page that is to answer is gone
    session.send("Page.crash").catch(() => undefined);
    const noted = (): Promise<unknown> =>
      app
        .evaluateInPreload("app://fixture/index.html", `electronStandIn.ipcRenderer.invoke("seen")`)
        .catch(() => []);
    await expect.poll(noted).toContain("render-process-gone crashed");
    expect(await app.windowVisible()).toBe(true);
  });

  test("is gone with its browser, and the app is told", async () => {
    app = await stage.launch();
    process.kill(childOf(app.mainPid), "SIGKILL");
    expect(await app.exited).toEqual({ code: 0, signal: null });
  });
});

describe("a process", () => {
  test("a second instance tells the first, and ends", async () => {
    app = await stage.launch();
    expect(await app.startSecond(["--view=history"])).toEqual({ code: 0, signal: null });
    const told = (await seen()).filter((word) => word.startsWith("second-instance"));
    expect(told).toEqual([`second-instance --view=history ${process.cwd()}`]);
  });

  test("one that was killed leaves no browser, and no lock for the next", async () => {
    app = await stage.launch();
    const browser = childOf(app.mainPid);
    expect(isAlive(browser)).toBe(true);
    await app.kill();
    await expect.poll(() => isAlive(browser)).toBe(false);
    app = await stage.launch();
    expect(await app.page.title()).toBe("Fixture");
  });

  test("ends in order when it is asked to", async () => {
    app = await stage.launch();
    const browser = childOf(app.mainPid);
    expect(await app.close()).toEqual({ code: 0, signal: null });
    expect(isAlive(browser)).toBe(false);
  });

  test.each([
    [{ LANG: "de_DE.UTF-8" }, ["de-DE"]],
    [{ LANG: "de_DE.UTF-8", LANGUAGE: "de_AT:en" }, ["de-AT", "en", "de-DE"]],
    [{ LANG: "C.UTF-8", LANGUAGE: "de" }, ["en-US"]],
    [{ LANG: "de_DE.UTF-8", LC_ALL: "fr_FR.UTF-8" }, ["fr-FR"]],
  ])("speaks the languages of %o", async (env, languages) => {
    app = await stage.launch(env);
    expect(await app.page.evaluate(() => fixture.invoke("languages"))).toEqual(languages);
  });
});
