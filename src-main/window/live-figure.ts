import { readFile } from "node:fs/promises";
import { powerMonitor } from "electron";
import type { Core } from "../app/core.ts";
import type { Log } from "../app/log.ts";
import { readTransactions } from "../live/generation.ts";
import { createLive, type Live } from "../live/live.ts";
import { commitInterval } from "../live/pace.ts";
import { isFullScreen } from "../power/full-screen.ts";
import { isMachineIdle } from "../power/load.ts";
import { createPower } from "../power/power.ts";
import type { Clock } from "../schedule/clock.ts";
import type { SettingsService } from "../settings/settings.ts";
import { scannable } from "./scan-schedule.ts";

/** What keeps the tray's amount current while the app runs. */
export function createLiveFigure({
  core,
  settings,
  log,
  clock,
}: {
  readonly core: Core;
  readonly settings: SettingsService;
  readonly log: Log;
  readonly clock: Clock;
}): Live {
  return createLive({
    settings,
    power: createPower(powerMonitor),
    idle: isMachineIdle,
    fullScreen: () => isFullScreen(process.env),
    volumes: () => scannable(core),
    held: (volume) => core.liveHeld(volume),
    transactions: readTransactions,
    commitMs: async () => commitInterval(await readFile("/proc/self/mountinfo", "utf8")),
    figureOutdated: (volume) => core.figureOutdated(volume),
    partsOutdated: (volume) => core.partsOutdated(volume),
    scan: (volume, parts) => core.liveScan(volume, parts),
    clock,
    log,
  });
}
