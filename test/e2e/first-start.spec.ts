/** Nothing mounted: the app says so and offers a volume to try it on. */
import { card, fold, goTo, openReview, scan } from "./steps.ts";
import { expect, test } from "./support/fixtures.ts";

test("without any btrfs the demo volume is offered, made, folded and removed", async ({ launch }) => {
  const { page } = await launch({ noVolumes: true });
  await expect(page.getByText("There is no btrfs filesystem mounted here")).toBeVisible();
  await goTo(page, "Review");
  await expect(page.getByText("No btrfs volume")).toBeVisible();
  await page.getByRole("button", { name: "Go to Volumes" }).click();
  await page.getByRole("button", { name: "Make a demo volume" }).click();
  const demo = card(page, "refold-demo");
  await expect(demo).toBeVisible({ timeout: 90_000 });
  await expect(demo.getByText("demo", { exact: true })).toBeVisible();
  await scan(page, "refold-demo");
  await openReview(page, "refold-demo");
  const result = await fold(page, "refold-demo");
  await expect(result).toContainText("Measured on the disk after the run.");
  await result.getByRole("button", { name: "Dismiss" }).click();
  await demo.getByRole("button", { name: "More for refold-demo" }).click();
  await page.getByRole("menuitem", { name: "Remove demo volume" }).click();
  await expect(demo).toHaveCount(0);
  await expect(page.getByText("There is no btrfs filesystem mounted here")).toBeVisible();
});
