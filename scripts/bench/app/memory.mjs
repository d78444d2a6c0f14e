/** What the app holds when nothing happens, and what the same platform holds with a page of one line. */
import { join } from "node:path";
import { byRole, otherBrowsers, processesOf, pss } from "./processes.mjs";

const BARE = join(import.meta.dirname, "bare.mjs");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function settled({ app, home }, seconds) {
  await sleep(seconds * 1000);
  const processes = processesOf(app.mainPid, home).map((each) => ({ ...each, ...pss(each.pid) }));
  return { all: byRole(processes, ({ all }) => all), own: byRole(processes, ({ own }) => own) };
}

/**
 * @param {import("./session.mjs").Session} session
 * @param {object} world what Session.start takes
 * @param {number} seconds of rest before each reading
 * @returns {Promise<{ bare: object, idle: object, review: object, otherBrowsers: number }>} bytes by role,
 *   `all` of them and what is no page of a file (`own`); review: with that open; otherBrowsers: those of other people, at the reading of `idle`
 */
export async function measureMemory(session, world, seconds) {
  const bare = await session.start({ ...world, main: BARE });
  const figures = {};
  try {
    figures.bare = await settled(bare, seconds);
  } finally {
    await bare.stop();
  }
  const running = await session.start(world);
  try {
    const { page } = running.app;
    const button = page
      .getByRole("article")
      .first()
      .getByRole("button", { name: /^Review \d/ });
    await button.waitFor();
    figures.idle = await settled(running, seconds);
    figures.otherBrowsers = otherBrowsers(processesOf(running.app.mainPid, running.home));
    await button.click();
    await page.locator("input[type=search]:enabled").waitFor();
    figures.review = await settled(running, seconds);
  } finally {
    await running.stop();
  }
  return figures;
}
