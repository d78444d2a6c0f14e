/** How long "Review N groups" takes to show them: each in an app of its own, and once more in the same one. */
import { dropCaches } from "../volume.mjs";
import { watchOpening } from "./probes.mjs";
import { processesOf, processorTime } from "./processes.mjs";

const card = (page) => page.getByRole("article").first();

async function open({ app, home }, cold) {
  const { page } = app;
  const button = card(page).getByRole("button", { name: /^Review \d/ });
  await button.waitFor();
  await page.evaluate(watchOpening);
  if (cold) dropCaches();
  const used = () => processorTime(processesOf(app.mainPid, home));
  const before = used();
  await button.click();
  await page.evaluate(() => globalThis.bench.rows);
  const cpu = used() - before;
  return { ...(await page.evaluate(() => globalThis.bench.opening)), cpu };
}

/**
 * @param {import("./session.mjs").Session} session
 * @param {object} world what Session.start takes
 * @param {boolean} cold nothing of the disk is in memory at the click
 * @returns {Promise<{ rows: number, names: number, longTasks: number[], cpu: number, again: number }>}
 *   milliseconds; cpu: processor time of all the app's processes until the rows were there, and a little longer
 */
export async function measureOpening(session, world, cold) {
  const running = await session.start(world);
  try {
    const first = await open(running, cold);
    await running.app.page
      .getByRole("navigation")
      .getByRole("link", { name: /^Volumes/ })
      .click();
    const again = await open(running, false);
    return { ...first, again: again.rows };
  } finally {
    await running.stop();
  }
}
