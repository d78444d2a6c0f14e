/// <reference lib="dom" />
/** What a view looks like: axe finds nothing, and its picture is in docs/screenshots. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect } from "./support/fixtures.ts";
import { ROOT } from "../support/run.ts";

const PICTURES = join(ROOT, "docs", "screenshots");
/** A name that people know, in the app's own mount namespace; not over the program itself. */
export const MOUNT_AT = ROOT.startsWith("/home/") ? "/mnt" : "/home";

/** Checks a view with axe, and takes its picture. */
export async function look(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  // what moves is not what is checked
  await page.emulateMedia({ reducedMotion: "reduce" });
  // legacy mode: the other opens a page of its own, and the app has but one
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(
    violations.map(
      ({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
    ),
  ).toEqual([]);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(sideways, `${name} scrolls sideways`).toBe(false);
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}
