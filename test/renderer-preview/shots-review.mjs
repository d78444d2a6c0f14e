/** Review's views and states. */
const line = (page, at) => page.locator(`[data-line="${at}"]`);
const ready = (page) => page.locator(".line .tick").first().waitFor();
const view = (shot) => ({
  scene: "idle",
  view: "review",
  settle: true,
  ...shot,
  name: `review-${shot.name}`,
});

async function menuOf(page, at) {
  await ready(page);
  await line(page, at).click({ button: "right" });
  await page.locator("[role=menu]").waitFor();
}
async function choose(page, name) {
  await page.getByRole("menuitem", { name }).click();
}

export const REVIEW_SHOTS = [
  view({
    name: "open",
    act: async (page) => {
      await ready(page);
      for (const group of [4, 2]) await page.locator(`[aria-rowindex="${group + 2}"] .twist`).click();
      await page.locator(".line.file .tick").nth(1).click();
      await line(page, 1).locator(".tick").click();
    },
  }),
  view({
    name: "filtered",
    act: async (page) => {
      await ready(page);
      await page.locator("[aria-pressed]").nth(1).click();
      await page.getByRole("searchbox").fill("home");
      await page.getByRole("searchbox").press("Enter");
    },
  }),
  view({
    name: "filter-menu",
    act: async (page) => {
      await ready(page);
      await page.locator(".chip.add").click();
      await page.locator("[role=menuitem]").nth(1).hover();
      await page.locator("[role=menuitem]").nth(1).press("ArrowRight");
      await page.locator("[role=menuitemcheckbox]").first().waitFor();
    },
  }),
  view({
    name: "filtered-all",
    act: async (page) => {
      await ready(page);
      await page.getByRole("searchbox").fill("no such file");
      await page.getByRole("searchbox").press("Enter");
      await page.locator(".empty").waitFor();
    },
  }),
  view({
    name: "folder",
    act: async (page) => {
      await ready(page);
      if ((await page.locator(".tile").count()) === 0) await page.locator(".tools .button").click();
      await page.locator(".tile").first().click();
      await page.locator(".trail li").nth(1).waitFor();
    },
  }),
  view({ name: "menu", act: (page) => menuOf(page, 2) }),
  view({
    name: "skip",
    act: async (page) => {
      await menuOf(page, 2);
      await choose(page, /\*\.zst/u);
      await page.locator("[role=dialog] .glob").waitFor();
    },
  }),
  view({
    name: "compare",
    act: async (page) => {
      await menuOf(page, 2);
      await choose(page, /Compare|vergleichen/u);
      await page.locator(".dump").first().waitFor();
    },
  }),
  view({
    name: "fold",
    act: async (page) => {
      await ready(page);
      await page.locator("footer .primary").click();
      await page.locator("#fold-form").waitFor();
    },
  }),
  view({
    name: "unticked",
    act: async (page) => {
      await ready(page);
      await page.locator("[role=columnheader] .tick").click();
      await page.locator("footer .nothing").waitFor();
    },
  }),
  view({ name: "names", scene: "names" }),
  view({ name: "scanning", scene: "scanning" }),
  view({ name: "folding", scene: "folding" }),
  view({ name: "lost", scene: "lost" }),
  view({ name: "user", scene: "user" }),
  view({ name: "unscanned", scene: "unscanned" }),
  view({ name: "nothing", scene: "nothing" }),
  view({ name: "empty", scene: "empty" }),
];
