/** What the desktop sees: the tray, a second start, settings that last, languages and colours. */
import { plant } from "./corpus.ts";
import { card, goTo, scan } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

test("the tray's menu starts a scan and says what can be had", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch({ tray: true });
  await expect(card(app.page, LABEL)).toBeVisible();
  await app.clickTray("Scan now");
  await expect(card(app.page, LABEL).getByText(/^Scanned /)).toBeVisible();
  await expect.poll(async () => JSON.stringify(await app.tray())).toMatch(/MiB can be reclaimed/);
});

test("closing the window leaves the app in the tray, which opens it again", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch({ tray: true });
  await expect(card(app.page, LABEL)).toBeVisible();
  await app.closeWindow();
  await expect.poll(() => app.windowVisible()).toBe(false);
  await app.clickTray("Open Refold");
  await expect.poll(() => app.windowVisible()).toBe(true);
  await app.clickTray("Quit");
  await app.exited;
});

test("without a tray closing the window ends the app", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch();
  await expect(card(app.page, LABEL)).toBeVisible();
  await app.closeWindow();
  await app.exited;
});

test("a second instance shows the window of the first and ends", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch({ tray: true });
  await expect(card(app.page, LABEL)).toBeVisible();
  await app.closeWindow();
  await expect.poll(() => app.windowVisible()).toBe(false);
  await app.startSecond(["--view=history"]);
  await expect.poll(() => app.windowVisible()).toBe(true);
  await expect(app.page.getByRole("heading", { level: 1, name: "History" })).toBeVisible();
});

test("settings survive a restart, German and dark among them", async ({ volume, launch }) => {
  plant(volume);
  const first = await launch();
  const { page } = first;
  await goTo(page, "Settings");
  await page.getByRole("textbox", { name: "Never look at" }).fill("*/node_modules/*");
  await page.getByRole("textbox", { name: "Never look at" }).press("Enter");
  await page.getByRole("combobox", { name: "Theme" }).selectOption("Dark");
  await page.getByRole("combobox", { name: "Language" }).selectOption("Deutsch");
  await expect(page.getByRole("heading", { level: 1, name: "Einstellungen" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await first.close();

  const second = await launch();
  await expect(second.page.locator("html")).toHaveAttribute("lang", "de");
  await expect(second.page.locator("html")).toHaveAttribute("data-theme", "dark");
  await second.page.getByRole("link", { name: /^Einstellungen/ }).click();
  await expect(second.page.getByRole("listitem").filter({ hasText: "*/node_modules/*" })).toBeVisible();
});

test("a scan's exclude from the settings leaves its files out", async ({ volume, launch }) => {
  plant(volume);
  const { page } = await launch();
  await scan(page, LABEL);
  await expect(card(page, LABEL).getByRole("button", { name: "Review 4 groups" })).toBeVisible();
  await goTo(page, "Settings");
  await page.getByRole("textbox", { name: "Never look at" }).fill("*.qcow2");
  await page.getByRole("textbox", { name: "Never look at" }).press("Enter");
  await goTo(page, "Review");
  await expect(page.getByRole("treegrid")).not.toContainText("machine.qcow2");
  await expect(page.getByRole("treegrid")).toContainText("holiday.jpg");
});
