/** Review, fold, a kill in the middle of it, mending and export through the calls of the page. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import type { Task } from "../../src-main/ipc/state.ts";
import { immutablePaths, stopWhileLocked } from "../support/immutable.ts";
import { LoopVolume } from "../support/volume.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { until } from "./support/helpers.ts";

const PAIRS = 400;
const SIZE = 128 * 1024;
const SORT = { by: "frees", descending: true } as const;

let volume: LoopVolume;
let database: string;
beforeAll(() => {
  volume = LoopVolume.create({ size: "1G", label: "home" });
  database = volume.beside("db");
  mkdirSync(database);
});
afterAll(() => {
  volume.dispose();
});

/** New pairs of files with the same content, in a folder of their own. */
function writePairs(folder: string, pairs: number): void {
  const directory = join(volume.path, folder);
  mkdirSync(directory);
  for (let k = 0; k < pairs; k++) {
    const content = randomBytes(SIZE);
    writeFileSync(join(directory, `a${String(k)}`), content);
    writeFileSync(join(directory, `b${String(k)}`), content);
  }
  volume.sync();
}

async function scanAndOpen(app: TestApp) {
  await app.call("scan.start", { volume: volume.uuid });
  await app.finished("scan", volume.uuid);
  return app.call("review.open", { volume: volume.uuid });
}

const immutable = (): string[] => immutablePaths(volume.path);

describe("a review", () => {
  it("is folded as it was ticked: what was promised is what was measured", async () => {
    writePairs("one", 10);
    await using app = await startApp(database);
    const { review } = await scanAndOpen(app);
    await app.call("review.names", { review });
    const { rows, total } = await app.call("review.rows", {
      ...{ review, filter: NO_FILTER, sort: SORT, offset: 0, limit: 100 },
    });
    expect(total).toBe(10);
    const group = rows[0]?.id ?? "";
    const sum = await app.call("review.tick", {
      ...{ review, ticked: false, target: { kind: "groups", ids: [group] } },
    });
    expect(sum.predictedBytes).toBe(9 * SIZE);
    await app.call("review.fold", { review, revision: sum.revision });
    const { result } = await app.finished("fold", volume.uuid);
    expect(result).toMatchObject({
      kind: "fold",
      result: { predictedBytes: 9 * SIZE, freedBytes: 9 * SIZE, cancelled: false },
    });
    expect(app.events).toContain(`fold ${volume.uuid}`);
    await expect(app.call("review.fold", { review, revision: sum.revision + 1 })).resolves.toBeNull();
    await until(
      () => app.core.tasks.tasks.filter(({ result: ended }) => ended?.kind === "failed").length === 1,
    );
    const stale = app.core.tasks.tasks.find(({ result: ended }) => ended?.kind === "failed");
    expect(stale?.result).toMatchObject({ error: { code: "stale" } });
  });

  it("of which nobody knows is out of date", async () => {
    await using app = await startApp(database);
    await expect(app.call("review.fold", { review: "r-1", revision: 0 })).rejects.toMatchObject({
      code: "stale",
    });
    await expect(app.call("review.names", { review: "r-1" })).rejects.toMatchObject({ code: "stale" });
    expect(app.core.tasks.tasks).toEqual([]);
  });

  it("leaves out what is skipped for good, and the settings know it", async () => {
    writePairs("skipped", 3);
    await using app = await startApp(database);
    const { review, groups } = await scanAndOpen(app);
    await app.call("review.names", { review });
    const glob = join(volume.path, "skipped", "**");
    const after = await app.call("review.skip", { review, glob });
    expect(groups - after.groups).toBe(3);
    expect(app.settings.get().exclude).toEqual([glob]);
    await app.call("review.skip", { review, glob });
    expect(app.settings.get().exclude).toEqual([glob]);
    expect((await app.call("review.open", { volume: volume.uuid })).groups).toBe(after.groups);
  });

  it("shows a file where it is, by the helper's word; an unknown id and no UTF-8 are refused", async () => {
    await using app = await startApp(database);
    const odd = Buffer.concat([Buffer.from(`${volume.path}/odd-`), Buffer.of(0xff)]);
    const content = randomBytes(SIZE);
    writeFileSync(odd, content);
    writeFileSync(join(volume.path, "plain"), content);
    volume.sync();
    const { review } = await scanAndOpen(app);
    await app.call("review.names", { review });
    const filter = { ...NO_FILTER, search: "plain" };
    const { rows } = await app.call("review.rows", { review, filter, sort: SORT, offset: 0, limit: 10 });
    const group = rows[0]?.id ?? "";
    const { files } = await app.call("review.files", { review, group, offset: 0, limit: 10 });
    const show = (name: string): Promise<null> => {
      const row = files.find(({ path }) => path.includes(name));
      return app.call("review.show", { review, group, file: row?.id ?? "" });
    };
    await show("plain");
    expect(app.shownFiles).toEqual([join(volume.path, "plain")]);
    await expect(show("odd-")).rejects.toThrow(/not UTF-8/);
    await expect(app.call("review.show", { review, group, file: "1:2:3" })).rejects.toMatchObject({
      code: "stale",
    });
    expect(app.shownFiles).toHaveLength(1);
  });
});

