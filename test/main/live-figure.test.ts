/** The live figure: when a scan is worth it and allowed, by a clock of the test's own. */
import { beforeEach, describe, expect, test } from "vitest";
import { appError } from "../../src-main/app/app-error.ts";
import { createLive, POLL, SETTLE, SLOW_POLL, type Live } from "../../src-main/live/live.ts";
import { commitInterval, SCAN_EVERY } from "../../src-main/live/pace.ts";
import { CHOICES_MS, LOOK_MS, ReviewHold } from "../../src-main/live/review-hold.ts";
import { isMachineIdle } from "../../src-main/power/load.ts";
import type { ScheduledVolume } from "../../src-main/schedule/schedule.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src-main/settings/schema.ts";
import { memoryLog, TestClock } from "./services/support.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START = 1_800_000_000_000;
const COMMIT = 30 * SECOND;

let clock: TestClock;
let world: {
  settings: Settings;
  battery: boolean;
  locked: boolean;
  idle: boolean;
  fullScreen: boolean;
  held: boolean;
  volumes: ScheduledVolume[];
  generations: Record<string, number | null>;
  /** Transactions that were committed. */
  commits: Record<string, number>;
  /** Whether the kernel tells of commits: Linux 6.1. */
  tellsCommits: boolean;
  polls: number;
  /** The settings say otherwise. */
  figureOutdated: boolean;
  /** Parts of files are wanted, and were looked for before the last changes. */
  partsOutdated: boolean;
  /** How long it takes to look for them. */
  searchTakes: number;
  /** How long a scan takes. */
  takes: number;
  error: Error | null;
};
let scans: { uuid: string; at: number; parts: boolean }[];
let changed: (before: Settings) => void;
let resumed: () => void;
let live: Live;
/** Transactions that run. */
let running: Map<string, number>;

beforeEach(async () => {
  clock = new TestClock(START);
  scans = [];
  running = new Map();
  world = {
    ...{
      settings: DEFAULT_SETTINGS,
      battery: false,
      locked: false,
      idle: true,
      fullScreen: false,
      held: false,
    },
    ...{
      volumes: [{ uuid: "a", lastScan: START - HOUR }],
      generations: { a: 100 },
      commits: { a: 7 },
      polls: 0,
    },
    tellsCommits: true,
    ...{ takes: 100, error: null, figureOutdated: false, partsOutdated: false, searchTakes: 0 },
  };
  live = createLive({
    settings: {
      get: () => world.settings,
      onChange: (listener) => {
        changed = (before) => {
          listener(world.settings, before);
        };
        return () => (changed = () => undefined);
      },
    },
    power: {
      onBattery: () => world.battery,
      locked: () => world.locked,
      idleSeconds: () => 0,
      onResume: (listener) => {
        resumed = listener;
        return () => (resumed = () => undefined);
      },
    },
    idle: () => world.idle,
    fullScreen: () => Promise.resolve(world.fullScreen),
    volumes: () => world.volumes,
    held: () => world.held,
    transactions: (uuid) => {
      world.polls += 1;
      const generation = world.generations[uuid] ?? null;
      if (generation === null) return null;
      return { generation, commits: world.tellsCommits ? (world.commits[uuid] ?? 0) : null };
    },
    commitMs: () => Promise.resolve(COMMIT),
    figureOutdated: () => world.figureOutdated,
    partsOutdated: () => world.partsOutdated,
    scan: async (uuid, parts) => {
      scans.push({ uuid, at: clock.now(), parts });
      if (world.error !== null) throw world.error;
      await new Promise<void>((resolve) =>
        clock.after(world.takes + (parts ? world.searchTakes : 0), resolve),
      );
      if (parts) world.partsOutdated = false;
    },
    clock,
    log: memoryLog(),
  });
  live.start();
  // what happened while the app did not run is found by the first one
  await clock.advance(SETTLE + 2 * MINUTE);
  // and what was just being written then by a second
  expect(scans).toHaveLength(2);
  scans = [];
  world.polls = 0;
});

