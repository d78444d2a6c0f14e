/** What a page finds, what passes between it and the preload, and what it cannot reach. */
import type { Page } from "@playwright/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../e2e/support/app.ts";
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

/** What the main process noted. */
const seen = (): Promise<string[]> => page.evaluate(() => fixture.invoke("seen")) as Promise<string[]>;

describe("a window", () => {
  test("is driven by Playwright, through the preload to the main process and back", async () => {
    await page.getByRole("button", { name: "Press" }).click();
    await page.getByText("hello world").waitFor();
    expect(await page.title()).toBe("Fixture");
  });

  test("has its bridge before the page's first script runs", async () => {
    expect(await page.evaluate("window.atStart")).toBe("object");
  });

  test("keeps its bridge over a reload", async () => {
    await page.reload();
    expect(await page.evaluate(() => fixture.invoke("greet", "again"))).toBe("hello again");
  });
});

describe("contextBridge", () => {
  test("copies what a page and a preload can both have", async () => {
    const kept = await page.evaluate(() => {
      const value = {
        map: new Map([[1, new Date(5)]]),
        bytes: new Uint8Array([1, 2]),
        big: 2n ** 70n,
        none: undefined,
        text: "x\udc80",
      };
      const copy = fixture.copy(value) as typeof value;
      return {
        another: copy !== value,
        date: copy.map.get(1)?.getTime(),
        bytes: [...copy.bytes],
        big: copy.big === value.big,
        none: Object.hasOwn(copy, "none"),
        text: copy.text === value.text,
      };
    });
    expect(kept).toEqual({ another: true, date: 5, bytes: [1, 2], big: true, none: true, text: true });
  });

  test("keeps cycles", async () => {
    expect(
      await page.evaluate(() => {
        const value: { self?: unknown; list: unknown[] } = { list: [] };
        value.self = value;
        value.list.push(value.list);
        const copy = fixture.copy(value) as typeof value;
        return copy.self === copy && copy.list[0] === copy.list;
      }),
    ).toBe(true);
  });

  test("calls functions both ways, and carries promises", async () => {
    expect(await page.evaluate(() => fixture.run((a, b) => `${String(a)}-${String(b)}`, 1, "two"))).toBe(
      "1-two",
    );
    expect(await page.evaluate(() => fixture.later({ deep: [1] }))).toEqual({ deep: [1] });
    expect(await page.evaluate(() => [fixture.count(), fixture.count()])).toEqual([1, 2]);
  });

  test("throws the message, of the page's own Error", async () => {
    const thrown = await page.evaluate(async () => {
      const results: unknown[] = [];
      try {
        fixture.fail();
      } catch (error) {
        results.push((error as Error).message, error instanceof Error);
      }
      await fixture.reject().catch((error: unknown) => results.push((error as Error).message));
      return results;
    });
    expect(thrown).toEqual(["not today", true, "not later either"]);
  });

  test("refuses symbols and what has no copy", async () => {
    const refused = await page.evaluate(() =>
      [() => fixture.symbol(), () => fixture.copy(Symbol("x")), () => fixture.copy(new WeakMap())].map(
        (attempt) => {
          try {
            attempt();
            return "passed";
          } catch (error) {
            return (error as Error).message;
          }
        },
      ),
    );
    expect(refused).toHaveLength(3);
    for (const message of refused) expect(message).toMatch(/could not be cloned/);
  });

  test("refuses what is nested deeper than Electron does", async () => {
    expect(
      await page.evaluate(() => {
        let deep: unknown = 1;
        for (let k = 0; k < 1002; k++) deep = [deep];
        try {
          fixture.copy(deep);
          return "passed";
        } catch (error) {
          return (error as Error).message;
        }
      }),
    ).toMatch(/recursion depth exceeded/);
  });

  test("what is exposed cannot be replaced or changed", async () => {
    const attempts = await page.evaluate(() => {
      const results: string[] = [];
      const attempt = (work: () => void): void => {
        try {
          work();
          results.push("changed");
        } catch (error) {
          results.push((error as Error).name);
        }
      };
      attempt(() => Object.defineProperty(globalThis, "fixture", { value: 1 }));
      attempt(() => Object.defineProperty(fixture, "copy", { value: 1 }));
      attempt(() => fixture.nested.list.push(3));
      attempt(() => Object.defineProperty(fixture.nested.deep, "text", { value: "y" }));
      return results;
    });
    expect(attempts).toEqual(["TypeError", "TypeError", "TypeError", "TypeError"]);
  });
});

