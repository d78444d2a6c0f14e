/// <reference lib="dom" />
/** What a page that was taken over could try, in the assembled app. */
import type { Page } from "@playwright/test";
import { plant } from "./corpus.ts";
import { card } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

interface Bridge {
  invoke(name: unknown, args?: unknown): Promise<{ ok: boolean; error?: { code: string } }>;
}

/** The code of the error that a call is answered with; "ok" where it is none. */
function code(page: Page, name: unknown, args?: unknown): Promise<string> {
  return page.evaluate(
    async ([call, given]) => {
      const { refold } = window as unknown as { refold: Bridge };
      const answer = await refold.invoke(call, given);
      return answer.ok ? "ok" : (answer.error?.code ?? "no code");
    },
    [name, args] as const,
  );
}

test("hostile calls of the page are refused, logged and harmless", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch();
  const { page } = app;
  await expect(card(page, LABEL)).toBeVisible();
  const uuid = volume.uuid;

  const hostile: readonly [unknown, unknown?][] = [
    ["no.such.call"],
    ["__proto__"],
    ["constructor"],
    [{ toString: "app.state" }],
    [7],
    ["scan.start"],
    ["scan.start", { volume: "/etc/passwd" }],
    ["scan.start", { volume: uuid, minSize: 0 }],
    ["scan.start", [uuid]],
    ["review.rows", { review: "../../etc", filter: null, sort: null, offset: -1, limit: 1e9 }],
    ["review.fold", { review: "nothing", revision: "1; rm -rf /" }],
    ["review.show", { review: "r", group: "g", file: "/etc/shadow" }],
    ["stuck.repair", { volume: uuid, ids: ["256:257:9; true"] }],
    ["settings.set", { minSize: -1 }],
    ["settings.set", { theme: "dark", extra: true }],
    ["history.export", { volume: uuid, format: "exe" }],
    ["task.cancel", { task: "x".repeat(2_000_000) }],
    ["settings.set", { exclude: Array.from({ length: 100_000 }, () => "x") }],
  ];
  for (const [name, args] of hostile)
    expect(await code(page, name, args), JSON.stringify(name)).toBe("refused");
  // understood, but of nothing that there is
  expect(await code(page, "task.cancel", { task: "none" })).not.toBe("ok");
  expect(await code(page, "app.state")).toBe("ok");
  expect(app.logs()).toMatch(/refused/);
  await expect(card(page, LABEL)).toBeVisible();
});

test("the page reaches neither Node, nor Electron, nor the network, nor another page", async ({
  volume,
  launch,
}) => {
  plant(volume);
  const app = await launch();
  const { page } = app;
  await expect(card(page, LABEL)).toBeVisible();
  const seen = await page.evaluate(async () => {
    const failed = async (work: () => unknown): Promise<boolean> => {
      // what a debugger calls may use eval, but not what it calls later
      await new Promise((resolve) => setTimeout(resolve, 0));
      try {
        await work();
        return false;
      } catch {
        return true;
      }
    };
    const globals = window as unknown as Record<string, unknown>;
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.head.append(script);
    return {
      node: ["require", "process", "module", "Buffer", "ipcRenderer", "electron"].filter(
        (name) => name in globals,
      ),
      bridge: Object.keys(globals["refold"] as object).sort(),
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- that it is refused is the point
      evalRefused: await failed(() => new Function("return 1")),
      inlineRefused: globals["injected"] === undefined,
      networkRefused: await failed(() => fetch("https://example.org/")),
      fileRefused: await failed(() => fetch("file:///etc/passwd")),
      outsideRefused: !(await fetch("/../../package.json")).ok,
    };
  });
  expect(seen).toEqual({
    node: [],
    bridge: ["invoke", "on"],
    evalRefused: true,
    inlineRefused: true,
    networkRefused: true,
    fileRefused: true,
    outsideRefused: true,
  });
  const address = page.url();
  await page.evaluate(() => {
    window.open("https://example.org/");
    location.href = "https://example.org/";
  });
  await expect.poll(() => app.logs()).toMatch(/wanted a new window/);
  await expect.poll(() => app.logs()).toMatch(/wanted to navigate/);
  await expect.poll(() => page.context().pages().length).toBe(1);
  await expect(card(page, LABEL)).toBeVisible();
  expect(page.url()).toBe(address);
});
