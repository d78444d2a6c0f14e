/** The app's core with the real helper, as root, on a real volume. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pkexecRoad } from "../../src-main/helper/pkexec.ts";
import { userRoad } from "../../src-main/helper/roads.ts";
import { chattr, immutablePaths } from "../support/immutable.ts";
import { REFOLD } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { until } from "./support/helpers.ts";

let volume: LoopVolume;
let database: string;

/** Pairs of files with the same content; each pair's differs. */
function writePairs(directory: string, pairs: number, size: number): void {
  mkdirSync(directory, { recursive: true });
  for (let k = 0; k < pairs; k++) {
    const content = randomBytes(size);
    writeFileSync(join(directory, `a${String(k)}`), content);
    writeFileSync(join(directory, `b${String(k)}`), content);
  }
}

beforeAll(() => {
  volume = LoopVolume.create({ size: "1G", label: "home" });
  database = volume.beside("db");
  mkdirSync(database);
  writePairs(join(volume.path, "pairs"), 20, 256 * 1024);
});
afterAll(() => {
  volume.dispose();
});

const scanned = async (app: TestApp): Promise<void> => {
  await app.call("scan.start", { volume: volume.uuid });
  await app.finished("scan", volume.uuid);
};

describe("volumes and scans", () => {
  it("lists the volume, scans it and shows the new amount", async () => {
    await using app = await startApp(database);
    const before = await app.volume(volume.uuid);
    expect([before.label, before.mountPath]).toEqual(["home", volume.path]);
    expect(app.core.store.get().helper).toEqual({ status: "running", error: null });
    await app.call("scan.start", { volume: volume.uuid });
    const task = await app.finished("scan", volume.uuid);
    expect(task.result).toMatchObject({
      kind: "scan",
      totals: { groups: 20, duplicateFiles: 40, reclaimableBytes: 20 * 256 * 1024 },
    });
    await until(() => app.events.length > 0);
    expect(app.events).toEqual([`scan ${volume.uuid}`]);
    expect((await app.volume(volume.uuid)).lastScan?.reclaimableBytes).toBe(20 * 256 * 1024);
  });

  it("tells the page a state that begins, runs and ends, and takes the minimum size of the settings", async () => {
    await using app = await startApp(database);
    await app.call("settings.set", { minSize: 1024 * 1024 });
    await scanned(app);
    await until(() =>
      app.told.some(
        ({ name, payload }) =>
          name === "state" && "tasks" in payload && payload.tasks.some(({ result }) => result !== null),
      ),
    );
    expect(app.core.tasks.tasks[0]?.result).toMatchObject({ totals: { groups: 0 } });
    expect(app.core.store.get().settings.minSize).toBe(1024 * 1024);
  });

  it("does not begin a second piece of work on a volume", async () => {
    await using app = await startApp(database);
    const two = [1, 2].map(() => app.call("scan.start", { volume: volume.uuid }));
    const ended = await Promise.allSettled(two);
    expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((ended[1] as PromiseRejectedResult).reason).toMatchObject({ code: "busy" });
    await app.finished("scan", volume.uuid);
  });

  it("tells why a scan could not be done", async () => {
    await using app = await startApp(database);
    const unknown = "01234567-89ab-cdef-0123-456789abcdef";
    await app.call("scan.start", { volume: unknown });
    const task = await app.finished("scan", unknown);
    expect(task.result).toMatchObject({ kind: "failed", error: { code: "no-volume" } });
    await app.call("task.dismiss", { task: task.id });
    expect(app.core.tasks.tasks).toEqual([]);
  });

  it("sees a volume that is mounted while somebody looks", async () => {
    await using app = await startApp(database);
    app.core.volumes.setVisible(true);
    using other = LoopVolume.create({ size: "256M", label: "other" });
    expect((await app.volume(other.uuid)).label).toBe("other");
  });
});

