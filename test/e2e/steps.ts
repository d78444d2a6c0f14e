/** What a person does in the window, by the words they read there. English, unless a test says otherwise. */
import type { Locator, Page } from "@playwright/test";
import { expect } from "./support/fixtures.ts";

export type ViewName = "Volumes" | "Review" | "History" | "Stuck files" | "Settings";

/** Opens a view by the sidebar. */
export async function goTo(page: Page, view: ViewName): Promise<void> {
  await page
    .getByRole("navigation", { name: "Views" })
    .getByRole("link", { name: new RegExp(`^${view}`) })
    .click();
  await expect(page.getByRole("heading", { level: 1, name: new RegExp(`^${view}`) })).toBeVisible();
}

/** The card of a filesystem in Volumes. */
export function card(page: Page, label: string): Locator {
  return page.getByRole("article", { name: label });
}

/** Scans from the card and waits for the result. */
export async function scan(page: Page, label: string): Promise<void> {
  await goTo(page, "Volumes");
  await card(page, label).getByRole("button", { name: "Scan", exact: true }).click();
  await expect(card(page, label).getByText(/^Scanned /)).toBeVisible();
}

/** Opens the review from the card and waits for its rows and names. */
export async function openReview(page: Page, label: string): Promise<void> {
  await goTo(page, "Volumes");
  await card(page, label)
    .getByRole("button", { name: /^Review \d/ })
    .click();
  await expect(groups(page).first()).toBeVisible();
  await expect(page.getByRole("searchbox", { name: "Search in paths" })).toBeEnabled();
}

/** Lines of groups in the table, those near the viewport. */
export function groups(page: Page): Locator {
  return page.getByRole("treegrid").locator('[role=row][aria-level="1"]');
}

/** The line of the group whose shown file has a name. */
export function group(page: Page, name: string): Locator {
  return groups(page).filter({ hasText: name });
}

/** The lines of files of groups that are open. */
export function files(page: Page): Locator {
  return page.getByRole("treegrid").locator('[role=row][aria-level="2"]');
}

/** The sum at the bottom: bytes that the ticked groups give back, exact. */
export async function sumBytes(page: Page): Promise<number> {
  const bar = page.locator("footer");
  await expect(bar.locator(".counting")).toHaveCount(0);
  return exactBytes(bar.locator(".bytes").first());
}

/** The exact number of bytes in the title of an amount. */
export async function exactBytes(amount: Locator): Promise<number> {
  const title = (await amount.getAttribute("title")) ?? "";
  return Number(title.replaceAll(/\D/g, ""));
}

/** Folds what is ticked, through the question, and waits for the result in Volumes. */
export async function fold(page: Page, label: string): Promise<Locator> {
  await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
  const dialog = page.getByRole("dialog", { name: /^Fold / });
  await dialog.getByRole("button", { name: "Fold now" }).click();
  const result = card(page, label).locator(".result");
  await expect(result).toBeVisible({ timeout: 60_000 });
  return result;
}