describe("a fold whose helper is killed", () => {
  it("is told, leaves files that are shown as stuck, and one call mends them", async () => {
    writePairs("killed", 5 * PAIRS);
    await using app = await startApp(database);
    const { review, sum } = await scanAndOpen(app);
    const folding = app.core.tasks;
    await app.call("review.fold", { review, revision: sum.revision });
    const pid = Number(/process (\d+)/.exec(app.log.lines.findLast((l) => l.includes("runs as")) ?? "")?.[1]);
    // the first files are locked before the first report of the fold
    await until(() => folding.tasks.some(({ progress }) => progress?.phase === "fold"));
    await stopWhileLocked(pid, volume.path);
    process.kill(pid, "SIGKILL");
    await until(() => app.core.store.get().helper.status === "lost");
    const error = app.core.store.get().helper.error;
    expect(error?.message).toMatch(/stopped while it was folding home: it was ended by SIGKILL/);
    expect((await app.finished("fold", volume.uuid)).result?.kind).toBe("failed");
    const left = immutable();
    expect(left.length).toBeGreaterThan(0);

    await app.call("helper.start", undefined);
    await until(() => (app.core.store.get().stuck[volume.uuid]?.ours ?? 0) > 0);
    expect(app.core.store.get().stuck[volume.uuid]).toEqual({ ours: left.length, unknown: 0 });
    expect(app.events).toContain(`stuck ${volume.uuid} ${String(left.length)}`);
    await until(() => app.core.tasks.heavyOn(volume.uuid) === null);
    const { repaired, failed } = await app.call("stuck.repair", { volume: volume.uuid, ids: [] });
    expect([repaired.length, failed]).toEqual([left.length, []]);
    expect(immutable()).toEqual([]);
    expect(app.core.store.get().stuck).toEqual({});
  });
});

describe("the history", () => {
  it("has every run, and is exported whole", async () => {
    const path = volume.beside("history.csv");
    await using app = await startApp(database, { desktop: { chooseExport: () => Promise.resolve(path) } });
    const runs = await app.call("history.list", { volume: volume.uuid });
    expect(runs.map(({ state }) => state)).toContain("interrupted");
    expect(await app.call("history.export", { volume: volume.uuid, format: "csv" })).toEqual({ path });
    const text = readFileSync(path, "utf8");
    for (const { id } of runs) expect(text).toMatch(new RegExp(`^${String(id)},`, "m"));
    expect(text).toContain(`${volume.path}/one/`);
  });
});

describe("progress", () => {
  it("comes to the page with what is done, and never goes back", async () => {
    writePairs("more", PAIRS);
    await using app = await startApp(database);
    const { review, sum } = await scanAndOpen(app);
    await app.call("review.fold", { review, revision: sum.revision });
    const { id } = await app.finished("fold", volume.uuid);
    const told = app.told.flatMap(({ name, payload }) => (name === "task" ? [payload as Task] : []));
    const mine = told.filter((task) => task.id === id);
    expect(mine.length).toBeGreaterThan(0);
    expect(mine.every(({ volume: of, kind }) => of === volume.uuid && kind === "fold")).toBe(true);
    const done = mine
      .filter(({ progress }) => progress?.phase === "fold")
      .map(({ progress }) => progress?.done ?? 0);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });
});
