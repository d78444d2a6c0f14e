/**
 * The app without its window, in a process of its own, so that its processor time can be told from the writer's:
 * core, live figure and helper. Arguments: database directory, the volume's uuid. Says what happens as JSON lines.
 */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createCore } from "../../../src-main/app/core.ts";
import { directRoad } from "../../../src-main/helper/roads.ts";
import { readTransactions } from "../../../src-main/live/generation.ts";
import { createLive } from "../../../src-main/live/live.ts";
import { commitInterval } from "../../../src-main/live/pace.ts";
import { systemClock } from "../../../src-main/schedule/clock.ts";
import { DEFAULT_SETTINGS } from "../../../src-main/settings/schema.ts";

const [database, uuid] = process.argv.slice(2);
const program = join(resolve(import.meta.dirname, "../../.."), "bin", "refold");
const say = (message) => process.stdout.write(`${JSON.stringify({ ...message, at: Date.now() })}\n`);
const nothing = () => undefined;
const log = { error: console.error, warn: console.error, info: nothing, debug: nothing };
const settings = { get: () => DEFAULT_SETTINGS, set: () => DEFAULT_SETTINGS, onChange: () => nothing };
const mounts = () => readFile("/proc/self/mountinfo", "utf8");

const core = createCore({
  ...{ version: "bench", log, settings, mounts },
  locale: () => "en",
  elevator: directRoad({ program, database }),
  ...{ observeRoad: null, userRoad: null },
  showFile: nothing,
  tell: nothing,
  events: { scanEnded: nothing, foldEnded: nothing, stuckFound: nothing },
});
const volume = () => core.store.get().volumes?.find((one) => one.uuid === uuid);
let told = null;
core.store.subscribe(() => {
  const figure = volume()?.lastScan?.reclaimableBytes ?? null;
  if (figure !== null && figure !== told) say({ figure });
  told = figure;
});

await core.helper.begin();
await core.volumes.refresh();
const { done } = await core.scan(uuid, false);
await done;
const live = createLive({
  settings,
  // taken as given: on mains power, and with nothing else to do
  power: { onBattery: () => false, locked: () => false, idleSeconds: () => 0, onResume: () => nothing },
  idle: () => true,
  fullScreen: () => Promise.resolve(false),
  // the machine's other volumes are none of this
  volumes: () => [volume()].map((one) => ({ uuid, lastScan: one?.lastScan?.at ?? null })),
  held: (of) => core.liveHeld(of),
  figureOutdated: (of) => core.figureOutdated(of),
  partsOutdated: (of) => core.partsOutdated(of),
  transactions: readTransactions,
  commitMs: async () => commitInterval(await mounts()),
  scan: async (of, parts) => {
    const start = performance.now();
    const before = volume()?.lastScan?.at;
    await core.liveScan(of, parts);
    say({ scan: performance.now() - start, found: volume()?.lastScan?.at !== before });
  },
  clock: systemClock,
  log,
});
live.start();
say({ started: true });

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "cpu") {
    const { user, system } = process.cpuUsage();
    say({ cpu: (user + system) / 1e6 });
  }
}
live.stop();
await core.shutdown();
