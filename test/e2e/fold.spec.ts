/** The whole way: scan, review, untick, fold, what was promised and what came of it. */
import { plant, PLANTED, REDUNDANT } from "./corpus.ts";
import { card, exactBytes, files, fold, goTo, group, groups, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";
import { immutablePaths } from "../support/immutable.ts";
import { diffStates, snapshotState } from "../support/state.ts";

test("scan, review with filters, untick one file, fold: what was promised is what was measured", async ({
  volume,
  launch,
}) => {
  plant(volume);
  const { page } = await launch();
  await scan(page, LABEL);
  expect(await exactBytes(card(page, LABEL).locator(".amount .bytes"))).toBe(REDUNDANT);

  await openReview(page, LABEL);
  await expect(groups(page)).toHaveCount(Object.keys(PLANTED).length);
  // largest saving first: the machine's 16 MiB before the two holidays' 12
  await expect(groups(page).first()).toContainText("machine.qcow2");
  expect(await sumBytes(page)).toBe(REDUNDANT);

  await test.step("search and filters narrow what is shown, not what is ticked", async () => {
    const search = page.getByRole("searchbox", { name: "Search in paths" });
    await search.fill("*.flac");
    await expect(groups(page)).toHaveCount(1);
    await expect(groups(page)).toContainText("song.flac");
    await search.fill("");
    await expect(groups(page)).toHaveCount(Object.keys(PLANTED).length);
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByRole("menuitem", { name: /^Type/ }).click();
    await page
      .getByRole("menuitem", { name: /^Disk images/ })
      .or(page.getByRole("menuitemcheckbox", { name: /^Disk images/ }))
      .click();
    await page.keyboard.press("Escape");
    await expect(groups(page)).toHaveCount(1);
    await expect(groups(page)).toContainText("machine.qcow2");
    expect(await sumBytes(page)).toBe(REDUNDANT);
    await page.getByRole("button", { name: "All", exact: true }).click();
  });

  const { size } = PLANTED["holiday.jpg"];
  await test.step("one file of a group is unticked, and its bytes leave the sum", async () => {
    await group(page, "holiday.jpg").getByRole("button", { name: "Show its files" }).click();
    await expect(files(page)).toHaveCount(3);
    const folded = files(page).filter({ hasText: "will be folded" });
    await expect(folded).toHaveCount(2);
    await folded.first().getByRole("checkbox", { name: "Tick the file" }).uncheck();
    await expect.poll(() => sumBytes(page)).toBe(REDUNDANT - size);
    await expect(files(page).filter({ hasText: "left out" })).toHaveCount(1);
  });
  const left = await files(page).filter({ hasText: "left out" }).locator(".path").first().textContent();

  const before = snapshotState(volume.path);
  volume.settle();
  const used = volume.usage().dataUsed;
  const result = await fold(page, LABEL);
  const promised = await exactBytes(result.locator("dd.size .bytes").nth(0));
  const measured = await exactBytes(result.locator("dd.size .bytes").nth(1));
  expect(promised).toBe(REDUNDANT - size);
  expect(measured).toBe(promised);
  volume.settle();
  expect(used - volume.usage().dataUsed).toBe(promised);
  expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
  expect(immutablePaths(volume.path)).toEqual([]);
  expect(left).not.toBeNull();

  await test.step("the history has the run, with every file", async () => {
    await result.getByRole("button", { name: "Show in history" }).click();
    const runs = page.getByRole("table").first().getByRole("row");
    await expect(runs).toHaveCount(2);
    await expect(runs.nth(1)).toContainText("done");
  });

  await test.step("what was left out is what remains", async () => {
    await goTo(page, "Volumes");
    await expect(card(page, LABEL).getByRole("button", { name: "Review 1 group" })).toBeVisible();
    await openReview(page, LABEL);
    // and it is left out still
    await expect(page.locator("footer").getByText("Nothing is ticked")).toBeVisible();
    await page.getByRole("checkbox", { name: "Tick all groups shown" }).check();
    await expect.poll(() => sumBytes(page)).toBe(size);
  });
});
