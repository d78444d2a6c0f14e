/** From the start of the process to the first paint, and to the first volume in the list. */
import { dropCaches } from "../volume.mjs";
import { firstPaint, firstVolume } from "./probes.mjs";

/**
 * @param {import("./session.mjs").Session} session
 * @param {object} world what Session.start takes
 * @param {boolean} cold programs, libraries and the volume have to be read from the disk
 * @returns {Promise<{ paint: number, volume: number, exact: boolean }>} milliseconds; exact: see firstVolume
 */
export async function measureStart(session, world, cold) {
  if (cold) dropCaches();
  const { app, spawnedAt, stop } = await session.start(world);
  try {
    const volume = await app.page.evaluate(firstVolume);
    const paint = await app.page.evaluate(firstPaint);
    return { paint: paint - spawnedAt, volume: volume.at - spawnedAt, exact: volume.exact };
  } finally {
    await stop();
  }
}
