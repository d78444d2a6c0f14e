/** The app of an ordinary user and the installed helper, with real polkitd, dbus-daemon, pkexec and PAM. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { immutablePaths, stopWhileLocked } from "../support/immutable.ts";
import { ROOT } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { ANNA, Machine } from "./machine.ts";
import { Agent, PersonsApp } from "./people.ts";

const SIZE = 128 * 1024;
const SORT = { by: "frees", descending: true } as const;
const MANAGE = "org.refold.Refold.manage";

const volume = LoopVolume.create({ size: "1G", label: "home" });
const scratch = mkdtempSync(join(tmpdir(), "refold-polkit-"));
let machine: Machine;

beforeAll(async () => {
  const packaging = [join(ROOT, "scripts/package/cli.mjs"), "--output", scratch, "--level", "0"];
  const built = spawnSync(process.execPath, packaging, { encoding: "utf8" });
  if (built.status !== 0) throw new Error(`no package: ${built.stderr}`);
  machine = await Machine.create();
  await machine.install(built.stdout.trim());
  await machine.mount(volume.device, "/mnt/home");
  writePairs("first", 10);
});
afterAll(async () => {
  await machine.dispose();
  volume.dispose();
  rmSync(scratch, { recursive: true });
});
beforeEach(async () => {
  machine.setSession(ANNA, "active");
  // a minute between two scans is what observe.test.ts is about
  await machine.run(["sh", "-c", "rm -f /run/refold/observe/scan-*"]);
});

function writePairs(folder: string, pairs: number): void {
  mkdirSync(join(volume.path, folder));
  for (let k = 0; k < pairs; k++) {
    const content = randomBytes(SIZE);
    for (const copy of ["a", "b"]) writeFileSync(join(volume.path, folder, `${copy}${String(k)}`), content);
  }
  volume.sync();
}
const immutable = (): string[] => immutablePaths(volume.path);
const open = (app: PersonsApp) => app.call("review.open", { volume: volume.uuid });
const helper = async (app: PersonsApp) => (await app.state()).helper;

describe("observing", () => {
  test("an active session scans without a question: totals, and nothing else", async () => {
    await using agent = await Agent.start(machine, ANNA, "answers");
    await using app = await PersonsApp.start(machine, ANNA);
    expect(await helper(app)).toEqual({ status: "observing", error: null });
    await app.call("scan.start", { volume: volume.uuid });
    const { result } = await app.finished("scan", volume.uuid);
    expect(result).toMatchObject({ kind: "scan", totals: { groups: 10, reclaimableBytes: 10 * SIZE } });
    expect(agent.questions).toEqual([]);
  });

  test.each(["online", null] as const)(
    "a session that is not at the machine (%s) gets no helper of root's, and the app lists volumes still",
    async (state) => {
      machine.setSession(ANNA, state);
      await using app = await PersonsApp.start(machine, ANNA);
      expect(await helper(app)).toEqual({ status: "user", error: null });
      expect((await app.log()).join("\n")).toContain("no helper that observes: The system refused");
      const { volumes } = await app.state();
      expect(volumes?.find(({ uuid }) => uuid === volume.uuid)).toMatchObject({
        label: "home",
        lastScan: null,
      });
    },
  );

  test("the program takes no words, and its client cannot make it more", async () => {
    const script = `pkexec --disable-internal-agent /usr/lib/refold/refold-observe --mode manage </dev/null; echo "$?"`;
    const run = await machine.run(["sh", "-c", script], ANNA);
    expect([run.stdout.trim(), run.stderr]).toEqual(["2", expect.stringContaining("takes no arguments")]);
  });
});

describe("managing", () => {
  test("asks once, by the action's own name, and it is kept: a helper started again asks no more", async () => {
    await using agent = await Agent.start(machine, ANNA, "answers");
    await using app = await PersonsApp.start(machine, ANNA);
    await app.call("scan.start", { volume: volume.uuid });
    await app.finished("scan", volume.uuid);
    expect((await open(app)).groups).toBe(10);
    expect(await helper(app)).toEqual({ status: "running", error: null });
    expect(agent.questions.map(({ action }) => action)).toEqual([MANAGE]);
    await app.kill((await app.pids()).helper);
    await lost(app);
    await app.call("helper.start", undefined);
    expect(await helper(app)).toEqual({ status: "running", error: null });
    expect(agent.questions).toHaveLength(1);
  });

  test("dismissed: quiet, and the app goes on as it was", async () => {
    await using agent = await Agent.start(machine, ANNA, "dismisses");
    await using app = await PersonsApp.start(machine, ANNA);
    for (const times of [1, 2]) {
      await expect(open(app)).rejects.toThrow("cancelled: The password was not given.");
      expect(agent.questions).toHaveLength(times);
    }
    expect(await helper(app)).toEqual({ status: "observing", error: null });
    await app.call("scan.start", { volume: volume.uuid });
    expect((await app.finished("scan", volume.uuid)).result?.kind).toBe("scan");
  });

  test("a wrong password: refused, and said so", async () => {
    await using agent = await Agent.start(machine, ANNA, "mistypes");
    await using app = await PersonsApp.start(machine, ANNA);
    await expect(open(app)).rejects.toThrow("permission: The system refused Refold root's rights.");
    expect(agent.questions.length).toBeGreaterThan(0);
    expect(await helper(app)).toMatchObject({
      status: "observing",
      error: { code: "permission", next: expect.stringContaining("Check the password") as string },
    });
  });

  test("nothing there that could ask: said so", async () => {
    await using app = await PersonsApp.start(machine, ANNA);
    await expect(open(app)).rejects.toThrow("permission: There is nothing in this session that could ask");
    expect(await helper(app)).toMatchObject({ status: "observing", error: { code: "permission" } });
  });

  describe("without polkit", () => {
    afterEach(() => machine.startPolkit());

    test("said so, and what needs no rights goes on", async () => {
      await machine.stopPolkit();
      await using app = await PersonsApp.start(machine, ANNA);
      await expect(open(app)).rejects.toThrow("permission: The service that grants root's rights, polkit");
      const { helper: state, volumes } = await app.state();
      expect(state).toMatchObject({ status: "user", error: { code: "permission" } });
      expect(volumes?.some(({ uuid }) => uuid === volume.uuid)).toBe(true);
    });
  });
});

describe("a fold", () => {
  test("scan without a password, review after one, fold: what was promised is what is freed", async () => {
    await using agent = await Agent.start(machine, ANNA, "answers");
    await using app = await PersonsApp.start(machine, ANNA);
    await app.call("scan.start", { volume: volume.uuid });
    await app.finished("scan", volume.uuid);
    const { review } = await open(app);
    await app.call("review.names", { review });
    const rows = await app.call("review.rows", {
      review,
      filter: NO_FILTER,
      sort: SORT,
      offset: 0,
      limit: 100,
    });
    const sum = await app.call("review.tick", {
      ...{ review, ticked: true, target: { kind: "groups", ids: rows.rows.map(({ id }) => id) } },
    });
    await app.call("review.fold", { review, revision: sum.revision });
    const { result } = await app.finished("fold", volume.uuid);
    expect(result).toMatchObject({
      kind: "fold",
      result: { predictedBytes: 10 * SIZE, freedBytes: 10 * SIZE },
    });
    expect(agent.questions.map(({ action }) => action)).toEqual([MANAGE]);
    expect(immutable()).toEqual([]);
  });

  test("the app is killed in the middle: the helper ends the step, unlocks and is gone", async () => {
    writePairs("second", 1500);
    await using agent = await Agent.start(machine, ANNA, "answers");
    await using app = await PersonsApp.start(machine, ANNA);
    const pids = await beginFold(app);
    const started = performance.now();
    await app.kill(pids.app);
    await ended(pids.helper);
    console.log(`the helper was gone ${String(Math.round(performance.now() - started))} ms after its app`);
    expect(immutable()).toEqual([]);
    expect(agent.questions).toHaveLength(1);
  });

  test("the helper is killed in the middle: shown, listed after the next start, and mended", async () => {
    writePairs("third", 1500);
    await using agent = await Agent.start(machine, ANNA, "answers");
    await using app = await PersonsApp.start(machine, ANNA);
    const { helper: inside } = await beginFold(app);
    const pid = machine.pidOutside(inside);
    await stopWhileLocked(pid, volume.path);
    process.kill(pid, "SIGKILL");
    await lost(app);
    expect((await helper(app)).error?.message).toContain("stopped while it was folding home");
    const stuck = immutable().length;
    expect(stuck).toBeGreaterThan(0);
    {
      // after a login nobody is asked for a password, and sees that there is something to mend
      await using later = await PersonsApp.start(machine, ANNA);
      const { helper: observer, stuck: counts } = await later.state();
      expect(observer).toEqual({ status: "observing", error: null });
      expect(counts[volume.uuid]?.ours).toBeGreaterThanOrEqual(stuck);
    }
    await app.call("helper.start", undefined);
    const listed = await app.call("stuck.list", { volume: volume.uuid });
    expect(listed.filter(({ origin }) => origin === "refold")).toHaveLength(stuck);
    await app.call("stuck.repair", { volume: volume.uuid, ids: [] });
    expect(immutable()).toEqual([]);
    expect(agent.questions).toHaveLength(1);
  });
});

/** Waits until the app has seen that its helper is gone. */
async function lost(app: PersonsApp): Promise<void> {
  while ((await helper(app)).status !== "lost");
}

/** Waits until a process of the machine is gone. */
async function ended(pid: string): Promise<void> {
  (await machine.run(["tail", "--pid", pid, "-s", "0.05", "-f", "/dev/null"])).expectCode(0);
}

/** Scans, reviews and folds everything. @returns when files are locked */
async function beginFold(app: PersonsApp): Promise<{ helper: string; app: string }> {
  const { review } = await (async () => {
    await app.call("helper.start", undefined);
    await app.call("scan.start", { volume: volume.uuid });
    await app.finished("scan", volume.uuid);
    return open(app);
  })();
  await app.call("review.names", { review });
  const sum = await app.call("review.tick", {
    review,
    ticked: true,
    target: { kind: "filter", filter: NO_FILTER },
  });
  const pids = await app.pids();
  await app.call("review.fold", { review, revision: sum.revision });
  while (immutable().length === 0);
  return pids;
}