describe("stuck files", () => {
  it("of unknown origin are listed, counted, and mended when they are named", async () => {
    const file = join(volume.path, "fixed");
    writeFileSync(file, "x");
    chattr("+i", file);
    volume.sync();
    await using app = await startApp(database);
    const files = await app.call("stuck.list", { volume: volume.uuid });
    expect(files.map(({ path, origin }) => [path, origin])).toEqual([[file, "unknown"]]);
    expect(app.core.store.get().stuck).toEqual({ [volume.uuid]: { ours: 0, unknown: 1 } });

    expect(await app.call("stuck.repair", { volume: volume.uuid, ids: [] })).toEqual({
      repaired: [],
      failed: [],
    });
    expect(immutablePaths(file)).toEqual([file]);
    const result = await app.call("stuck.repair", { volume: volume.uuid, ids: files.map(({ id }) => id) });
    expect(result.repaired).toEqual(files.map(({ id }) => id));
    expect(immutablePaths(file)).toEqual([]);
    expect(app.core.store.get().stuck).toEqual({});
  });

  it("are listed once for all who ask at the same time", async () => {
    await using app = await startApp(database);
    const lists = await Promise.all([1, 2, 3].map(() => app.call("stuck.list", { volume: volume.uuid })));
    expect(lists).toEqual([[], [], []]);
    expect(app.core.tasks.tasks.filter(({ kind }) => kind === "stuck")).toHaveLength(1);
  });
});

describe("a helper that is killed", () => {
  it("is noticed, its work is told as failed, and one call starts it again", async () => {
    await using app = await startApp(database);
    await app.call("scan.start", { volume: volume.uuid });
    process.kill(helperPid(app), "SIGKILL");
    const task = await app.finished("scan", volume.uuid);
    expect(task.result?.kind).toMatch(/failed|scan/);
    await until(() => app.core.helper.state.status === "lost");
    expect(app.core.store.get().helper.error?.message).toContain("SIGKILL");
    await expect(app.call("scan.start", { volume: volume.uuid })).rejects.toMatchObject({ code: "failed" });
    await app.call("helper.start", undefined);
    expect(app.core.store.get().helper).toEqual({ status: "running", error: null });
    await scanned(app);
    expect(app.core.tasks.tasks.at(-1)?.result?.kind).toBe("scan");
  });
});

describe("without root's rights", () => {
  /** A program that runs another one as nobody, or ends as pkexec does when its dialog is dismissed. */
  function script(name: string, text: string): string {
    const path = volume.beside(name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  }
  // mounted where everybody may look
  let open: string;
  beforeAll(() => {
    open = mkdtempSync(join(tmpdir(), "refold-open-"));
    chmodSync(open, 0o755);
    volume.mount([], open);
  });
  afterAll(() => {
    volume.unmount(open);
    rmdirSync(open);
  });
  const programs = { observe: "/bin/false", manage: "/bin/false" };
  const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";

  it("volumes are listed; what needs more asks, and a dismissed question changes nothing", async () => {
    const asUser = script("as-user", `exec ${nobody} '${REFOLD}' "$@"`);
    await using app = await startApp(database, {
      userRoad: userRoad({ program: asUser, database: null }),
      elevator: pkexecRoad(programs, "manage", script("dismissed", "exit 126")),
    });
    expect(app.core.store.get().helper).toEqual({ status: "user", error: null });
    const listed = await app.volume(volume.uuid);
    expect([listed.label, listed.lastScan, listed.openIntents]).toEqual(["home", null, null]);
    await expect(app.call("scan.start", { volume: volume.uuid })).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(app.core.store.get().helper).toEqual({ status: "user", error: null });
    expect(app.core.tasks.tasks).toEqual([]);
  });

  it("the password makes the next call go on by itself", async () => {
    const manage = script("manage", `exec '${REFOLD}' rpc --db '${database}'`);
    const asUser = script("as-user", `exec ${nobody} '${REFOLD}' "$@"`);
    await using app = await startApp(database, {
      userRoad: userRoad({ program: asUser, database: null }),
      elevator: pkexecRoad({ ...programs, manage }, "manage", script("granted", 'shift; exec "$@"')),
    });
    await scanned(app);
    expect(app.core.store.get().helper.status).toBe("running");
    await until(() => app.events.length > 0);
    expect((await app.volume(volume.uuid)).lastScan).not.toBeNull();
  });
});

describe("the end", () => {
  it("leaves no helper behind", async () => {
    const app = await startApp(database);
    const pid = helperPid(app);
    await app[Symbol.asyncDispose]();
    expect(() => readFileSync(`/proc/${String(pid)}/comm`)).toThrow();
    expect(app.core.helper.state.status).toBe("running");
  });
});

/** Process id of the helper that runs, from the log. */
function helperPid(app: TestApp): number {
  const line = app.log.lines.findLast((one) => one.includes("runs as process"));
  return Number(/process (\d+)/.exec(line ?? "")?.[1]);
}
