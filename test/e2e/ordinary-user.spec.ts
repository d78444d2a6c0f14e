/** The app end to end as an ordinary user, with the installed helper behind a real polkit. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { ANNA, Machine } from "../privilege/machine.ts";
import { Agent } from "../privilege/people.ts";
import { immutablePaths } from "../support/immutable.ts";
import { ROOT } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { plant, PLANTED, plantPairs, REDUNDANT } from "./corpus.ts";
import { killWhileLocked } from "./helper-process.ts";
import { card, exactBytes, fold, goTo, group, groups, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test as base } from "./support/fixtures.ts";
import { PersonsWindow, startSession, type Session } from "./support/persons-window.ts";

const MANAGE = "org.refold.Refold.manage";
/** So many that the fold goes on for seconds. */
const PAIRS = 6000;

/** The machine with the package in it, where Anna has logged in: one for all tests, since making it takes long. */
const test = base.extend<
  { volume: LoopVolume; open: () => Promise<PersonsWindow> },
  { machine: Machine; session: Session }
>({
  machine: [
    // Playwright wants the pattern, also where nothing is taken of it

    async ({}, use) => {
      const scratch = mkdtempSync(join(tmpdir(), "refold-ordinary-"));
      const packaging = [join(ROOT, "scripts/package/cli.mjs"), "--output", scratch, "--level", "0"];
      const built = spawnSync(process.execPath, packaging, { encoding: "utf8" });
      if (built.status !== 0) throw new Error(`no package: ${built.stderr}`);
      const machine = await Machine.create();
      await machine.install(built.stdout.trim());
      await use(machine);
      await machine.dispose();
      rmSync(scratch, { recursive: true });
    },
    { scope: "worker", timeout: 300_000 },
  ],
  volume: async ({ machine }, use) => {
    const volume = LoopVolume.create({ size: "1G", label: LABEL });
    await machine.mount(volume.device, "/mnt/home");
    await use(volume);
    (await machine.run(["umount", "--lazy", "/mnt/home"])).expectCode(0);
    volume.dispose();
  },
  session: [
    async ({ machine }, use) => {
      machine.setSession(ANNA, "active");
      await use(await startSession(machine, ANNA));
    },
    { scope: "worker", timeout: 60_000 },
  ],
  open: async ({ machine, session }, use, testInfo) => {
    const opened: PersonsWindow[] = [];
    await use(async () => {
      const window = await PersonsWindow.start(machine, ANNA, session);
      opened.push(window);
      return window;
    });
    for (const window of opened) {
      await window[Symbol.asyncDispose]();
      // what it wrote explains a failure; of a test that passed nobody wants it
      if (testInfo.status !== testInfo.expectedStatus)
        await testInfo.attach("main process", { body: window.logs(), contentType: "text/plain" });
    }
  },
});
test.slow();

const inside = (path: string): string => join("/mnt/home", path);

/** Asks for the review from the card; names need rights. */
async function askForReview(page: Page): Promise<void> {
  await card(page, LABEL)
    .getByRole("button", { name: /^Review \d/ })
    .click();
}

/** The app is of use still: a new pair is found, without a question. */
async function scansAgain(machine: Machine, page: Page, volume: LoopVolume): Promise<void> {
  plantPairs(volume, 1, 64 * 1024);
  // a minute between two scans is what observe.test.ts is about
  await machine.run(["sh", "-c", "rm -f /run/refold/observe/scan-*"]);
  await scan(page, LABEL);
  await expect
    .poll(() => exactBytes(card(page, LABEL).locator(".amount .bytes")))
    .toBe(REDUNDANT + 64 * 1024);
}

test("totals without a password, review after one, fold: what was promised is what was measured", async ({
  machine,
  volume,
  open,
}) => {
  plant(volume);
  await using agent = await Agent.start(machine, ANNA, "answers");
  const { page } = await open();
  await scan(page, LABEL);
  expect(await exactBytes(card(page, LABEL).locator(".amount .bytes"))).toBe(REDUNDANT);
  await expect(page.locator("body")).not.toContainText("machine.qcow2");
  expect(agent.questions).toEqual([]);

  await openReview(page, LABEL);
  expect(agent.questions.map(({ action }) => action)).toEqual([MANAGE]);
  await expect(groups(page)).toHaveCount(Object.keys(PLANTED).length);
  await expect(group(page, "machine.qcow2")).toContainText(inside("vm"));
  expect(await sumBytes(page)).toBe(REDUNDANT);
  const result = await fold(page, LABEL);
  expect(await exactBytes(result.locator("dd.size .bytes").nth(0))).toBe(REDUNDANT);
  expect(await exactBytes(result.locator("dd.size .bytes").nth(1))).toBe(REDUNDANT);
  expect(immutablePaths(volume.path)).toEqual([]);
  expect(agent.questions).toHaveLength(1);
});

