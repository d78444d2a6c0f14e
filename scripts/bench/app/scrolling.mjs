/** What the table of all groups costs to scroll: by the wheel, and by its scrollbar from end to end. */
import { watchScrolling } from "./probes.mjs";
import { byRole, processesOf } from "./processes.mjs";
import { watchThread } from "./thread-time.mjs";

const WHEEL_STEPS = 300;
const WHEEL_PIXELS = 480;
const DRAG_STEPS = 250;

async function wheel(page, box) {
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (let k = 0; k < WHEEL_STEPS; k++) await page.mouse.wheel(0, WHEEL_PIXELS);
}

/** Takes the scrollbar below its upper end and draws it down to the end, and up again. */
async function drag(page, box) {
  const x = box.x + box.width - 7;
  const from = box.y + 22;
  const to = box.y + box.height - 4;
  await page.mouse.move(x, from);
  await page.mouse.down();
  for (const [start, end] of [
    [from, to],
    [to, from],
  ]) {
    for (let k = 1; k <= DRAG_STEPS; k++) await page.mouse.move(x, start + ((end - start) * k) / DRAG_STEPS);
  }
  await page.mouse.up();
}

async function watched({ app, home }, work) {
  const { page } = app;
  await page.evaluate(watchScrolling);
  const thread = await watchThread(page);
  const seconds = () => byRole(processesOf(app.mainPid, home), (each) => each.seconds);
  const before = seconds();
  const start = performance.now();
  await work();
  const wall = (performance.now() - start) / 1000;
  const after = seconds();
  const cpu = {};
  for (const [role, value] of Object.entries(after)) cpu[role] = (value - (before[role] ?? 0)) / wall;
  const tasks = await thread.stop();
  return { ...(await page.evaluate(() => globalThis.bench.stop())), thread: tasks, seconds: wall, cpu };
}

/**
 * @param {import("./session.mjs").Session} session
 * @param {object} world what Session.start takes
 * @returns {Promise<{ wheel: object, drag: object }>} milliseconds; cpu: cores, by role of process
 */
export async function measureScrolling(session, world) {
  const running = await session.start(world);
  try {
    const { page } = running.app;
    await page
      .getByRole("article")
      .first()
      .getByRole("button", { name: /^Review \d/ })
      .click();
    const table = page.getByRole("treegrid");
    await page.locator("input[type=search]:enabled").waitFor();
    await table.locator("input.tick").first().waitFor();
    const box = await table.boundingBox();
    const byWheel = await watched(running, () => wheel(page, box));
    await table.evaluate((element) => element.scrollTo(0, 0));
    await table.locator('[aria-rowindex="2"] input.tick').waitFor();
    const byBar = await watched(running, () => drag(page, box));
    if (byBar.farthest < byBar.furthestPossible * 0.99) {
      throw new Error(`the scrollbar came to ${byBar.farthest} of ${byBar.furthestPossible} pixels`);
    }
    return { wheel: byWheel, drag: byBar };
  } finally {
    await running.stop();
  }
}
