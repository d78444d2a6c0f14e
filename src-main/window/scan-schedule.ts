import { powerMonitor } from "electron";
import type { Core } from "../app/core.ts";
import type { Log } from "../app/log.ts";
import { isFullScreen } from "../power/full-screen.ts";
import { createPower } from "../power/power.ts";
import type { Clock } from "../schedule/clock.ts";
import { createSchedule, type Schedule, type ScheduledVolume } from "../schedule/schedule.ts";
import type { SettingsService } from "../settings/settings.ts";

/** What can be scanned now without asking anybody for a password. */
export function scannable(core: Core): readonly ScheduledVolume[] {
  const { helper, volumes } = core.store.get();
  // without rights a scan would ask for a password out of the blue
  if (helper.status !== "running" && helper.status !== "observing") return [];
  return (volumes ?? []).map(({ uuid, lastScan }) => ({ uuid, lastScan: lastScan?.at ?? null }));
}

/** The schedule of the app's own scans; the state says when the next one is. */
export function createScanSchedule({
  core,
  settings,
  log,
  clock,
}: {
  readonly core: Core;
  readonly settings: SettingsService;
  readonly log: Log;
  readonly clock: Clock;
}): Schedule {
  const schedule = createSchedule({
    settings,
    power: createPower(powerMonitor),
    fullScreen: () => isFullScreen(process.env),
    volumes: () => scannable(core),
    busy: () => core.tasks.running,
    scan: async (volume) => {
      const { done } = await core.scan(volume, true);
      await done;
    },
    clock,
    random: Math.random,
    log,
  });
  schedule.onChange(() => {
    const next = schedule.next();
    if (next !== core.store.get().nextScan) core.store.patch({ nextScan: next });
  });
  return schedule;
}