const set = (changes: Partial<Settings>): void => {
  const before = world.settings;
  world.settings = { ...before, ...changes };
  changed(before);
};
/** The transaction that runs, if any, is on disk. */
const sync = (uuid = "a"): void => {
  running.delete(uuid);
  world.commits = { ...world.commits, [uuid]: (world.commits[uuid] ?? 0) + 1 };
};
/** A transaction begins: somebody writes. The kernel commits it by and by, and before the next one ends. */
const write = (uuid = "a"): void => {
  if (running.has(uuid)) sync(uuid);
  const generation = (world.generations[uuid] ?? 0) + 1;
  world.generations = { ...world.generations, [uuid]: generation };
  running.set(uuid, generation);
  clock.after(COMMIT, () => {
    if (running.get(uuid) === generation) sync(uuid);
  });
};
/** Somebody writes all the time: the kernel commits every 30 seconds. */
async function writeFor(ms: number): Promise<void> {
  for (let t = 0; t < ms; t += COMMIT) {
    write();
    await clock.advance(COMMIT);
  }
}

describe("when", () => {
  test("nothing is written: nothing is scanned, however long", async () => {
    await clock.advance(24 * HOUR);
    expect(scans).toEqual([]);
    expect(world.polls).toBe((24 * HOUR) / POLL);
  });

  test("something was written and synced: once, at the next look", async () => {
    await clock.advance(HOUR);
    const at = clock.now();
    write();
    sync();
    await clock.advance(HOUR);
    expect(scans).toHaveLength(1);
    expect((scans[0]?.at ?? 0) - at).toBeLessThanOrEqual(POLL);
  });

  test("something was written and left to the kernel: soon after each commit, and not before", async () => {
    await clock.advance(HOUR);
    const at = clock.now();
    write(); // the file's name; its data is written 35 seconds later, in the next transaction
    await clock.advance(35 * SECOND);
    write();
    await clock.advance(HOUR);
    const seen = scans.map((scan) => scan.at - at);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBeGreaterThan(COMMIT);
    expect(seen[0]).toBeLessThanOrEqual(COMMIT + POLL);
    expect(seen[1]).toBeGreaterThan(65 * SECOND);
    expect(seen[1]).toBeLessThanOrEqual(65 * SECOND + POLL);
  });

  test("a kernel does not tell of commits: within a minute of each", async () => {
    world.tellsCommits = false;
    await clock.advance(HOUR);
    const at = clock.now();
    write();
    sync();
    await clock.advance(HOUR);
    expect(scans).toHaveLength(1);
    // it may not have been synced: the scan would not see it, and nobody would look again
    expect((scans[0]?.at ?? 0) - at).toBeGreaterThan(COMMIT);
    expect((scans[0]?.at ?? 0) - at).toBeLessThanOrEqual(COMMIT + POLL);
  });

  test("the filesystem is mounted anew and counts its commits from nothing: none is missed", async () => {
    for (const commits of [0, 1, 90]) {
      world.commits = { a: commits };
      await clock.advance(10 * MINUTE);
      scans = [];
      for (const synced of [true, false]) {
        const at = clock.now();
        write();
        if (synced) sync();
        await clock.advance(10 * MINUTE);
        expect(scans.length, String(commits)).toBeGreaterThan(0);
        const last = (scans.at(-1)?.at ?? 0) - at;
        expect(last).toBeGreaterThan(synced ? 0 : COMMIT);
        expect(last).toBeLessThanOrEqual(COMMIT + 2 * SECOND + POLL);
        scans = [];
      }
      // by then the new distance is known
      const at = clock.now();
      write();
      sync();
      await clock.advance(10 * MINUTE);
      expect((scans.at(-1)?.at ?? 0) - at, String(commits)).toBeLessThanOrEqual(POLL);
    }
  });

  test("a volume is written to all the time: each commit is seen soon, and no two scans are nearer than they may be", async () => {
    await writeFor(HOUR);
    const gaps = scans.slice(1).map(({ at }, k) => at - (scans[k]?.at ?? 0));
    expect(scans.length).toBeGreaterThanOrEqual(80);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SCAN_EVERY);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(COMMIT + POLL + SECOND);
  });

  test("a scan takes a second: what is synced is in the figure within a minute, whatever else is written", async () => {
    world.takes = SECOND;
    const delays: number[] = [];
    for (let round = 0; round < 200; round++) {
      // no multiple of what is counted in, on either side
      for (let t = 0; t < 70 + (round % 40); t += 7) {
        write();
        await clock.advance(7 * SECOND);
      }
      const at = clock.now();
      write();
      sync();
      const before = scans.length;
      await clock.advance(MINUTE);
      const seen = scans.slice(before).find((scan) => scan.at > at);
      delays.push(seen === undefined ? Infinity : seen.at + world.takes - at);
    }
    expect(Math.max(...delays)).toBeLessThan(MINUTE);
    // and it is not had by scanning all the time
    expect(scans.length * world.takes).toBeLessThanOrEqual((clock.now() - START) / 50);
  });

  test("the scan's own writing moves the generation: one look more, and then rest", async () => {
    await clock.advance(HOUR);
    write();
    sync();
    await clock.advance(POLL);
    expect(scans).toHaveLength(1);
    write(); // its database, on the same volume; the next scan finds nothing and writes nothing
    await clock.advance(24 * HOUR);
    expect(scans).toHaveLength(2);
  });

  test("a scan takes long: live scans have one part in fifty of the time", async () => {
    world.takes = 6 * SECOND;
    await writeFor(HOUR);
    expect(scans.length).toBeLessThanOrEqual(12);
    expect(scans.length).toBeGreaterThanOrEqual(10);
  });

  test("the settings count otherwise than the figure does: at the next look, though nothing was written", async () => {
    await clock.advance(HOUR);
    world.figureOutdated = true;
    await clock.advance(POLL);
    expect(scans.map(({ parts }) => parts)).toEqual([false]);
  });

  describe("parts of files", () => {
    const searches = (): number => scans.filter(({ parts }) => parts).length;

    test("are looked for where they are out of date, though nothing was written since", async () => {
      await clock.advance(HOUR);
      world.partsOutdated = true;
      await clock.advance(HOUR);
      expect(scans.map(({ parts }) => parts)).toEqual([true]);
    });

    test("have one part in a hundred of the time for themselves, and whole files do not wait for it", async () => {
      world.searchTakes = 6 * SECOND;
      for (let t = 0; t < HOUR; t += COMMIT) {
        write();
        world.partsOutdated = true;
        await clock.advance(COMMIT);
      }
      expect(searches()).toBeGreaterThanOrEqual(5);
      expect(searches()).toBeLessThanOrEqual(6);
      expect(scans.length - searches()).toBeGreaterThanOrEqual(35);
    });

    test("are not looked for on battery, also where scans are wanted there", async () => {
      world.battery = true;
      world.partsOutdated = true;
      set({ scanOnBattery: true });
      await writeFor(HOUR);
      expect(scans.length).toBeGreaterThan(0);
      expect(searches()).toBe(0);
    });

    test("cannot be looked for: later and later, and whole files go on", async () => {
      world.partsOutdated = true;
      world.error = new Error("no");
      await writeFor(4 * HOUR);
      expect(searches()).toBeLessThan(12);
      world.error = null;
      await writeFor(HOUR);
      expect(scans.length).toBeGreaterThan(12);
    });
  });

  test("scans fail: later and later; what goes first is waited for", async () => {
    world.error = new Error("no");
    await writeFor(4 * HOUR);
    expect(scans.length).toBeLessThan(12);
    world.error = null;
    await writeFor(HOUR);
    expect(scans.length).toBeGreaterThan(12);
    scans = [];
    world.error = appError("busy", "This volume was scanned a moment ago.");
    await writeFor(30 * MINUTE);
    expect(scans.length).toBeGreaterThan(20);
  });

  test("several volumes: each by its own generation; one that was never scanned, or is not told, is left alone", async () => {
    world.volumes = [
      { uuid: "a", lastScan: 1 },
      { uuid: "b", lastScan: 1 },
      { uuid: "new", lastScan: null },
      { uuid: "dumb", lastScan: 1 },
    ];
    world.generations = { ...world.generations, b: 5, new: 5, dumb: null };
    await clock.advance(HOUR);
    // once more for what was just being written
    expect(scans.map(({ uuid }) => uuid)).toEqual(["b", "b"]);
    write("b");
    write("new");
    await clock.advance(HOUR);
    expect(scans.map(({ uuid }) => uuid)).toEqual(["b", "b", "b"]);
  });

  test("an image is restored, and its generation is lower than before", async () => {
    world.generations = { a: 7 };
    await clock.advance(MINUTE);
    expect(scans).toHaveLength(1);
  });
});

