/** Between a page and the main process: messages, and what the main process asks of Electron. */
import { deepStrictEqual } from "node:assert";
import type { Page } from "@playwright/test";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../e2e/support/app.ts";
import { decode, encode } from "./page/wire.ts";
import { openStage, type Stage } from "./support.ts";

let stage: Stage;
let app: App;
let page: Page;
beforeAll(async () => {
  stage = await openStage();
  app = await stage.launch();
  ({ page } = app);
});
afterAll(async () => {
  await stage.end();
});

describe("IPC", () => {
  test("carries any value there and back", async () => {
    const values = fc.array(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        let wire: string;
        try {
          // arbitrary objects without a prototype are plain ones after any clone
          wire = encode(structuredClone(value));
        } catch {
          return;
        }
        const back = (await app.evaluateInPreload(
          "app://fixture/",
          `electronStandIn.ipcRenderer.invoke("echo", electronStandIn.decode(${JSON.stringify(wire)})).then(electronStandIn.encode)`,
        )) as string;
        deepStrictEqual(decode(back), decode(wire));
      }),
      { numRuns: 60 },
    );
  });

  test("words errors as Electron does", async () => {
    const failed = (channel: string): Promise<unknown> =>
      page.evaluate(
        (name) =>
          fixture.invoke(name).then(
            () => "no error",
            (error: unknown) => (error as Error).message,
          ),
        channel,
      );
    expect(await failed("fail")).toBe("Error invoking remote method 'fail': RangeError: out of it");
    expect(await failed("nobody")).toBe(
      "Error invoking remote method 'nobody': Error: No handler registered for 'nobody'",
    );
    expect(await failed("unclonable")).toMatch(
      /^Error invoking remote method 'unclonable': .*could not be cloned/,
    );
  });

  test("tells pages, until they stop listening", async () => {
    const heard = await page.evaluate(async () => {
      const got: unknown[] = [];
      const stop = fixture.on("news", (...args) => got.push(args));
      await fixture.invoke("tell", "news", 1, new Map([["a", 1n]]));
      stop();
      await fixture.invoke("tell", "news", 2);
      return got.map((args) => (args as unknown[]).length);
    });
    expect(heard).toEqual([2]);
  });

  test("names the frame, the page and the window that ask", async () => {
    expect(await page.evaluate(() => fixture.invoke("sender"))).toEqual({
      url: "app://fixture/index.html",
      origin: "app://fixture",
      main: true,
      top: "app://fixture/index.html",
      own: true,
      window: true,
    });
  });

  test("messages of no known form are dropped, and the next one is answered", async () => {
    await app.evaluateInPreload(
      "app://fixture/",
      `for (const text of ["", "[]", "{", '[["r",3],[]]']) electronStandIn.send(text)`,
    );
    expect(await page.evaluate(() => fixture.invoke("greet", "still"))).toBe("hello still");
  });
});

describe("what the app asks of Electron", () => {
  test("and is not there throws, and names it", async () => {
    const results = (await page.evaluate(() => fixture.invoke("members"))) as Record<string, string>;
    for (const [attempt, named] of Object.entries({
      appMember: "electron.app.setJumpList",
      moduleMember: "electron.safeStorage.isEncryptionAvailable",
      contentsMember: "electron.webContents.printToPDF",
      windowMember: "electron.BrowserWindow.setProgressBar",
      windowOption: "electron.BrowserWindow.kiosk",
      assignment: "electron.BrowserWindow.onclose",
    })) {
      expect(results[attempt]).toBe(`${named} is not implemented by test/electron-stand-in`);
    }
    expect(results["noSandbox"]).toMatch(/sandbox must not be off/);
    expect(results["noIsolation"]).toMatch(/contextIsolation must not be off/);
    expect(results["nodeIntegration"]).toMatch(/nodeIntegration must not be on/);
  });

  test("the theme it chooses is the page's", async () => {
    const dark = (): Promise<unknown> => page.evaluate(`matchMedia("(prefers-color-scheme: dark)").matches`);
    await app.setDark(false);
    expect(await page.evaluate(() => fixture.invoke("theme", "dark"))).toBe(true);
    await expect.poll(dark).toBe(true);
    expect(await page.evaluate(() => fixture.invoke("theme", "system"))).toBe(false);
    await expect.poll(dark).toBe(false);
    await app.setDark(true);
    await expect.poll(dark).toBe(true);
  });
});
