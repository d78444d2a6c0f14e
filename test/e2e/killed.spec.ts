/** The helper is killed in the middle of a fold: what is stuck is shown, and one click mends it. */
import { chattr, immutablePaths } from "../support/immutable.ts";
import { plantPairs } from "./corpus.ts";
import { helperPid, killWhileLocked } from "./helper-process.ts";
import { card, goTo, openReview, scan } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

/** So many that the fold goes on for seconds. */
const PAIRS = 12_000;

test("SIGKILL in the middle of a fold, then Fix all", async ({ volume, launch }) => {
  plantPairs(volume, PAIRS, 16 * 1024);
  const app = await launch();
  const { page } = app;
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
  const helper = helperPid(app.mainPid);
  await page.getByRole("button", { name: "Fold now" }).click();
  // the first files are locked before the first report of the fold
  await card(page, LABEL).getByText("Comparing every byte and sharing what is equal").waitFor();
  await killWhileLocked(helper, volume.path);

  const banner = page
    .getByRole("alert")
    .filter({ hasText: "The part of Refold that does the work has ended" });
  await expect(banner).toBeVisible();
  const left = immutablePaths(volume.path);
  expect(left.length).toBeGreaterThan(0);

  await banner.getByRole("button", { name: "Start again" }).click();
  const fix = new RegExp(`^Fix ${String(left.length)} files?$`);
  await goTo(page, "Stuck files");
  await expect(page.getByRole("listitem").filter({ hasText: volume.path })).not.toHaveCount(0);
  await page.getByRole("button", { name: fix }).click();
  await expect(page.getByText(/files? (is|are) free again/)).toBeVisible();
  expect(immutablePaths(volume.path)).toEqual([]);
  await expect(page.getByRole("button", { name: /^Fix/ })).toHaveCount(0);

  await goTo(page, "Volumes");
  await scan(page, LABEL);
});

test("a file that somebody else made immutable is mended only when it is chosen and confirmed", async ({
  volume,
  launch,
}) => {
  plantPairs(volume, 3, 64 * 1024);
  const theirs = `${volume.path}/left/0.bin`;
  chattr("+i", theirs);
  volume.settle();
  const { page } = await launch();
  await scan(page, LABEL);
  await goTo(page, "Stuck files");
  await page.getByRole("button", { name: /^Look/ }).click();
  await page.getByRole("checkbox", { name: /0\.bin$/ }).check();
  await page.getByRole("button", { name: /^Take the flag off 1 file/ }).click();
  await page.getByRole("button", { name: "Leave them" }).click();
  expect(immutablePaths(volume.path)).toEqual([theirs]);
  await page.getByRole("button", { name: /^Take the flag off 1 file/ }).click();
  await page.getByRole("button", { name: "Take the flag off", exact: true }).click();
  await expect(page.getByText("1 file is free again")).toBeVisible();
  expect(immutablePaths(volume.path)).toEqual([]);
});
