/** While something runs: pause, resume, cancel, and quitting in the middle. */
import { immutablePaths } from "../support/immutable.ts";
import { plantPairs } from "./corpus.ts";
import { card, openReview, scan } from "./steps.ts";
import { expect, LABEL, test, type App } from "./support/fixtures.ts";

/** So many that the fold goes on for seconds. */
const PAIRS = 12_000;

async function beginFold(app: App): Promise<void> {
  const { page } = app;
  await scan(page, LABEL);
  await openReview(page, LABEL);
  await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
  await page.getByRole("button", { name: "Fold now" }).click();
  await card(page, LABEL).getByRole("progressbar", { name: "Folding" }).waitFor();
}

test("a fold is paused with nothing locked, goes on, and is cancelled with what is folded kept", async ({
  volume,
  launch,
}) => {
  plantPairs(volume, PAIRS, 16 * 1024);
  const app = await launch();
  const { page } = app;
  await beginFold(app);
  await card(page, LABEL).getByRole("button", { name: "Pause" }).click();
  await expect(card(page, LABEL).getByRole("button", { name: "Resume" })).toBeVisible();
  await expect.poll(() => immutablePaths(volume.path)).toEqual([]);
  await card(page, LABEL).getByRole("button", { name: "Resume" }).click();
  await card(page, LABEL).getByRole("button", { name: "Cancel" }).click();
  const result = card(page, LABEL).locator(".result");
  await expect(result).toContainText("Cancelled after");
  expect(immutablePaths(volume.path)).toEqual([]);
  // what is left can still be had
  await expect(card(page, LABEL).getByRole("button", { name: /^Review \d/ })).toBeVisible();
});

test("closing the window in a fold goes on in the tray, and tells when it is done", async ({
  volume,
  launch,
}) => {
  plantPairs(volume, PAIRS, 16 * 1024);
  const app = await launch({ tray: true });
  await beginFold(app);
  await app.closeWindow();
  await expect.poll(() => app.windowVisible()).toBe(false);
  await expect.poll(async () => (await app.notifications()).length, { timeout: 60_000 }).toBe(1);
  expect((await app.notifications())[0]?.title).toMatch(/MiB freed$/);
  await app.clickNotification(-1);
  await expect.poll(() => app.windowVisible()).toBe(true);
});

test("quitting in a fold asks, and leaves nothing locked", async ({ volume, launch }) => {
  plantPairs(volume, PAIRS, 16 * 1024);
  const app = await launch({ tray: true });
  await beginFold(app);
  await app.setDialogAnswer("showMessageBox", { response: 1 });
  await app.clickTray("Quit");
  await app.exited;
  expect(immutablePaths(volume.path)).toEqual([]);
});
