/** What the card and the tray say of a volume is what its review offers, by the settings as they are. Real volumes. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLocale } from "../../src-main/locale/locale.ts";
import { helperArguments, spawnHelper, type Elevator } from "../../src-main/helper/elevator.ts";
import { DEFAULT_SETTINGS } from "../../src-main/settings/schema.ts";
import { trayModel } from "../../src-main/tray/model.ts";
import { exec } from "../support/exec.ts";
import { REFOLD } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { startApp, type TestApp } from "./support/app.ts";

const KIB = 1024;

let volume: LoopVolume;
let app: TestApp;
let databases = 0;
beforeAll(() => {
  volume = LoopVolume.create({ size: "1G" });
  const pair = (folder: string, size: number): void => {
    const content = randomBytes(size);
    for (const copy of ["one", "two"]) {
      mkdirSync(join(volume.path, folder, copy), { recursive: true });
      writeFileSync(join(volume.path, folder, copy, `${String(size)}.bin`), content);
    }
  };
  for (let k = 1; k <= 5; k++) pair("work", k * 100 * KIB);
  for (let k = 1; k <= 3; k++) pair("backup", k * 64 * KIB);
  for (let k = 1; k <= 4; k++) pair("small", k * 8 * KIB);
  // what equals parts of others
  const common = randomBytes(1024 * KIB);
  for (const name of ["part one", "part two"])
    writeFileSync(join(volume.path, name), Buffer.concat([randomBytes(64 * KIB), common]));
  volume.sync();
  exec("btrfs", ["subvolume", "snapshot", "-r", volume.path, join(volume.path, "snapshot")]);
  volume.sync();
});
afterAll(() => {
  volume.dispose();
});
beforeEach(async () => {
  const database = volume.beside(`db-${String(databases++)}`);
  mkdirSync(database);
  app = await startApp(database);
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
});

async function scan(): Promise<void> {
  await app.call("scan.start", { volume: volume.uuid });
  await app.finished("scan", volume.uuid);
  await app.core.volumes.refresh();
}

/** What the card says, and what the review that it opens offers. */
async function both(): Promise<{ card: number[]; review: number[]; asSelected: boolean | undefined }> {
  await app.core.volumes.refresh();
  const { lastScan } = await app.volume(volume.uuid);
  const { review } = await app.call("review.open", { volume: volume.uuid });
  const sum = await app.call("review.ranges", { review });
  return {
    card: [
      lastScan?.groups ?? -1,
      (lastScan?.reclaimableBytes ?? -1) + (lastScan?.ranges?.reclaimableBytes ?? 0),
    ],
    review: [sum.groups, sum.predictedBytes],
    asSelected: lastScan?.asSelected,
  };
}

describe("the settings", () => {
  test.each([
    ["leave out a folder", { exclude: ["**/backup/**"] }],
    ["leave out names, and small files", { exclude: ["102400.bin"], minSize: 50_000 }],
    ["fold in snapshots too", { snapshots: true }],
    ["leave out a folder, and fold in snapshots too", { exclude: ["**/small/**"], snapshots: true }],
  ])("%s: before and after a scan, and when they are changed", async (_, patch) => {
    await scan();
    const all = await both();
    expect(all.card).toEqual(all.review);
    app.settings.set(patch);
    const after = await both();
    expect(after.card).toEqual(after.review);
    expect(after.card).not.toEqual(all.card);
    expect(after.asSelected).toBeUndefined();
    await scan();
    expect((await both()).card).toEqual(after.card);
    const { minSize, exclude, snapshots } = DEFAULT_SETTINGS;
    app.settings.set({ minSize, exclude, snapshots });
    expect((await both()).card).toEqual(all.card);
  });

  test("look for parts of files in another way: what is known is marked as old, until it is looked for again", async () => {
    const current = async (): Promise<boolean | undefined> => {
      await app.core.volumes.refresh();
      return (await app.volume(volume.uuid)).lastScan?.ranges?.current;
    };
    app.settings.set({ ranges: true });
    await scan();
    expect(await current()).toBe(true);
    for (const patch of [
      { rangesMemory: 64 * KIB * KIB },
      { rangesRewrite: 80 },
      { exclude: ["part one"] },
      { snapshots: true },
    ]) {
      app.settings.set(patch);
      expect(await current(), JSON.stringify(patch)).toBe(false);
      expect(app.core.partsOutdated(volume.uuid)).toBe(true);
      await app.core.liveScan(volume.uuid, true);
      expect(await current(), JSON.stringify(patch)).toBe(true);
      const now = await both();
      expect(now.card[1]).toBe(now.review[1]);
    }
  });
});

test("more groups than are counted for a list: it is said that the settings are not counted in, until a live scan has", async () => {
  for (let k = 0; k < 1001; k++) {
    const content = randomBytes(4 * KIB + k);
    for (const copy of ["one", "two"])
      writeFileSync(join(volume.path, "small", copy, `many-${String(k)}`), content);
  }
  volume.sync();
  await scan();
  const all = await both();
  expect(all.card).toEqual(all.review);
  app.settings.set({ exclude: ["many-*"] });
  const told = await both();
  expect(told.asSelected).toBe(false);
  expect(told.card).toEqual(all.card);
  const tray = trayModel(app.core.store.get(), createLocale({ setting: () => "en", system: () => [] }));
  expect(tray.tooltip).toContain("without your choices in Settings");
  // a live scan is asked for, once
  expect(app.core.figureOutdated(volume.uuid)).toBe(true);
  await app.core.liveScan(volume.uuid, false);
  const counted = await both();
  expect(counted.asSelected).toBeUndefined();
  expect(counted.card).toEqual(counted.review);
  expect(counted.card).not.toEqual(all.card);
  expect(app.core.figureOutdated(volume.uuid)).toBe(false);
});

test("a helper that only observes counts no globs: it is said, and not asked for again and again", async () => {
  const database = volume.beside("db-observed");
  mkdirSync(database);
  const observeRoad: Elevator = {
    ...{ road: "observe", asks: false, explain: () => null },
    start: () =>
      Promise.resolve(
        spawnHelper(
          REFOLD,
          [
            ...helperArguments({ program: REFOLD, database }),
            "--mode",
            "observe",
            "--runtime-dir",
            volume.beside("run"),
          ],
          process.env,
        ),
      ),
  };
  await using observing = await startApp(database, { observeRoad });
  expect(observing.core.helper.state.status).toBe("observing");
  observing.settings.set({ exclude: ["**/backup/**"], snapshots: true });
  await observing.call("scan.start", { volume: volume.uuid });
  await observing.finished("scan", volume.uuid);
  await observing.core.volumes.refresh();
  const { lastScan } = await observing.volume(volume.uuid);
  expect(lastScan?.asSelected).toBe(false);
  expect(observing.core.figureOutdated(volume.uuid)).toBe(false);
  observing.settings.set({ exclude: [] });
  await observing.core.volumes.refresh();
  expect((await observing.volume(volume.uuid)).lastScan?.asSelected).toBeUndefined();
});
