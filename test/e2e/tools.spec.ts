/** What else can be done with a group, and with the history. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { plant, PLANTED, REDUNDANT } from "./corpus.ts";
import { files, fold, group, groups, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

test("compare, show in the file manager, always skip a folder", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch();
  const { page } = app;
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await group(page, "holiday.jpg").getByRole("button", { name: "Show its files" }).click();
  const copy = files(page).filter({ hasText: "will be folded" }).first();

  await copy.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: /^Compare with the source/ }).click();
  await expect(page.getByRole("dialog", { name: "Compare the beginning" })).toContainText(
    "1.0 MiB are equal",
  );
  await page.keyboard.press("Escape");

  await copy.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Show in the file manager" }).click();
  await expect.poll(async () => (await app.shellCalls()).length).toBe(1);
  const [call] = await app.shellCalls();
  expect(call?.method).toBe("showItemInFolder");
  expect(PLANTED["holiday.jpg"].copies.map((path) => join(volume.path, path))).toContain(call?.target);

  await group(page, "machine.qcow2")
    .getByRole("button", { name: /^More for/ })
    .click();
  await page.getByRole("menuitem", { name: /^Always skip this folder/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Always skip" }).click();
  await expect(group(page, "machine.qcow2")).toHaveCount(0);
  await expect(groups(page)).toHaveCount(3);
  expect(await sumBytes(page)).toBe(REDUNDANT - PLANTED["machine.qcow2"].size);
});

test("the treemap filters by folder, and everything below it can be unticked at once", async ({
  volume,
  launch,
}) => {
  plant(volume);
  const { page } = await launch();
  await scan(page, LABEL);
  await openReview(page, LABEL);
  const vm = PLANTED["machine.qcow2"].size;
  await page.getByRole("button", { name: /^vm, 16\.0 MiB/ }).click();
  await expect(groups(page)).toHaveCount(1);
  await page.getByRole("checkbox", { name: "Tick all groups shown" }).uncheck();
  await expect.poll(() => sumBytes(page)).toBe(REDUNDANT - vm);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await expect(groups(page)).toHaveCount(4);
  await expect(
    group(page, "machine.qcow2").getByRole("checkbox", { name: "Tick the group" }),
  ).not.toBeChecked();
});

test("the keyboard alone ticks, opens and folds", async ({ volume, launch }) => {
  plant(volume);
  const { page } = await launch();
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await groups(page).first().focus();
  await page.keyboard.press("Space");
  await expect.poll(() => sumBytes(page)).toBe(REDUNDANT - PLANTED["machine.qcow2"].size);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await expect(files(page)).toHaveCount(3);
  await page.keyboard.press("ArrowLeft");
  await expect(files(page)).toHaveCount(0);
  await page.keyboard.press("Control+f");
  await expect(page.getByRole("searchbox", { name: "Search in paths" })).toBeFocused();
  await page.keyboard.press("Control+3");
  await expect(page.getByRole("heading", { level: 1, name: "History" })).toBeVisible();
});

test("the history is exported as JSON and CSV, for nobody else to read", async ({ volume, launch, home }) => {
  plant(volume);
  const app = await launch();
  const { page } = app;
  await scan(page, LABEL);
  await openReview(page, LABEL);
  const result = await fold(page, LABEL);
  await result.getByRole("button", { name: "Show in history" }).click();
  for (const format of ["JSON", "CSV"] as const) {
    const filePath = join(home, `history.${format.toLowerCase()}`);
    await app.setDialogAnswer("showSaveDialog", { canceled: false, filePath });
    await page.getByRole("button", { name: `Export ${format}` }).click();
    await expect.poll(() => text(filePath)).toContain("holiday.jpg");
    expect(statSync(filePath).mode & 0o777).toBe(0o600);
  }
  const exported = JSON.parse(text(join(home, "history.json"))) as { runs: { freedBytes: number }[] };
  expect(exported.runs.map(({ freedBytes }) => freedBytes)).toEqual([REDUNDANT]);
});

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
