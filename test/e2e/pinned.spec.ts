/** What snapshots keep, and which: told in the review, folded in snapshots too by its switch, and measured. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { diffStates, snapshotState } from "../support/state.ts";
import { plant, REDUNDANT } from "./corpus.ts";
import { look, MOUNT_AT } from "./look.ts";
import { plantHome } from "./picture-home.ts";
import { card, exactBytes, fold, goTo, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

const HELD = 5 * 2 ** 20;

test("what a snapshot keeps is named, and comes back where copies in snapshots are folded, too", async ({
  volume,
  launch,
}) => {
  plant(volume);
  const picture = randomBytes(HELD);
  for (const name of ["scan.tif", "scan copy.tif"]) writeFileSync(join(volume.path, "home", name), picture);
  volume.settle();
  volume.snapshot("home", ".kept", { readOnly: true });
  volume.settle();
  const { page } = await launch();
  await scan(page, LABEL);
  await expect(card(page, LABEL).getByText(/more is kept by snapshots or other files$/)).toBeVisible();
  const promised = await exactBytes(card(page, LABEL).locator(".amount .bytes"));
  expect(promised).toBe(REDUNDANT);
  await openReview(page, LABEL);
  expect(await sumBytes(page)).toBe(promised);

  await page
    .locator("footer")
    .getByRole("button", { name: /more is kept$/ })
    .click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("heading", { name: /^1 snapshot keeps/ })).toBeVisible();
  await expect(dialog.getByRole("listitem")).toHaveText(/^\.kept/);
  const toggle = dialog.getByRole("switch", { name: "Fold copies in read-only snapshots too" });
  await expect(dialog.getByText(/gives back .* more, and takes at most .* of metadata/)).toBeVisible();
  await toggle.click();
  // the same review with everything ticked, and nothing is kept
  await expect(dialog.getByRole("heading", { name: "Nothing more is kept" })).toBeVisible();
  await expect(dialog.getByText(/What is ticked takes at most .* of metadata/)).toBeVisible();
  await page.keyboard.press("Escape");
  const more = await sumBytes(page);
  expect(more).toBe(REDUNDANT + HELD);
  await goTo(page, "Settings");
  await expect(page.getByRole("switch", { name: "Fold copies in read-only snapshots too" })).toHaveAttribute(
    "data-state",
    "checked",
  );

  await goTo(page, "Review");
  const before = snapshotState(volume.path);
  const used = volume.usage().dataUsed;
  await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
  await expect(
    page.getByRole("dialog").getByText(/takes at most .* of metadata, which the sum/),
  ).toBeVisible();
  await page.keyboard.press("Escape");
  const result = await fold(page, LABEL);
  expect(await exactBytes(result.locator("dd.size .bytes").nth(1))).toBe(more);
  volume.settle();
  expect(used - volume.usage().dataUsed).toBe(more);
  expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
});

test("what a snapshot keeps in parts of files is named too, and comes back by the same switch; in German", async ({
  volume,
  launch,
}) => {
  plant(volume);
  const common = randomBytes(HELD);
  for (const name of ["old.img", "new.img"])
    writeFileSync(join(volume.path, "home", name), Buffer.concat([randomBytes(64 * 1024), common]));
  volume.settle();
  volume.snapshot("home", ".kept", { readOnly: true });
  volume.settle();
  const { page } = await launch();
  await goTo(page, "Settings");
  await page.getByRole("switch", { name: "Look for equal parts of files too" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await expect.poll(() => sumBytes(page)).toBe(REDUNDANT);

  const opens = page.locator("footer").getByRole("button", { name: "What snapshots keep" });
  await opens.click();
  const dialog = page.getByRole("dialog", { name: "What snapshots keep" });
  await expect(
    dialog.getByRole("heading", { name: /^In parts of files 1 snapshot keeps 5\.0\sMiB$/ }),
  ).toBeVisible();
  await expect(dialog.getByRole("listitem")).toHaveText(/^\.kept/);
  await expect(
    dialog.getByText(/^Whole files give back nothing more by it, parts of files 5\.0\sMiB/),
  ).toBeVisible();
  await page.keyboard.press("Escape");

  await goTo(page, "Settings");
  await page.getByRole("combobox", { name: "Language" }).selectOption("Deutsch");
  await page.getByRole("link", { name: /^Durchsicht/ }).click();
  await page.locator("footer").getByRole("button", { name: "Was Snapshots halten" }).click();
  const german = page.getByRole("dialog");
  await expect(
    german.getByRole("heading", { name: /^In Teilen von Dateien hält 1 Snapshot 5,0\sMiB$/ }),
  ).toBeVisible();
  await german.getByRole("switch").click();
  await expect(german.getByRole("heading", { name: "Nichts weiter wird gehalten" })).toBeVisible();
  await page.keyboard.press("Escape");
  // it is in the sum by then, and comes back
  await expect.poll(() => sumBytes(page)).toBeGreaterThan(REDUNDANT + HELD - 2 ** 18);
});

test.describe("pictures", () => {
  test.use({ volumeOptions: { label: "home", size: "3G", mountOptions: ["compress=zstd:1"] } });
  for (const theme of ["light", "dark"] as const) {
    test(`what snapshots keep, ${theme}`, async ({ volume, launch }) => {
      plantHome(volume);
      volume.snapshot("Documents", join(".snapshots", "documents-2026-03"), { readOnly: true });
      volume.settle();
      const { page } = await launch({ mountAt: MOUNT_AT });
      await goTo(page, "Settings");
      await page.getByRole("combobox", { name: "Theme" }).selectOption(theme === "dark" ? "Dark" : "Light");
      await scan(page, "home");
      await openReview(page, "home");
      await page
        .locator("footer")
        .getByRole("button", { name: /more is kept$/ })
        .click();
      await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
      await look(page, `review-pinned-${theme}`);
      if (theme === "dark") return;
      await page.setViewportSize({ width: 590, height: 390 });
      await look(page, "review-pinned-590");
      await page.keyboard.press("Escape");
      await goTo(page, "Settings");
      await page.getByRole("combobox", { name: "Language" }).selectOption("Deutsch");
      await page.setViewportSize({ width: 800, height: 600 });
      await page.getByRole("link", { name: /^Durchsicht/ }).click();
      await page
        .locator("footer")
        .getByRole("button", { name: /werden gehalten$/ })
        .click();
      await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
      await look(page, "de-review-pinned-800");
    });
  }
});
