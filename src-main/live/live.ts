/**
 * The live figure: while the app runs, the amount in the tray follows what
 * happens on the volumes. The generation of each volume that was scanned before
 * is polled, without rights and without a second process; where it has moved, a
 * live scan is asked of the helper that runs, when nothing is in the way.
 */
import { AppError } from "../app/app-error.ts";
import type { Log } from "../app/log.ts";
import type { Power } from "../power/power.ts";
import type { Clock } from "../schedule/clock.ts";
import type { ScheduledVolume } from "../schedule/schedule.ts";
import type { SettingsService } from "../settings/settings.ts";
import type { Transactions } from "./generation.ts";
import { Pace, SearchPace } from "./pace.ts";

const SECOND = 1000;
/** How often generations are read. */
export const POLL = 10 * SECOND;
/** A scan that comes to be due by the clock is not begun sooner after a look. */
const SOON = SECOND;
/** While nothing could be scanned anyway: on battery, locked. */
export const SLOW_POLL = 60 * SECOND;
/** After a start or a wake-up the machine has enough to do. */
export const SETTLE = 2 * 60 * SECOND;
/** Errors that say that something else went first. */
const GOES_FIRST: readonly AppError["data"]["code"][] = ["busy", "cancelled"];
/** A screen that was full is not looked at again before. */
const FILLED = 40 * SECOND;
/** On battery, where it is wanted there, so much slower. */
const BATTERY_FACTOR = 15;

