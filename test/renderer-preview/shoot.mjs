/**
 * Writes a picture of each view and state, in light and dark, at three sizes,
 * and says what axe, the page's errors and its width have to say.
 *
 *   node test/renderer-preview/shoot.mjs DIRECTORY [--only NAME,...] [--lang de] [--size 800x600] [--theme dark]
 */
import { AxeBuilder } from "@axe-core/playwright";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { servePreview } from "./serve.mjs";
import { SHOTS } from "./shots.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    lang: { type: "string", default: "en" },
    size: { type: "string" },
    theme: { type: "string" },
  },
});
const [directory] = positionals;
if (directory === undefined)
  throw new Error("usage: shoot.mjs DIRECTORY [--only NAME,...] [--lang de] [--size ...]");

// at 200 % an 800x600 window has room for 400x300
const SIZES = [
  { name: "1280x800", width: 1280, height: 800, scale: 1 },
  { name: "800x600", width: 800, height: 600, scale: 1 },
  { name: "200pc", width: 400, height: 300, scale: 2 },
].filter((size) => values.size === undefined || values.size === size.name);
const THEMES = ["light", "dark"].filter((theme) => values.theme === undefined || values.theme === theme);
const only = values.only?.split(",");
const shots = SHOTS.filter((shot) => only === undefined || only.some((name) => shot.name.startsWith(name)));

const work = await mkdtemp(join(tmpdir(), "refold-preview-"));
const problems = [];
const preview = await servePreview(join(work, "site"));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
});
try {
  await mkdir(directory, { recursive: true });
  for (const size of SIZES)
    for (const theme of THEMES) {
      const context = await browser.newContext({
        viewport: { width: size.width, height: size.height },
        deviceScaleFactor: size.scale,
        colorScheme: theme,
        reducedMotion: "reduce",
        locale: "en-GB",
      });
      for (const shot of shots) await take(context, shot, size, theme);
      await context.close();
    }
} finally {
  await browser.close();
  await preview.close();
  await rm(work, { recursive: true, force: true });
}
for (const problem of problems) console.log(problem);
console.log(`${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function take(context, shot, size, theme) {
  const name = `${shot.name}.${theme}.${size.name}${values.lang === "en" ? "" : `.${values.lang}`}`;
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${name}: ${message.text()}`);
  });
  await page.goto(`${preview.url}?still&scene=${shot.scene}&lang=${values.lang}#/${shot.view}`);
  await page.locator("h1, .starting").first().waitFor({ state: "attached" });
  if (shot.settle) await page.waitForTimeout(400);
  try {
    await shot.act?.(page);
  } catch (error) {
    problems.push(`${name}: ${error.message.split("\n")[0]}`);
  }
  await page.waitForTimeout(150);
  await page.screenshot({ path: join(directory, `${name}.png`) });
  const wide = await page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("main, main *")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .filter((element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
      .map((element) => element.className || element.tagName),
  );
  if (wide.length > 0) problems.push(`${name}: wider than its room: ${wide.join(", ")}`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const violation of violations)
    problems.push(
      `${name}: axe ${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(" | ")}`,
    );
  await page.close();
}