describe("the preload's world", () => {
  test("leaves nothing in the page's", async () => {
    const names = await page.evaluate(() =>
      Reflect.ownKeys(globalThis)
        .map(String)
        .filter((name) => /electron|^preload|^require$|ipc|^process$|^module$|stand|secret/i.test(name)),
    );
    expect(names).toEqual([]);
    expect(await page.evaluate(() => typeof (globalThis as { ofThePreload?: unknown }).ofThePreload)).toBe(
      "undefined",
    );
    expect(await app.evaluateInPreload("app://fixture/", "globalThis.ofThePreload")).toBe("secret");
  });

  test("is not reached by what a page puts in its own prototypes", async () => {
    await page.evaluate(() => {
      const stolen: unknown[] = [];
      Object.assign(globalThis, { stolen });
      for (const prototype of [EventTarget.prototype, Function.prototype]) {
        for (const name of ["dispatchEvent", "addEventListener", "call", "apply", "bind"]) {
          const original = Reflect.get(prototype, name) as ((...args: unknown[]) => unknown) | undefined;
          if (original === undefined) continue;
          Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]): unknown {
            if (this instanceof MessagePort) stolen.push(this);
            return Reflect.apply(original, this, args);
          });
        }
      }
    });
    expect(await page.evaluate(() => fixture.invoke("greet", "thief"))).toBe("hello thief");
    expect(await page.evaluate(() => (globalThis as unknown as { stolen: unknown[] }).stolen.length)).toBe(0);
    await page.reload();
  });

  test("has no Node, and says so of what of Electron is not there", async () => {
    expect(await page.evaluate(() => fixture.modules())).toBe("module not found: node:fs");
    expect(await page.evaluate(() => fixture.missing())).toMatch(/ipcRenderer\.sendSync is not implemented/);
  });
});

describe("a page", () => {
  test("is held by the policy of its response", async () => {
    expect(await page.evaluate("typeof window.inlineRan")).toBe("undefined");
    // asked of the page itself: what DevTools evaluates is not under the policy
    const violated = await page.evaluate<string>(`new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
      const script = document.createElement("script");
      script.textContent = "window.inlineRan = true";
      document.body.append(script);
    })`);
    expect(violated).toMatch(/^script-src/);
    expect(await page.evaluate("typeof window.inlineRan")).toBe("undefined");
  });

  test("may not navigate, and stays where it is", async () => {
    await page.evaluate(`location.href = "http://127.0.0.1:9/elsewhere"`);
    await expect.poll(seen).toContain("will-navigate http://127.0.0.1:9/elsewhere");
    expect(await page.title()).toBe("Fixture");
    expect(await page.evaluate(() => fixture.invoke("greet", "here"))).toBe("hello here");
  });

  test("opens no window", async () => {
    await page.locator("#out-link").click();
    await expect.poll(seen).toContain("window-open https://example.com/");
    await expect.poll(() => page.context().pages().length).toBe(1);
  });

  test("goes on after windows that it tried to open", async () => {
    for (let k = 0; k < 10; k++) {
      await page.evaluate(`void window.open("https://example.com/${k}")`);
      expect(await page.evaluate(() => fixture.invoke("greet", "still"))).toBe("hello still");
    }
    await expect.poll(seen).toContain("window-open https://example.com/9");
    await expect.poll(() => page.context().pages().length).toBe(1);
  });

  test("is denied what the app denies", async () => {
    const states = await page.evaluate(`Promise.all(["geolocation", "notifications"].map(
      async (name) => (await navigator.permissions.query({ name })).state))`);
    expect(states).toEqual(["denied", "denied"]);
  });

  test("gets a secure context, files of the app's own scheme, and no others", async () => {
    const facts = await page.evaluate(async () => ({
      own: (await fetch("/page.js")).status,
      missing: (await fetch("/nothing.js")).status,
    }));
    expect(facts).toEqual({ own: 200, missing: 404 });
    expect(await page.evaluate("isSecureContext")).toBe(true);
  });
});
