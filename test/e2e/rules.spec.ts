/** Rules of folders in the settings: made, in force at once, changed and taken away. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { PLANTED, plant, REDUNDANT } from "./corpus.ts";
import { card, goTo, group, groups, openReview, scan, sumBytes } from "./steps.ts";
import { expect, LABEL, test } from "./support/fixtures.ts";

/** The directory above must be root's alone. */
let directory: string;
test.beforeEach(() => {
  directory = mkdtempSync("/run/refold-e2e-rules-");
});
test.afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("a folder that is never touched is in no review and no sum", async ({ volume, launch }) => {
  plant(volume);
  const app = await launch({ env: { REFOLD_RULES: join(directory, "rules.json") } });
  const { page } = app;
  await scan(page, LABEL);
  await goTo(page, "Settings");
  const section = page.getByRole("region", { name: "Folders" });
  await expect(section).toContainText("No folder has a rule.");

  const field = section.getByRole("textbox", { name: "Folder" });
  await field.fill("vm");
  await section.getByRole("button", { name: "Add" }).click();
  await expect(section.getByRole("alert")).toHaveText("Write the whole path, from the / on.");
  await app.setDialogAnswer("showOpenDialog", { canceled: false, filePaths: [join(volume.path, "vm")] });
  await section.getByRole("button", { name: "Choose a folder" }).click();
  await expect(field).toHaveValue(join(volume.path, "vm"));
  await section.getByRole("button", { name: "Add" }).click();
  const rules = section.getByRole("list", { name: "Rules of folders" }).getByRole("listitem");
  await expect(rules).toHaveCount(1);
  expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations).toEqual([]);

  await openReview(page, LABEL);
  await expect(groups(page)).toHaveCount(3);
  await expect(group(page, "machine.qcow2")).toHaveCount(0);
  expect(await sumBytes(page)).toBe(REDUNDANT - PLANTED["machine.qcow2"].size);

  await goTo(page, "Settings");
  await rules.getByRole("combobox").selectOption("Always fold");
  await expect(rules.getByRole("combobox")).toHaveValue("always");
  await openReview(page, LABEL);
  await expect(groups(page)).toHaveCount(4);
  await goTo(page, "Settings");
  await rules.getByRole("button", { name: /^Remove the rule of / }).click();
  await expect(section).toContainText("No folder has a rule.");
  await goTo(page, "Volumes");
  await expect(card(page, LABEL).getByRole("button", { name: /^Review \d/ })).toBeVisible();
});
