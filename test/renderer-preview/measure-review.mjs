/**
 * How Review bears 200,000 groups: time from the click to the first rows, long tasks while scrolling with the wheel
 * and with the scrollbar, rows held and elements there. Prints JSON.
 *
 *   node test/renderer-preview/measure-review.mjs [--width 1280] [--height 800] [--cpu 1]
 *
 * --cpu 4 slows the processor down four times, as DevTools does.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { servePreview } from "./serve.mjs";

const { values } = parseArgs({
  options: {
    width: { type: "string", default: "1280" },
    height: { type: "string", default: "800" },
    cpu: { type: "string", default: "1" },
  },
});
const viewport = { width: Number(values.width), height: Number(values.height) };
const work = await mkdtemp(join(tmpdir(), "refold-measure-"));
const preview = await servePreview(join(work, "site"));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport });
  page.on("crash", () => console.error("the page crashed"));
  browser.on("disconnected", () => console.error("the browser is gone"));
  const cdp = await page.context().newCDPSession(page);
  await page.goto(`${preview.url}?still&scene=idle#/volumes`);
  await page.locator(".volume").first().waitFor();
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: Number(values.cpu) });
  const report = { viewport, cpu: Number(values.cpu) };
  await begin();
  report.openMs = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const begun = performance.now();
        const seen = new MutationObserver(() => {
          if (document.querySelector("[data-line] .tick") === null) return;
          seen.disconnect();
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - begun)));
        });
        seen.observe(document.body, { childList: true, subtree: true });
        location.hash = "#/review";
      }),
  );
  await page.waitForTimeout(1000);
  report.open = await end(page);
  await begin();
  const box = await page.locator(".scroller").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (let at = 0; at < 150; at++) await page.mouse.wheel(0, 400);
  await page.waitForTimeout(500);
  report.wheel = await end(page);
  await begin();
  // the thumb is dragged from one end to the other and back, once a frame
  report.drag = await page.evaluate(async () => {
    const scroller = document.querySelector(".scroller");
    const end = scroller.scrollHeight - scroller.clientHeight;
    let worst = 0;
    let blank = 0;
    let before = performance.now();
    const steps = 240;
    for (let at = 0; at <= steps; at++) {
      scroller.scrollTop = Math.abs((((at / steps) * 2) % 2) - 1) * end;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      worst = Math.max(worst, now - before);
      before = now;
      if (document.querySelector('[data-line][tabindex="-1"] .ghost') !== null) blank += 1;
    }
    return { framesWithPlaceholders: blank, frames: steps, worstFrameMs: worst };
  });
  await page.waitForTimeout(500);
  Object.assign(report.drag, await end(page));
  await begin();
  report.afterStop = await page.evaluate(async () => {
    const scroller = document.querySelector(".scroller");
    const begun = performance.now();
    scroller.scrollTop = scroller.scrollHeight / 3;
    do await new Promise(requestAnimationFrame);
    while (
      document.querySelector('[data-line][tabindex="-1"] .ghost') !== null ||
      document.querySelector("[data-line] .tick") === null
    );
    return { rowsAfterMs: performance.now() - begun };
  });
  await page.locator("[data-line] .twist").first().click();
  await page.locator("[data-line].file .tick").first().waitFor();
  await page.locator("[data-line] .tick").nth(3).click();
  await page.locator("[role=columnheader] .sort").nth(2).click();
  await page.waitForTimeout(1500);
  report.actions = await end(page);
  console.log(JSON.stringify(report, null, 2));
} finally {
  await browser.close();
  await preview.close();
  await rm(work, { recursive: true, force: true });
}

function begin() {
  return browser.startTracing(undefined, { categories: ["toplevel", "devtools.timeline"] });
}

/**
 * Tasks of the page's main thread since begin() that took longer than 50 ms on the clock, and of processor time: on
 * a busy machine only the second says something of the page. The invented answers are made on the same thread.
 */
async function end(page) {
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const main = traceEvents.find(
    ({ name, args, pid }) =>
      name === "thread_name" &&
      args.name === "CrRendererMain" &&
      traceEvents.some((one) => one.pid === pid && one.name === "FunctionCall"),
  );
  const tasks = traceEvents.filter(
    ({ pid, tid, name, ph }) =>
      pid === main?.pid && tid === main.tid && ph === "X" && name === "ThreadControllerImpl::RunTask",
  );
  const over = (key) => tasks.map((task) => Math.round((task[key] ?? 0) / 1000)).filter((ms) => ms > 50);
  const most = (key) => Math.round(Math.max(0, ...tasks.map((task) => task[key] ?? 0)) / 100) / 10;
  return {
    tasks: tasks.length,
    over50ms: over("dur"),
    longestMs: most("dur"),
    over50msOfProcessor: over("tdur"),
    longestMsOfProcessor: most("tdur"),
    ...(await page.evaluate(() => ({
      linesInDocument: document.querySelectorAll("[data-line]").length,
      elements: document.querySelectorAll("*").length,
    }))),
  };
}
