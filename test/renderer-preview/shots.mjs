import { REVIEW_SHOTS } from "./shots-review.mjs";

/** What is looked at: scene, view, and what is done there first. */
export const SHOTS = [
  { name: "volumes", scene: "idle", view: "volumes" },
  { name: "volumes-scanning", scene: "scanning", view: "volumes" },
  { name: "volumes-folding", scene: "folding", view: "volumes" },
  { name: "volumes-paused", scene: "paused", view: "volumes" },
  { name: "volumes-cancelling", scene: "cancelling", view: "volumes" },
  { name: "volumes-folded", scene: "folded", view: "volumes" },
  { name: "volumes-failed", scene: "failed", view: "volumes" },
  { name: "volumes-lost", scene: "lost", view: "volumes" },
  { name: "volumes-user", scene: "user", view: "volumes" },
  { name: "volumes-observing", scene: "observing", view: "volumes" },
  { name: "volumes-observing-refused", scene: "observing-refused", view: "volumes" },
  { name: "review-observing", scene: "observing", view: "review" },
  { name: "stuck-observing", scene: "observing-stuck", view: "stuck" },
  { name: "history-observing", scene: "observing", view: "history" },
  { name: "volumes-starting", scene: "starting", view: "volumes" },
  { name: "volumes-empty", scene: "empty", view: "volumes" },
  { name: "volumes-making", scene: "making", view: "volumes" },
  { name: "volumes-demo", scene: "demo", view: "volumes" },
  { name: "volumes-nothing", scene: "nothing", view: "volumes" },
  { name: "volumes-hostile", scene: "hostile", view: "volumes" },
  {
    name: "volumes-menu",
    scene: "demo",
    view: "volumes",
    act: (page) => page.locator("[aria-haspopup=menu]").first().click(),
  },
  {
    name: "volumes-error",
    scene: "refused",
    view: "volumes",
    act: async (page) => {
      await page.locator(".volume .button").first().click();
      await page.locator(".toast").waitFor();
    },
  },
  {
    // from view to view and back: what one leaves behind must not break the next
    name: "switched",
    scene: "folding",
    view: "volumes",
    act: async (page) => {
      for (const digit of ["2", "3", "4", "5", "1"]) {
        await page.keyboard.press(`Control+${digit}`);
        await page.waitForTimeout(150);
      }
      await page.locator(".volume").first().waitFor();
    },
  },
  { name: "shortcuts", scene: "idle", view: "volumes", act: (page) => page.keyboard.press("?") },
  { name: "review", scene: "idle", view: "review", settle: true },
  ...REVIEW_SHOTS,
  { name: "stuck", scene: "stuck", view: "stuck", settle: true },
  { name: "stuck-folding", scene: "folding", view: "stuck" },
  { name: "stuck-empty", scene: "idle", view: "stuck" },
  { name: "stuck-hostile", scene: "hostile", view: "stuck", settle: true },
  {
    name: "stuck-fixed",
    scene: "stuck",
    view: "stuck",
    settle: true,
    act: async (page) => {
      await page.locator(".fix").first().click();
      await page.locator(".result").waitFor();
    },
  },
  {
    name: "stuck-confirm",
    scene: "stuck",
    view: "stuck",
    settle: true,
    act: async (page) => {
      await page.locator("[role=checkbox]").first().click();
      await page.locator(".fix-unknown").click();
      await page.locator("[role=dialog]").waitFor();
    },
  },
  { name: "history", scene: "idle", view: "history", settle: true },
  {
    name: "history-run",
    scene: "idle",
    view: "history",
    settle: true,
    act: async (page) => {
      await page.locator(".runs .open").nth(1).click();
      await page.locator(".run-files .file").first().waitFor();
    },
  },
  { name: "history-empty", scene: "quiet", view: "history", settle: true },
  { name: "settings", scene: "idle", view: "settings" },
  {
    name: "settings-bad",
    scene: "idle",
    view: "settings",
    act: async (page) => {
      await page.locator("#minSize").fill("lots");
      await page.locator("#minSize").press("Enter");
      await page.locator("#exclude").fill("*.tmp");
      await page.locator("#exclude").press("Enter");
      await page.locator("#exclude-error").waitFor();
    },
  },
  {
    name: "settings-saved",
    scene: "idle",
    view: "settings",
    act: async (page) => {
      await page.locator("#scanOnBattery").click();
      await page.locator(".saved svg").waitFor();
    },
  },
  {
    name: "settings-end",
    scene: "idle",
    view: "settings",
    act: (page) => page.locator(".about").scrollIntoViewIfNeeded(),
  },
];
