/** The live figure on a real volume, with the real helper: no click, and the amount in the state follows. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readFsInfo } from "../../src-helper/volumes/fs-info.ts";
import { openDirectory } from "../../src-helper/volumes/open-directory.ts";
import { tryCall } from "../../src-helper/native/library.ts";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { readTransactions } from "../../src-main/live/generation.ts";
import { createLive, SETTLE, type Live } from "../../src-main/live/live.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { memoryLog, TestClock } from "./services/support.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { until } from "./support/helpers.ts";

const SECOND = 1000;
const PAIR = 256 * 1024;

let volume: LoopVolume;
let db: string;
beforeEach(() => {
  volume = LoopVolume.create({ size: "400M" });
  db = mkdtempSync(join(tmpdir(), "refold-follows-"));
  duplicate("first");
});
afterEach(() => {
  volume.dispose();
  rmSync(db, { recursive: true, force: true });
});

/** Two files of one content, on the disk. */
function duplicate(name: string): void {
  const content = randomBytes(PAIR);
  for (const copy of ["one", "two"]) writeFileSync(join(volume.path, `${name}-${copy}`), content);
  volume.sync();
}

const generation = (of = volume.uuid): number | null => readTransactions(of)?.generation ?? null;

/** The app with its live figure, on a clock that the test moves; its helper is in no hurry. */
class LiveApp implements AsyncDisposable {
  readonly app: TestApp;
  readonly clock = new TestClock(Date.now());
  readonly log = memoryLog();
  battery = false;
  scans = 0;
  readonly #live: Live;

  static async start(database: string): Promise<LiveApp> {
    return new LiveApp(await startApp(database));
  }

