import { beforeEach, describe, expect, test } from "vitest";
import { createSchedule } from "../../../src-main/schedule/schedule.ts";
import type { Schedule, ScheduledVolume } from "../../../src-main/schedule/schedule.ts";
import { DEFAULT_SETTINGS } from "../../../src-main/settings/schema.ts";
import type { Settings } from "../../../src-main/settings/schema.ts";
import { TestClock, memoryLog, settled } from "./support.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = 1_800_000_000_000;
/** The longest that a start or a wake-up may take to come to rest. */
const SETTLED = 5 * MINUTE;
/** A daily scan comes at most so much earlier or later. */
const JITTER = 15 * MINUTE;

let clock: TestClock;
let world: {
  settings: Settings;
  battery: boolean;
  idleSeconds: number;
  fullScreen: boolean;
  busy: boolean;
  volumes: ScheduledVolume[];
  fail: boolean;
};
let scans: { uuid: string; at: number }[];
let changed: () => void;
let resumed: () => void;
let schedule: Schedule;
let random: number;

beforeEach(() => {
  clock = new TestClock(START);
  scans = [];
  world = {
    settings: { ...DEFAULT_SETTINGS, schedule: "daily" },
    battery: false,
    idleSeconds: 0,
    fullScreen: false,
    busy: false,
    volumes: [{ uuid: "a", lastScan: START - HOUR }],
    fail: false,
  };
  random = 0.5;
  schedule = makeSchedule();
});

function makeSchedule(): Schedule {
  return createSchedule({
    settings: {
      get: () => world.settings,
      onChange: (listener) => {
        changed = () => {
          listener(world.settings, world.settings);
        };
        return () => (changed = () => undefined);
      },
    },
    power: {
      onBattery: () => world.battery,
      locked: () => false,
      idleSeconds: () => world.idleSeconds,
      onResume: (listener) => {
        resumed = listener;
        return () => (resumed = () => undefined);
      },
    },
    fullScreen: () => Promise.resolve(world.fullScreen),
    volumes: () => world.volumes,
    busy: () => world.busy,
    scan: (uuid) => {
      scans.push({ uuid, at: clock.now() });
      if (world.fail) return Promise.reject(new Error("no"));
      world.volumes = world.volumes.map((one) => (one.uuid === uuid ? { uuid, lastScan: clock.now() } : one));
      return Promise.resolve();
    },
    clock,
    random: () => random,
    log: memoryLog(),
  });
}

const set = (changes: Partial<Settings>): void => {
  world.settings = { ...world.settings, ...changes };
  changed();
};

describe("when", () => {
  test("off: never, and no timer is kept", async () => {
    world.settings = { ...world.settings, schedule: "off" };
    schedule.start();
    await clock.advance(30 * DAY);
    expect(scans).toEqual([]);
    expect(clock.waiting).toBe(0);
    expect(schedule.next()).toBeNull();
  });

  test("daily: a day after the last scan, once", async () => {
    schedule.start();
    await clock.advance(DAY - HOUR - 1);
    expect(scans).toEqual([]);
    await clock.advance(MINUTE);
    expect(scans).toHaveLength(1);
    await clock.advance(10 * DAY);
    expect(scans).toHaveLength(11);
  });

  test.each([
    [0, -JITTER],
    [0.9999, JITTER],
  ])("daily, spread: %d of the way from earliest to latest", (value, spread) => {
    random = value;
    const one = makeSchedule();
    expect(Math.abs(Number(one.next()) - (START + DAY - HOUR + spread))).toBeLessThan(MINUTE);
  });

  test("weekly", async () => {
    world.settings = { ...world.settings, schedule: "weekly" };
    schedule.start();
    expect(schedule.next()).toBe(START - HOUR + 7 * DAY);
    await clock.advance(7 * DAY - 2 * HOUR);
    expect(scans).toEqual([]);
    await clock.advance(2 * HOUR);
    expect(scans).toHaveLength(1);
  });

  test("when idle: after five minutes without a key, every six hours at most", async () => {
    world.settings = { ...world.settings, schedule: "idle" };
    world.volumes = [{ uuid: "a", lastScan: START - 7 * HOUR }];
    schedule.start();
    expect(schedule.next()).toBe("idle");
    world.idleSeconds = 299;
    // nobody stays at 299 seconds: this is somebody who comes back each time
    await clock.advance(HOUR);
    expect(scans).toEqual([]);
    world.idleSeconds = 300;
    await clock.advance(5 * MINUTE);
    expect(scans).toHaveLength(1);
    await clock.advance(5 * HOUR + 50 * MINUTE);
    expect(scans).toHaveLength(1);
    await clock.advance(20 * MINUTE);
    expect(scans).toHaveLength(2);
  });

  test("the volume that has waited longest is first, and none is begun while one is scanned", async () => {
    world.volumes = [
      { uuid: "new", lastScan: START - DAY - HOUR },
      { uuid: "old", lastScan: START - 3 * DAY },
      { uuid: "never", lastScan: null },
    ];
    schedule.start();
    await clock.advance(SETTLED + MINUTE);
    expect(scans.map(({ uuid }) => uuid)).toEqual(["never", "old", "new"]);
  });

  test("what was missed while the app did not run is caught up, but not in the first minutes", async () => {
    world.volumes = [{ uuid: "a", lastScan: START - 9 * DAY }];
    schedule.start();
    await clock.advance(2 * MINUTE);
    expect(scans).toEqual([]);
    await clock.advance(SETTLED);
    expect(scans).toHaveLength(1);
  });

  test("what was missed while the machine slept is caught up after it woke", async () => {
    schedule.start();
    await clock.advance(HOUR);
    clock.sleep(3 * DAY);
    resumed();
    await clock.advance(2 * MINUTE);
    expect(scans).toEqual([]);
    await clock.advance(SETTLED);
    expect(scans).toHaveLength(1);
  });

  test("a last scan in the future does not put it off for ever", async () => {
    world.volumes = [{ uuid: "a", lastScan: START + 400 * DAY }];
    schedule.start();
    await clock.advance(SETTLED + MINUTE);
    expect(scans).toHaveLength(1);
  });
});

