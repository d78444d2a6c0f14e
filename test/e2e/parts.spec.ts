/** Parts of files: switched on in Settings, looked through, one row unticked, folded. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { diffStates, snapshotState } from "../support/state.ts";
import { plant, REDUNDANT } from "./corpus.ts";
import { look, MOUNT_AT } from "./look.ts";
import { plantHome } from "./picture-home.ts";
import { card, exactBytes, files, fold, goTo, group, groups, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

const MIB = 2 ** 20;

async function switchOn(page: Page): Promise<void> {
  await goTo(page, "Settings");
  await page.getByRole("switch", { name: "Look for equal parts of files too" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
}

/** The sum when parts of files are in it. */
async function wholeSum(page: Page): Promise<number> {
  await expect(page.locator("footer .parts")).toHaveText(/of it in parts of files$/);
  return sumBytes(page);
}

test("switched on, reviewed, one row unticked, folded: what was promised is what was measured", async ({
  volume,
  launch,
}) => {
  plant(volume);
  mkdirSync(join(volume.path, "parts"));
  for (const [name, bytes] of [
    ["disk", 8 * MIB],
    ["tape", 3 * MIB],
  ] as const) {
    const common = randomBytes(bytes);
    for (const copy of ["old", "new"]) {
      const own = randomBytes(copy === "old" ? 64 * 1024 : 128 * 1024);
      writeFileSync(join(volume.path, `parts/${name} ${copy}`), Buffer.concat([own, common, own]));
    }
  }
  volume.settle();
  const { page } = await launch();
  await scan(page, LABEL);
  await expect(card(page, LABEL).getByText("in parts of files")).toHaveCount(0);
  expect(await exactBytes(card(page, LABEL).locator(".amount .bytes"))).toBe(REDUNDANT);
  await switchOn(page);
  await goTo(page, "Volumes");
  await card(page, LABEL).getByRole("button", { name: "Scan", exact: true }).click();
  await expect(card(page, LABEL).getByText(/of it in parts of files$/)).toBeVisible();
  const promisedByCard = await exactBytes(card(page, LABEL).locator(".amount .bytes"));
  expect(promisedByCard).toBeGreaterThan(REDUNDANT + 10 * MIB);

  await openReview(page, LABEL);
  expect(await wholeSum(page)).toBe(promisedByCard);
  await page.getByRole("button", { name: "Parts of files", exact: true }).click();
  await expect(groups(page)).toHaveCount(2);
  const tape = group(page, "tape");
  await group(page, "disk").getByRole("button", { name: "Show its files" }).click();
  await expect(files(page)).toHaveCount(2);
  await expect(files(page).filter({ hasText: "from byte 65,536" })).toHaveCount(1);
  await expect(files(page).filter({ hasText: "will be folded" })).toHaveCount(1);
  const left = await exactBytes(tape.locator(".frees"));
  expect(left).toBeGreaterThan(2 * MIB);
  await tape.getByRole("checkbox", { name: "Tick the group" }).uncheck();
  await expect.poll(() => wholeSum(page)).toBe(promisedByCard - left);

  const before = snapshotState(volume.path);
  volume.settle();
  const used = volume.usage().dataUsed;
  const result = await fold(page, LABEL);
  const promised = await exactBytes(result.locator("dd.size .bytes").nth(0));
  expect(promised).toBe(promisedByCard - left);
  expect(await exactBytes(result.locator("dd.size .bytes").nth(1))).toBe(promised);
  await expect(result.getByText(/went by moving parts of files/)).toBeVisible();
  volume.settle();
  expect(used - volume.usage().dataUsed).toBe(promised);
  expect(diffStates(before, snapshotState(volume.path))).toEqual([]);

  await test.step("what was left out is what remains", async () => {
    await expect.poll(() => exactBytes(card(page, LABEL).locator(".amount .bytes"))).toBe(left);
    await card(page, LABEL).getByRole("button", { name: "Review parts of files" }).click();
    await expect(groups(page)).toHaveCount(1);
    await expect(groups(page)).toContainText("tape");
    // and it is left out still
    await expect(page.locator("footer").getByText("Nothing is ticked")).toBeVisible();
    await page.getByRole("checkbox", { name: "Tick all groups shown" }).check();
    expect(await wholeSum(page)).toBe(left);
  });
});

test.describe("pictures", () => {
  test.use({ volumeOptions: { label: "home", size: "3G", mountOptions: ["compress=zstd:1"] } });
  for (const theme of ["light", "dark"] as const) {
    test(`parts of files, ${theme}`, async ({ volume, launch }) => {
      test.setTimeout(240_000);
      plantHome(volume);
      const { page } = await launch({ mountAt: MOUNT_AT });
      await switchOn(page);
      await page.getByRole("combobox", { name: "Theme" }).selectOption(theme === "dark" ? "Dark" : "Light");
      await expect(page.locator("html")).toHaveAttribute("data-theme", theme);
      await page.getByText("Advanced", { exact: true }).click();
      await page.getByRole("heading", { name: "Equal parts of files" }).scrollIntoViewIfNeeded();
      await look(page, `settings-parts-${theme}`);
      await scan(page, "home");
      await expect(card(page, "home").getByText(/of it in parts of files$/)).toBeVisible();
      await look(page, `volumes-parts-${theme}`);
      await openReview(page, "home");
      await wholeSum(page);
      await group(page, "debian").getByRole("button", { name: "Show its files" }).click();
      await expect(files(page).filter({ hasText: "will be folded" }).first()).toBeVisible();
      await page.getByRole("heading", { level: 1 }).click();
      await look(page, `review-parts-${theme}`);
      await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await look(page, `fold-question-parts-${theme}`);
      await page.keyboard.press("Escape");
      if (theme === "dark") return;
      await fold(page, "home");
      await look(page, `folded-parts-${theme}`);
    });
  }
});