describe("not while", () => {
  test.each<[string, Partial<typeof world>]>([
    ["on battery", { battery: true }],
    ["the screen is locked", { locked: true }],
    ["the machine has work", { idle: false }],
    ["a program fills the screen", { fullScreen: true }],
    ["a task runs, or a review is in hand", { held: true }],
  ])("%s; afterwards within a minute", async (_, change) => {
    const before = { ...world };
    Object.assign(world, change);
    await writeFor(10 * MINUTE);
    expect(scans).toEqual([]);
    Object.assign(world, { ...before, generations: world.generations });
    const free = clock.now();
    await clock.advance(SLOW_POLL + SECOND);
    expect((scans[0]?.at ?? 0) - free).toBeLessThanOrEqual(MINUTE);
    expect(scans.length).toBeGreaterThan(0);
  });

  test("on battery and locked not even the generation is read", async () => {
    world.battery = true;
    await clock.advance(MINUTE);
    world.polls = 0;
    await clock.advance(HOUR);
    world.battery = false;
    world.locked = true;
    await clock.advance(HOUR);
    expect(world.polls).toBe(0);
  });

  test("the schedule is off, or live scans are: no timer is kept", async () => {
    for (const off of [{ live: false }, { schedule: "off" }] as const) {
      set(off);
      await clock.advance(MINUTE);
      expect(clock.waiting).toBe(0);
      write();
      await clock.advance(HOUR);
      set({ live: true, schedule: "idle" });
      await clock.advance(2 * MINUTE);
    }
    expect(scans).toHaveLength(2);
  });

  test("the machine just woke up", async () => {
    write();
    resumed();
    await clock.advance(SETTLE - SECOND);
    expect(scans).toEqual([]);
    await clock.advance(MINUTE + SECOND);
    expect(scans).toHaveLength(1);
  });

  test("it was stopped", async () => {
    live.stop();
    await writeFor(HOUR);
    expect(scans).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});

test("on battery, and over a full screen, where the settings say so; on battery more seldom", async () => {
  world.settings = { ...world.settings, scanOnBattery: true, scanInFullScreen: true };
  world.battery = true;
  world.fullScreen = true;
  await writeFor(HOUR);
  expect(scans.length).toBeGreaterThanOrEqual(9);
  expect(scans.length).toBeLessThanOrEqual(13);
});

test("how long a transaction may last is the longest commit= of the mounts", () => {
  const line = (options: string): string => `26 1 0:23 / /x rw shared:1 - btrfs /dev/a ${options}`;
  expect(commitInterval("")).toBe(COMMIT);
  expect(commitInterval([line("rw,subvolid=5"), line("rw,commit=120,subvolid=5")].join("\n"))).toBe(120_000);
  expect(commitInterval(line("rw,commit=5"))).toBe(COMMIT);
  expect(commitInterval("26 1 0:23 / /x rw - ext4 /dev/a rw,commit=600")).toBe(COMMIT);
});

test("the machine is idle while fewer than half of its processors have work", () => {
  expect(isMachineIdle(0.9, 2)).toBe(true);
  expect(isMachineIdle(1, 2)).toBe(false);
});

describe("a review in hand", () => {
  let now = 0;
  let hold: ReviewHold;
  beforeEach(() => {
    now = 0;
    hold = new ReviewHold(() => now);
    hold.answered("review.open", { volume: "a" }, { review: "r1", volume: "a" });
  });

  test("that was only looked at is put down after a while", () => {
    now = LOOK_MS - 1;
    expect([hold.holds("a"), hold.holds("b")]).toEqual([true, false]);
    hold.answered("review.rows", { review: "r1" }, {});
    now += LOOK_MS - 1;
    expect(hold.holds("a")).toBe(true);
    now += 1;
    expect(hold.holds("a")).toBe(false);
  });

  test.each(["review.tick", "review.exclude"] as const)("with choices (%s) is kept for long", (method) => {
    hold.answered(method, { review: "r1" }, {});
    // the same one, opened by another view
    hold.answered("review.open", { volume: "a" }, { review: "r1", volume: "a" });
    now = CHOICES_MS - 1;
    expect(hold.holds("a")).toBe(true);
    now = CHOICES_MS;
    expect(hold.holds("a")).toBe(false);
  });

  test("is put down by the fold, by a new one and with the helper", () => {
    hold.answered("review.tick", { review: "r1" }, {});
    hold.answered("review.open", { volume: "a" }, { review: "r2", volume: "a" });
    now = LOOK_MS;
    expect(hold.holds("a")).toBe(false);
    hold.answered("review.tick", { review: "r2" }, {});
    hold.answered("review.fold", { review: "r2" }, {});
    expect(hold.holds("a")).toBe(false);
    hold.answered("review.open", { volume: "a" }, { review: "r3", volume: "a" });
    hold.forget();
    expect(hold.holds("a")).toBe(false);
  });
});