/** Folds many pairs and kills the helper in the middle. @returns how many files it left immutable */
async function foldAndKill(window: PersonsWindow, volume: LoopVolume): Promise<number> {
  const { page } = window;
  plantPairs(volume, PAIRS, 16 * 1024);
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
  const helper = window.helperPid();
  await page.getByRole("button", { name: "Fold now" }).click();
  await card(page, LABEL).getByText("Comparing every byte and sharing what is equal").waitFor();
  await killWhileLocked(helper, volume.path);
  await expect(lost(page)).toBeVisible();
  return immutablePaths(volume.path).length;
}
const lost = (page: Page): Locator =>
  page.getByRole("alert").filter({ hasText: "The part of Refold that does the work has ended" });
const fix = (within: Page | Locator, files: number): Locator =>
  within.getByRole("button", { name: new RegExp(`^Fix ${files.toLocaleString("en")} files?$`) });

test("the helper is killed in the middle of a fold: started again, it mends what it left", async ({
  machine,
  volume,
  open,
}) => {
  await using agent = await Agent.start(machine, ANNA, "answers");
  const window = await open();
  const { page } = window;
  const left = await foldAndKill(window, volume);
  expect(left).toBeGreaterThan(0);
  await lost(page).getByRole("button", { name: "Start again" }).click();
  await fix(card(page, LABEL), left).click();
  await expect.poll(() => immutablePaths(volume.path)).toEqual([]);
  await expect(page.getByRole("button", { name: /^Fix/ })).toHaveCount(0);
  // the password of before is still good
  expect(agent.questions).toHaveLength(1);
});

test("what a killed helper left is shown after the next login, and asks only to be listed", async ({
  machine,
  volume,
  open,
}) => {
  await using agent = await Agent.start(machine, ANNA, "answers");
  const before = await open();
  const left = await foldAndKill(before, volume);
  await before[Symbol.asyncDispose]();

  const { page } = await open();
  // of its journal the helper that observes tells the length, which may be more than what is locked
  await expect(card(page, LABEL).getByRole("button", { name: /^Fix [\d,]+ files?$/ })).toBeVisible();
  await goTo(page, "Stuck files");
  const show = page.getByRole("button", { name: "Show the files" });
  await expect(show).toBeVisible();
  expect(agent.questions).toHaveLength(1);
  await show.click();
  await expect(page.getByRole("listitem").filter({ hasText: "/mnt/home" })).not.toHaveCount(0);
  expect(agent.questions).toHaveLength(2);
  await fix(page, left).click();
  await expect.poll(() => immutablePaths(volume.path)).toEqual([]);
});

test("a dismissed question is no error, and the app goes on", async ({ machine, volume, open }) => {
  plant(volume);
  await using agent = await Agent.start(machine, ANNA, "dismisses");
  const { page } = await open();
  await scan(page, LABEL);
  await askForReview(page);
  await expect.poll(() => agent.questions.length).toBe(1);
  await expect(page.getByRole("button", { name: /^Ask for the rights/ })).toBeEnabled();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await scansAgain(machine, page, volume);
  await expect(page.getByRole("alert")).toHaveCount(0);
  expect(agent.questions).toHaveLength(1);
});

test("a refused question is explained, and the app goes on", async ({ machine, volume, open }) => {
  plant(volume);
  await using agent = await Agent.start(machine, ANNA, "mistypes");
  const { page } = await open();
  await scan(page, LABEL);
  await askForReview(page);
  // said once
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Refold did not get administrator's rights");
  await expect(alert).toContainText("The system refused Refold root's rights.");
  await expect(alert).toContainText("Check the password");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  expect(agent.questions.length).toBeGreaterThan(0);
  await scansAgain(machine, page, volume);
});