  private constructor(app: TestApp) {
    this.app = app;
    this.#live = createLive({
      settings: app.settings,
      power: {
        onBattery: () => this.battery,
        locked: () => false,
        idleSeconds: () => 0,
        onResume: () => () => undefined,
      },
      idle: () => true,
      fullScreen: () => Promise.resolve(false),
      volumes: () =>
        (app.core.store.get().volumes ?? [])
          .filter(({ uuid }) => uuid === volume.uuid)
          .map(({ uuid, lastScan }) => ({ uuid, lastScan: lastScan?.at ?? null })),
      held: (uuid) => app.core.liveHeld(uuid),
      transactions: readTransactions,
      commitMs: () => Promise.resolve(30 * SECOND),
      figureOutdated: (uuid) => app.core.figureOutdated(uuid),
      partsOutdated: (uuid) => app.core.partsOutdated(uuid),
      scan: (uuid, parts) => {
        this.scans += 1;
        return app.core.liveScan(uuid, parts);
      },
      clock: this.clock,
      log: this.log,
    });
  }

  get figure(): number | null {
    const found = this.app.core.store.get().volumes?.find(({ uuid }) => uuid === volume.uuid);
    return found?.lastScan?.reclaimableBytes ?? null;
  }

  /** A first scan by a click, and the live figure at rest after it. */
  async settle(): Promise<void> {
    await this.app.call("scan.start", { volume: volume.uuid });
    await this.app.finished("scan", volume.uuid);
    await until(() => this.figure === PAIR);
    this.#live.start();
    await this.clock.advance(SETTLE);
    await this.pass(5);
    this.scans = 0;
  }

  /**
   * So many minutes, each look of which gets the time that its scan takes. The
   * kernel commits by its own clock, and not by the test's: what it would do
   * every 30 seconds is done here.
   */
  async pass(minutes: number): Promise<void> {
    for (let t = 0; t < minutes * 60; t += 5) {
      if (t % 30 === 0) volume.sync();
      await this.clock.advance(5 * SECOND);
      while (this.clock.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#live.stop();
    await this.app[Symbol.asyncDispose]();
  }
}

test("the generation that is polled is the one of FS_INFO, and told to everybody", () => {
  const fd = openDirectory(Buffer.from(volume.path));
  try {
    expect(generation()).toBe(readFsInfo(fd).generation);
    duplicate("second");
    expect(generation()).toBe(readFsInfo(fd).generation);
  } finally {
    tryCall("rf_close", fd);
  }
  const told = (name: string): string =>
    exec("setpriv", [
      ...["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"],
      ...["cat", `/sys/fs/btrfs/${volume.uuid}/${name}`],
    ]);
  expect(Number(told("generation"))).toBe(generation());
  expect(told("commit_stats")).toContain(`commits ${String(readTransactions(volume.uuid)?.commits)}\n`);
  expect(generation("00000000-0000-4000-8000-000000000000")).toBeNull();
});

test("a file is duplicated, and the figure follows within a minute, without a click and without a task in sight", async () => {
  await using live = await LiveApp.start(db);
  await live.settle();
  await live.pass(5);
  expect([live.scans, live.figure]).toEqual([0, PAIR]);
  const told = live.app.told.length;
  duplicate("second");
  await live.pass(1);
  await until(() => live.figure === 2 * PAIR);
  expect(live.scans).toBe(1);
  expect(
    live.app.told.slice(told).filter(({ payload }) => "tasks" in payload && payload.tasks.length > 0),
  ).toEqual([]);
  expect(live.app.events).toEqual([`scan ${volume.uuid}`]); // the click's
});

test("the app's own databases on the volume: one look at what it wrote itself, and no more", async () => {
  const own = join(volume.path, "refold");
  mkdirSync(own, { mode: 0o700 });
  await using live = await LiveApp.start(own);
  await live.settle();
  duplicate("second");
  await live.pass(1);
  await until(() => live.figure === 2 * PAIR);
  await live.pass(4);
  const scans = live.scans;
  expect(scans).toBeLessThanOrEqual(3);
  const at = generation();
  await live.pass(10);
  expect(live.scans).toBe(scans);
  expect(generation()).toBe(at);
});

describe("nothing happens", () => {
  test("on battery", async () => {
    await using live = await LiveApp.start(db);
    await live.settle();
    live.battery = true;
    duplicate("second");
    await live.pass(5);
    expect([live.scans, live.figure]).toEqual([0, PAIR]);
    live.battery = false;
    await live.pass(2);
    await until(() => live.figure === 2 * PAIR);
  });

  test("while somebody has a review in hand, which stays what it was; after its fold the figure follows", async () => {
    await using live = await LiveApp.start(db);
    await live.settle();
    const { review } = await live.app.call("review.open", { volume: volume.uuid });
    const { rows } = await live.app.call("review.rows", {
      ...{ review, filter: NO_FILTER, sort: { by: "frees", descending: true }, offset: 0, limit: 10 },
    });
    const [group] = rows;
    if (group === undefined) throw new Error("there is a group");
    const target = { kind: "groups" as const, ids: [group.id] };
    await live.app.call("review.tick", { review, target, ticked: false });
    const { revision } = await live.app.call("review.tick", { review, target, ticked: true });
    duplicate("second");
    await live.pass(10);
    expect([live.scans, live.figure]).toEqual([0, PAIR]);
    await live.app.call("review.fold", { review, revision });
    // not while the fold runs
    await live.pass(1);
    expect((await live.app.finished("fold", volume.uuid)).result).toMatchObject({ kind: "fold" });
    // the first pair is folded, the second was written meanwhile
    volume.sync();
    await live.pass(3);
    await until(() => live.figure === PAIR);
  });

  test("while a task runs; a live scan that runs steps aside for what is asked for", async () => {
    await using live = await LiveApp.start(db);
    await live.settle();
    duplicate("second");
    // both at once: the click is not told that something is being done
    const [aside] = await Promise.allSettled([
      live.app.core.liveScan(volume.uuid, false),
      live.app.call("review.open", { volume: volume.uuid }),
      live.app.call("scan.start", { volume: volume.uuid }),
    ]);
    expect((await live.app.finished("scan", volume.uuid)).result).toMatchObject({ kind: "scan" });
    await until(() => live.figure === 2 * PAIR);
    if (aside.status === "rejected") expect(aside.reason).toMatchObject({ data: { code: "cancelled" } });
    expect(live.app.core.tasks.running).toBe(false);
  });
});
