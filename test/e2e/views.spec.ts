/** Every view in light and dark: axe finds nothing, and its picture is in docs/screenshots. */
import { join } from "node:path";
import { chattr } from "../support/immutable.ts";
import { look, MOUNT_AT as mountAt } from "./look.ts";
import { plantHome } from "./picture-home.ts";
import { card, files, fold, goTo, group, openReview, scan } from "./steps.ts";
import { expect, test } from "./support/fixtures.ts";

const LABEL = "home";

test.use({ volumeOptions: { label: LABEL, size: "3G", mountOptions: ["compress=zstd:1"] } });

for (const theme of ["light", "dark"] as const) {
  test(`all views, ${theme}`, async ({ volume, launch }) => {
    test.setTimeout(240_000);
    plantHome(volume);
    const { page } = await launch({ tray: true, mountAt });
    await goTo(page, "Settings");
    await page.getByRole("combobox", { name: "Theme" }).selectOption(theme === "dark" ? "Dark" : "Light");
    await expect(page.locator("html")).toHaveAttribute("data-theme", theme);

    await goTo(page, "Review");
    await look(page, `not-scanned-${theme}`);
    await scan(page, LABEL);
    await look(page, `volumes-${theme}`);

    await openReview(page, LABEL);
    await group(page, "fedora-workstation").getByRole("button", { name: "Show its files" }).click();
    await expect(files(page).filter({ hasText: "will be folded" }).first()).toBeVisible();
    await expect(page.getByText("Where it is")).toBeVisible();
    await page.getByRole("heading", { level: 1 }).click();
    await look(page, `review-${theme}`);

    await group(page, "fedora-workstation")
      .getByRole("button", { name: /^More for/ })
      .click();
    await look(page, `review-menu-${theme}`);
    await page.keyboard.press("Escape");
    await page.locator("footer").getByRole("button", { name: /^Fold/ }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, `fold-question-${theme}`);
    await page.keyboard.press("Escape");
    const result = await fold(page, LABEL);
    // groups are left of which snapshots have other copies: nothing in them can be folded
    await expect(card(page, LABEL).getByRole("button", { name: /^Review/ })).toHaveCount(0);
    await look(page, `folded-${theme}`);

    await result.getByRole("button", { name: "Show in history" }).click();
    await page.getByRole("table").first().getByRole("button").first().click();
    await look(page, `history-${theme}`);

    chattr("+i", join(volume.path, "Documents/contract.pdf"));
    volume.settle();
    await goTo(page, "Stuck files");
    await look(page, `stuck-none-${theme}`);
    await page.getByRole("button", { name: /^Look/ }).click();
    await expect(page.getByRole("checkbox", { name: /contract\.pdf$/ })).toBeVisible();
    await look(page, `stuck-${theme}`);
    await goTo(page, "Volumes");
    await expect(card(page, LABEL).getByRole("button", { name: "Show them" })).toBeVisible();
    await look(page, `volumes-stuck-${theme}`);
    chattr("-i", join(volume.path, "Documents/contract.pdf"));

    await goTo(page, "Settings");
    await look(page, `settings-${theme}`);
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, `shortcuts-${theme}`);
  });
}

test("nothing mounted, light and dark", async ({ launch }) => {
  const { page } = await launch({ noVolumes: true });
  for (const theme of ["light", "dark"] as const) {
    await goTo(page, "Settings");
    await page.getByRole("combobox", { name: "Theme" }).selectOption(theme === "dark" ? "Dark" : "Light");
    for (const view of ["Volumes", "Review", "History", "Stuck files"] as const) {
      await goTo(page, view);
      await look(page, `empty-${view.toLowerCase().replace(" ", "-")}-${theme}`);
    }
  }
});

test("German fits in every view, at 800x600 and at 200 % too", async ({ volume, launch }) => {
  plantHome(volume);
  const { page } = await launch({ env: { LANG: "de_DE.UTF-8", LANGUAGE: "de" }, mountAt });
  const to = async (name: string): Promise<void> => {
    await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
  };
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await card(page, LABEL).getByRole("button", { name: "Scannen", exact: true }).click();
  await expect(card(page, LABEL).getByRole("button", { name: /Gruppen/ })).toBeVisible();
  for (const size of [
    { width: 1180, height: 780 },
    { width: 800, height: 600 },
    // what 200 % leaves of the first
    { width: 590, height: 390 },
  ]) {
    await page.setViewportSize(size);
    for (const name of ["Volumes", "Durchsicht", "Verlauf", "Gesperrte Dateien", "Einstellungen"]) {
      await to(name);
      await look(page, `de-${name.toLowerCase().replace(" ", "-")}-${String(size.width)}`);
    }
  }
});