describe("what is in the way", () => {
  beforeEach(() => {
    world.volumes = [{ uuid: "a", lastScan: null }];
  });

  test.each([
    ["battery", { battery: true }, { scanOnBattery: true }],
    ["a full screen", { fullScreen: true }, { scanInFullScreen: true }],
  ] as const)("%s, unless it is allowed", async (_, obstacle, allowed) => {
    Object.assign(world, obstacle);
    schedule.start();
    await clock.advance(3 * HOUR);
    expect(scans).toEqual([]);
    set(allowed);
    await clock.advance(MINUTE);
    expect(scans).toHaveLength(1);
  });

  test.each([{ battery: true }, { fullScreen: true }, { busy: true }])(
    "%j: the scan begins within a minute after",
    async (obstacle) => {
      Object.assign(world, obstacle);
      schedule.start();
      await clock.advance(HOUR);
      expect(scans).toEqual([]);
      Object.assign(world, { battery: false, fullScreen: false, busy: false });
      await clock.advance(MINUTE);
      expect(scans).toHaveLength(1);
    },
  );

  test("a task that begins while the windows are looked at", async () => {
    const answer = Promise.withResolvers<boolean>();
    const late = createSchedule({
      settings: { get: () => world.settings, onChange: () => () => undefined },
      power: {
        onBattery: () => false,
        locked: () => false,
        idleSeconds: () => 0,
        onResume: () => () => undefined,
      },
      fullScreen: () => answer.promise,
      volumes: () => world.volumes,
      busy: () => world.busy,
      scan: (uuid) => {
        scans.push({ uuid, at: clock.now() });
        return Promise.resolve();
      },
      clock,
      random: () => 0,
      log: memoryLog(),
    });
    late.start();
    await clock.advance(SETTLED);
    world.busy = true;
    answer.resolve(false);
    await settled();
    expect(scans).toEqual([]);
    late.stop();
  });

  test("no rights: nothing to scan, until check() says that there is", async () => {
    world.volumes = [];
    schedule.start();
    expect(schedule.next()).toBeNull();
    await clock.advance(2 * HOUR + MINUTE);
    world.volumes = [{ uuid: "a", lastScan: null }];
    schedule.check();
    await settled();
    expect(scans).toHaveLength(1);
  });
});

describe("afterwards", () => {
  test("a scan that failed is not begun again at once", async () => {
    world.fail = true;
    world.volumes = [{ uuid: "a", lastScan: null }];
    schedule.start();
    await clock.advance(6 * HOUR);
    expect(scans).toHaveLength(1);
    await clock.advance(HOUR);
    expect(scans).toHaveLength(2);
  });

  test("turned off while it waits", async () => {
    schedule.start();
    await clock.advance(HOUR);
    set({ schedule: "off" });
    await clock.advance(3 * DAY);
    expect(scans).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("stopped: no timer and no listener is left", async () => {
    schedule.start();
    await clock.advance(HOUR);
    schedule.stop();
    resumed();
    changed();
    await clock.advance(3 * DAY);
    expect(scans).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("listeners hear of a new moment, and `next` is never in the past", async () => {
    const heard: (number | "idle" | null)[] = [];
    schedule.onChange(() => heard.push(schedule.next()));
    world.battery = true;
    schedule.start();
    for (let hour = 0; hour < 50; hour++) {
      await clock.advance(HOUR);
      expect(schedule.next()).toBeGreaterThanOrEqual(clock.now());
    }
    set({ schedule: "idle" });
    await settled();
    expect(heard.at(-1)).toBe("idle");
    expect(heard.length).toBeGreaterThan(1);
  });
});