export interface LiveDeps {
  readonly settings: Pick<SettingsService, "get" | "onChange">;
  readonly power: Power;
  /** The machine has hardly anything else to do. */
  readonly idle: () => boolean;
  readonly fullScreen: () => Promise<boolean>;
  /** What can be scanned now without asking anybody for a password. */
  readonly volumes: () => readonly ScheduledVolume[];
  /** Something runs, or somebody looks through a review of the volume. */
  readonly held: (uuid: string) => boolean;
  /** null where they are not told. */
  readonly transactions: (uuid: string) => Transactions | null;
  /** How long a transaction may last: milliseconds. */
  readonly commitMs: () => Promise<number>;
  /** The figure is not what the settings say, and a scan would make it so. */
  readonly figureOutdated: (uuid: string) => boolean;
  /** What parts of files give back is wanted, and not known as things are now. */
  readonly partsOutdated: (uuid: string) => boolean;
  /**
   * A live scan of one volume.
   * @param parts parts of files are looked for too
   * Rejects where it was refused, failed or stepped aside.
   */
  readonly scan: (uuid: string, parts: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Live {
  start(): void;
  stop(): void;
}

/** Of one volume. */
interface Paces {
  readonly scans: Pace;
  readonly searches: SearchPace;
  /** How long the last scan took that searched for nothing; null: there was none. Milliseconds. */
  plainMs: number | null;
}

interface Due {
  readonly uuid: string;
  readonly pace: Paces;
  /** When what has to be looked at first came. */
  readonly since: number;
}

/** @returns what keeps the figure current once it is started */
export function createLive(deps: LiveDeps): Live {
  const { settings, power, clock, log } = deps;
  const paces = new Map<string, Paces>();
  const endings: (() => void)[] = [];
  let started = false;
  let looking = false;
  let notBefore = 0;
  let filledUntil = 0;
  let disarm: () => void = () => undefined;

  const wanted = (): boolean => settings.get().live && settings.get().schedule !== "off";
  const slow = (): boolean => (power.onBattery() && !settings.get().scanOnBattery) || power.locked();

  function arm(ms: number): void {
    disarm();
    disarm = clock.after(ms, look);
  }

  const slower = (): number => (power.onBattery() ? BATTERY_FACTOR : 1);

  /** Reads all generations. @returns the volumes to scan, the one that has waited longest first */
  async function poll(): Promise<Due[]> {
    // the first scan of a volume is the schedule's, or a person's
    const uuids = deps.volumes().flatMap(({ uuid, lastScan }) => (lastScan === null ? [] : [uuid]));
    for (const uuid of paces.keys()) if (!uuids.includes(uuid)) paces.delete(uuid);
    const due: Due[] = [];
    let commitMs: number | null = null;
    for (const uuid of uuids) {
      const told = deps.transactions(uuid);
      if (told === null) continue;
      const pace = paces.get(uuid) ?? { scans: new Pace(), searches: new SearchPace(), plainMs: null };
      paces.set(uuid, pace);
      if (!pace.scans.quiet(told)) {
        // nothing else is read where nothing is written
        commitMs ??= await deps.commitMs();
        pace.scans.seen(told, clock.now(), commitMs);
      }
      const now = clock.now();
      const wanted = deps.figureOutdated(uuid) || searchIsDue(uuid, pace, now);
      const since =
        pace.scans.due(now, slower()) ?? (wanted && pace.scans.rested(now, slower()) ? now : null);
      if (since !== null) due.push({ uuid, pace, since });
    }
    return due.sort((a, b) => a.since - b.since);
  }

  /** Not in step with the looks: a scan that may begin by the clock begins then. */
  function untilNextLook(): number {
    const now = clock.now();
    const waits = [...paces.values()].map(({ scans }) => scans.untilDue(now, slower()));
    // one that was due and not begun has something in its way
    const next = Math.min(...waits.filter((wait) => wait > 0), power.onBattery() ? SLOW_POLL : POLL);
    return Math.max(SOON, next);
  }

  /** On battery it is not done at all: it takes longer than anything else here. */
  function searchIsDue(uuid: string, pace: Paces, now: number): boolean {
    return !power.onBattery() && deps.partsOutdated(uuid) && pace.searches.rested(now);
  }

  /** Whether a film or a game was there a moment ago, or is now: to ask costs two programs. */
  async function filled(): Promise<boolean> {
    if (clock.now() < filledUntil) return true;
    if (!(await deps.fullScreen())) return false;
    filledUntil = clock.now() + FILLED;
    return true;
  }

  async function mayScan(uuid: string): Promise<boolean> {
    if (!deps.idle() || deps.held(uuid)) return false;
    if (!settings.get().scanInFullScreen && (await filled())) return false;
    // much may have begun while the windows were looked at
    return started && wanted() && !slow() && !deps.held(uuid);
  }

  async function scan({ uuid, pace }: Due): Promise<void> {
    const start = clock.now();
    const parts = searchIsDue(uuid, pace, start);
    pace.scans.begin(start);
    try {
      await deps.scan(uuid, parts);
      const elapsedMs = clock.now() - start;
      if (parts) pace.searches.done(clock.now(), elapsedMs);
      else pace.plainMs = elapsedMs;
      // what the search takes is no reason to leave whole files alone for long
      pace.scans.done(clock.now(), parts ? (pace.plainMs ?? 0) : elapsedMs);
    } catch (error) {
      if (error instanceof AppError && GOES_FIRST.includes(error.data.code)) pace.scans.refused();
      else {
        pace.scans.failed();
        if (parts) pace.searches.failed(clock.now());
      }
      log.debug(`live: no scan of ${uuid}: ${String(error)}`);
    }
  }

  /** @returns milliseconds until the next look; null: none before the settings change */
  async function lookOnce(): Promise<number | null> {
    if (!wanted()) return null;
    if (slow()) return SLOW_POLL;
    const wait = notBefore - clock.now();
    if (wait > 0) return wait;
    for (const due of await poll()) if (await mayScan(due.uuid)) await scan(due);
    return untilNextLook();
  }

  function look(): void {
    if (!started || looking) return;
    looking = true;
    lookOnce()
      .catch((error: unknown) => {
        log.error(`live: ${String(error)}`);
        return SLOW_POLL;
      })
      .then((wait) => {
        looking = false;
        if (started && wait !== null) arm(wait);
      })
      // only a timer can have thrown
      .catch((error: unknown) => {
        log.error(`live: ${String(error)}`);
      });
  }

  const settle = (): void => {
    notBefore = clock.now() + SETTLE;
    look();
  };
  return {
    start: () => {
      if (started) return;
      started = true;
      endings.push(
        settings.onChange((next, before) => {
          if (next.live !== before.live || next.schedule !== before.schedule) look();
        }),
        power.onResume(settle),
      );
      settle();
    },
    stop: () => {
      started = false;
      disarm();
      for (const end of endings.splice(0)) end();
    },
  };
}
