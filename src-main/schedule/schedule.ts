/**
 * Scans by themselves: daily, weekly, or when nobody is at the machine. A scan
 * only looks; nothing is ever folded by the schedule.
 */
import type { Log } from "../app/log.ts";
import type { Power } from "../power/power.ts";
import type { SettingsService } from "../settings/settings.ts";
import type { Clock } from "./clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const INTERVAL = { daily: 24 * HOUR, weekly: 7 * 24 * HOUR, idle: 6 * HOUR } as const;
/** Nobody at the machine for so long: idle. */
const IDLE_SECONDS = 5 * 60;
/** After a start or a wake-up the machine has enough to do. */
const SETTLE = 2 * MINUTE;
const SETTLE_JITTER = 3 * MINUTE;
/** Spreads daily and weekly scans, which would otherwise meet other jobs of the same minute: so much earlier or later. */
const JITTER = 15 * MINUTE;
/** What is in the way (battery, a film, another task) is looked at again after so long. */
const BLOCKED = MINUTE;
/** A scan that failed or was cancelled is not begun again before. */
const RETRY = 6 * HOUR;
/** No timer is longer: timers stand still while the machine sleeps, and overflow after 24 days. */
const LONGEST = HOUR;

export interface ScheduledVolume {
  readonly uuid: string;
  /** Milliseconds since the epoch; null: never. */
  readonly lastScan: number | null;
}

export interface ScheduleDeps {
  readonly settings: Pick<SettingsService, "get" | "onChange">;
  readonly power: Power;
  readonly fullScreen: () => Promise<boolean>;
  /**
   * What can be scanned now without asking anybody for a password: empty while
   * the helper runs without rights, is lost or has not listed anything yet.
   */
  readonly volumes: () => readonly ScheduledVolume[];
  /** Any task runs. */
  readonly busy: () => boolean;
  /** Scans one volume; resolves when that ended, whichever way. */
  readonly scan: (uuid: string) => Promise<void>;
  readonly clock: Clock;
  /** 0 to 1, below 1. */
  readonly random: () => number;
  readonly log: Log;
}

export interface Schedule {
  start(): void;
  stop(): void;
  /** To be called when volumes, their last scans or tasks have changed. */
  check(): void;
  /** When the next scan is due: a moment (ms since the epoch), "idle", or null (off, or nothing to scan). */
  next(): number | "idle" | null;
  /** Called when `next` may have changed. @returns what ends it */
  onChange(listener: () => void): () => void;
}

/** Scans what is due, one volume after the other, when nothing is in the way. What was missed is caught up. */
export function createSchedule(deps: ScheduleDeps): Schedule {
  const { settings, power, clock, log } = deps;
  // drawn anew for each scan: a constant one would move the scan through the day
  const drawJitter = (): number => Math.floor((deps.random() * 2 - 1) * JITTER);
  let jitter = drawJitter();
  const attempted = new Map<string, number>();
  const listeners = new Set<() => void>();
  const endings: (() => void)[] = [];
  let started = false;
  let looking = false;
  let notBefore = 0;
  let wakeAt: number | null = null;
  let disarm: () => void = () => undefined;

  function dueAt(volume: ScheduledVolume, schedule: keyof typeof INTERVAL): number {
    const interval = INTERVAL[schedule];
    const tried = attempted.get(volume.uuid);
    const again = tried === undefined ? 0 : tried + Math.min(RETRY, interval);
    // a scan in the future: the clock was wrong then or is now. Scan, and have a time to go by again.
    if (volume.lastScan === null || volume.lastScan > clock.now()) return again;
    return Math.max(again, volume.lastScan + interval + (schedule === "idle" ? 0 : jitter));
  }

  /** The volume that has waited longest, and since when. */
  function first(): { uuid: string; at: number } | null {
    const schedule = settings.get().schedule;
    if (schedule === "off") return null;
    return deps
      .volumes()
      .map((volume) => ({ uuid: volume.uuid, at: dueAt(volume, schedule) }))
      .reduce<{ uuid: string; at: number } | null>(
        (best, one) => (best === null || one.at < best.at ? one : best),
        null,
      );
  }

  function arm(ms: number): void {
    disarm();
    wakeAt = clock.now() + Math.min(ms, LONGEST);
    disarm = clock.after(Math.min(ms, LONGEST), () => {
      wakeAt = null;
      look();
    });
  }

  function settle(): void {
    notBefore = clock.now() + SETTLE + Math.floor(deps.random() * SETTLE_JITTER);
  }

  /** Milliseconds until it is worth to look again; 0: nothing is in the way. */
  async function inTheWay(): Promise<number> {
    const { schedule, scanOnBattery, scanInFullScreen } = settings.get();
    if (deps.busy()) return BLOCKED;
    if (!scanOnBattery && power.onBattery()) return BLOCKED;
    if (schedule === "idle") {
      const missing = IDLE_SECONDS - power.idleSeconds();
      if (missing > 0) return Math.max(1, missing) * 1000;
    }
    if (!scanInFullScreen && (await deps.fullScreen())) return BLOCKED;
    // a task may have begun while the windows were looked at
    return deps.busy() ? BLOCKED : 0;
  }

  async function lookOnce(): Promise<number | null> {
    const due = first();
    if (due === null) return settings.get().schedule === "off" ? null : LONGEST;
    const wait = Math.max(due.at, notBefore) - clock.now();
    if (wait > 0) return wait;
    const blocked = await inTheWay();
    if (!started) return null;
    if (blocked > 0) return blocked;
    // turned off, or unmounted, meanwhile
    const still = first();
    if (still?.uuid !== due.uuid) return 1000;
    attempted.set(due.uuid, clock.now());
    log.info(`schedule: begins a scan of ${due.uuid}`);
    try {
      await deps.scan(due.uuid);
    } catch (error) {
      log.warn(`schedule: the scan of ${due.uuid} failed: ${String(error)}`);
    }
    jitter = drawJitter();
    return 1000;
  }

  function look(): void {
    if (!started || looking) return;
    looking = true;
    lookOnce()
      .catch((error: unknown) => {
        log.error(`schedule: ${String(error)}`);
        return BLOCKED;
      })
      .then((wait) => {
        looking = false;
        if (!started) return;
        if (wait !== null) arm(wait);
        for (const listener of listeners) listener();
      })
      // only a listener can have thrown
      .catch((error: unknown) => {
        log.error(`schedule: ${String(error)}`);
      });
  }

  return {
    start: () => {
      if (started) return;
      started = true;
      settle();
      endings.push(
        settings.onChange(look),
        power.onResume(() => {
          settle();
          look();
        }),
      );
      look();
    },
    stop: () => {
      started = false;
      disarm();
      wakeAt = null;
      for (const end of endings.splice(0)) end();
    },
    check: () => {
      // a look that found something in the way has its own timer
      if (wakeAt === null || wakeAt - clock.now() > BLOCKED) look();
    },
    next: () => {
      const due = first();
      if (due === null) return null;
      if (settings.get().schedule === "idle") return "idle";
      const at = Math.max(due.at, notBefore);
      // overdue, and something is in the way: when it is looked at again
      return at > clock.now() ? at : (wakeAt ?? at);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
