/** What a helper that only observes takes and tells, and that it cannot load the machine: real processes, a real volume. */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { LONGEST_PAUSE_MS, ObserveLimits } from "../../src-helper/rpc/observe-limits.ts";
import {
  METHODS,
  OBSERVE_METHODS,
  OBSERVED_SCAN,
  PROTOCOL_VERSION,
  type Method,
} from "../../src-helper/rpc/protocol.ts";
import { tryCall } from "../../src-helper/native/library.ts";
import { parseStatus } from "../../src-helper/hardening/process-state.ts";
import { LoopVolume } from "../support/volume.ts";
import { HelperClient, HelperProcess, request } from "../rpc/client.ts";

const SECRET = "a-name-nobody-should-learn";
const NOWHERE = "00000000-0000-4000-8000-000000000000";

let volume: LoopVolume;
let db: string;
beforeAll(() => {
  volume = LoopVolume.create({ size: "512M", label: "observed" });
  mkdirSync(join(volume.path, SECRET));
  for (let k = 0; k < 40; k++) {
    const content = randomBytes(100_000);
    for (const copy of ["one", "two"])
      writeFileSync(join(volume.path, SECRET, `${SECRET}-${copy}-${String(k)}`), content);
  }
  volume.sync();
});
afterAll(() => {
  volume.dispose();
});
beforeEach(() => {
  db = mkdtempSync(join(tmpdir(), "refold-observe-"));
  return () => {
    rmSync(db, { recursive: true });
  };
});

const scan = (task = "scan-1") => ({ ...OBSERVED_SCAN, exclude: [], task, volume: volume.uuid });
const observe = (env: Record<string, string> = {}) =>
  HelperClient.connect({ db, runtimeDir: db, mode: "observe", env });
/** Everything that a helper said, on both of its outputs. */
const said = (client: HelperClient): string =>
  JSON.stringify(client.helper.messages()) + client.helper.stderr;

describe("a helper that observes", () => {
  test("tells totals, and of no file a path or a name, in no message and on no output", async () => {
    const client = await observe();
    expect(client.hello).toMatchObject({ privileged: true, mode: "observe" });
    const totals = await client.call("scan", scan());
    expect(totals).toMatchObject({ groups: 40, duplicateFiles: 80 });
    const [found] = (await client.call("volumes", {})).filter(({ uuid }) => uuid === volume.uuid);
    expect(found?.lastScan).toMatchObject({ groups: 40, reclaimableBytes: totals.reclaimableBytes });
    expect(client.progress.length).toBeGreaterThan(0);
    expect(client.progress.filter(({ item }) => item !== null)).toEqual([]);
    expect(client.logs).toEqual([]);
    await client[Symbol.asyncDispose]();
    expect(said(client)).not.toContain(SECRET);
  });

  test("tells what parts of files give back as totals, too", async () => {
    const client = await observe();
    const totals = await client.call("scan", { ...scan(), deep: { memory: 2 ** 28, maxRewrite: 0.5 } });
    expect(totals.deep?.reclaimableBytes).toBeGreaterThanOrEqual(0);
    const [found] = (await client.call("volumes", {})).filter(({ uuid }) => uuid === volume.uuid);
    expect(found?.lastScan?.ranges).toEqual({ ...totals.deep, current: true });
    expect(found?.lastScan?.reclaimableBytes).toBe(totals.reclaimableBytes);
    await client[Symbol.asyncDispose]();
    expect(said(client)).not.toContain(SECRET);
  });

  test("has none of the other methods, whatever their parameters", async () => {
    const others = Object.keys(METHODS).filter(
      (name) => name !== "hello" && !(OBSERVE_METHODS as readonly string[]).includes(name),
    );
    expect(others.length).toBeGreaterThan(14);
    await using client = await observe();
    for (const name of others) {
      const refused = await client.callError(name as Method, {
        ...{ volume: volume.uuid, task: "t-1", review: "r-1", ids: [], run: 1, offset: 0, limit: 10 },
        ...{ minSize: 0, exclude: [], snapshots: true },
      });
      expect([name, refused.code, refused.message]).toEqual([
        name,
        "refused",
        expect.stringContaining("only observes"),
      ]);
    }
    expect(readdirSync(db).filter((name) => name !== "observe")).toEqual([]);
  });

  test.each([
    ["another smallest size", { minSize: 1 }],
    ["a glob, which asks whether a name is there", { exclude: [`**/${SECRET}`] }],
    ["a flush, which makes others wait", { flush: true }],
    ["a search that takes much memory", { deep: { memory: 2 ** 30, maxRewrite: 0.5 } }],
    ["a search that reads data", { deep: { memory: 2 ** 28, maxRewrite: 0.5, read: true } }],
    ["a word more", { pathGlob: null }],
  ])("does not take a scan with %s", async (_, more) => {
    await using client = await observe();
    const refused = await client.callError("scan", { ...scan(), ...more });
    expect(refused.code).toBe("refused");
    expect(readdirSync(join(db, "observe")).filter((name) => name.startsWith("scan-"))).toEqual([]);
  });

  test.each([
    ["another smallest size", { minSize: 1 }],
    ["a glob", { exclude: [`**/${SECRET}`] }],
  ])("does not count %s in its list either; it does snapshots", async (_, more) => {
    await using client = await observe();
    const selection = { minSize: OBSERVED_SCAN.minSize, exclude: [], snapshots: true };
    expect((await client.callError("volumes", { selection: { ...selection, ...more } })).code).toBe(
      "refused",
    );
    await client.call("scan", { ...scan(), snapshots: true });
    const [found] = (await client.call("volumes", { selection })).filter(({ uuid }) => uuid === volume.uuid);
    expect(found?.lastScan?.asSelected).toBeUndefined();
  });

  test("says of an error which it is, and nothing that its text names", async () => {
    const damaged = join(db, `${volume.uuid}.db`);
    mkdirSync(damaged);
    const client = await observe();
    const told = await client.callError("scan", scan());
    await client[Symbol.asyncDispose]();
    expect(told.code).toBe("permission");
    for (const text of [JSON.stringify(told), said(client)]) {
      expect(text).not.toContain(db);
      expect(text).not.toContain(volume.path.concat("/"));
    }
    // the same of one that may manage, which says where
    await using manager = await HelperClient.connect({ db });
    expect((await manager.callError("scan", scan())).message).toContain(db);
  });

  test("keeps nothing of a volume that is not there", async () => {
    await using client = await observe();
    for (let k = 0; k < 3; k++) {
      expect((await client.callError("scan", { ...scan(), volume: NOWHERE })).code).toBe("no-volume");
    }
    expect(readdirSync(join(db, "observe")).filter((name) => name.startsWith("scan-"))).toEqual([]);
  });
});

describe("it cannot load the machine", () => {
  test("one scan a minute of a volume, also by another process; a clock that was set back does not lock it out", async () => {
    await using first = await observe();
    await first.call("scan", scan());
    expect(await first.callError("scan", scan("scan-2"))).toMatchObject({ code: "busy" });
    await using second = await observe({ PKEXEC_UID: "4711" });
    const refused = await second.callError("scan", scan());
    expect(refused).toMatchObject({ code: "busy", message: "This volume was scanned a moment ago." });
    expect(refused.next).toMatch(/^Try again in \d+ seconds?\.$/);
    const stamp = join(db, "observe", `scan-${volume.uuid}`);
    const at = (seconds: number) => {
      const moment = Date.now() / 1000 + seconds;
      utimesSync(stamp, moment, moment);
    };
    at(-61);
    await second.call("scan", scan("scan-3"));
    at(3600);
    await second.call("scan", scan("scan-4"));
  });

  test("one scan at one time on the whole machine", async () => {
    await using client = await observe();
    const turn = openSync(join(db, "observe", "scan"), "w", 0o600);
    try {
      tryCall("rf_flock", turn); // as another process that scans
      expect(await client.callError("scan", scan())).toMatchObject({
        code: "busy",
        message: "Refold scans already, here or for somebody else.",
      });
    } finally {
      closeSync(turn);
    }
    // it is given back after each scan
    for (const name of ["scan-2", "scan-3"]) {
      await client.call("scan", scan(name));
      rmSync(join(db, "observe", `scan-${volume.uuid}`));
    }
  });

  test("two helpers of one user, and another user's beside", async () => {
    await using one = await observe({ PKEXEC_UID: "4711" });
    await using two = await observe({ PKEXEC_UID: "4711" });
    const third = new HelperProcess({ db, mode: "observe", env: { PKEXEC_UID: "4711" } });
    expect((await third.exited).code).not.toBe(0);
    expect(third.stderr).toContain("looks at the volumes for this user already");
    await using other = await observe({ PKEXEC_UID: "4712" });
    for (const { hello } of [one, two, other]) expect(hello.mode).toBe("observe");
    await two[Symbol.asyncDispose]();
    await using again = await observe({ PKEXEC_UID: "4711" });
    expect(again.hello.mode).toBe("observe");
  });

  test("a pause that nobody ends goes on by itself", () => {
    vi.useFakeTimers();
    const limits = ObserveLimits.take({ databaseDir: db, runtimeDir: db, environment: {} });
    try {
      const told: boolean[] = [];
      const { pause } = limits.around(
        () => {
          throw new Error("no scan here");
        },
        { pause: (_, paused) => told.push(paused) },
      );
      void pause({ task: "scan-1", paused: true }, { closing: new AbortController().signal } as never);
      vi.advanceTimersByTime(LONGEST_PAUSE_MS - 1);
      expect(told).toEqual([true]);
      vi.advanceTimersByTime(1);
      expect(told).toEqual([true, false]);
    } finally {
      limits.close();
      vi.useRealTimers();
    }
  });

  test("every thread gives way: nice 19 and idle I/O, during a scan and after it", async () => {
    await using client = await observe();
    const nices = (): number[] =>
      readdirSync(`/proc/${String(client.helper.pid)}/task`).map((thread) => {
        const stat = readFileSync(`/proc/${String(client.helper.pid)}/task/${thread}/stat`, "latin1");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
      });
    expect(new Set(nices())).toEqual(new Set([19]));
    await client.call("scan", scan());
    await client.call("volumes", {});
    expect(new Set(nices())).toEqual(new Set([19]));
  });
});

test.each(["observe", "manage"] as const)(
  "as root, a helper of mode %s gives up rights before it reads a byte",
  async (mode) => {
    const helper = new HelperProcess({ db, mode });
    helper.write(request(1, "hello", { protocol: PROTOCOL_VERSION, client: "test" }));
    for (; !helper.stderr.includes("connected");)
      await new Promise((resolve) => helper.child.stderr.once("data", resolve));
    const { bounding, noNewPrivileges, seccomp } = parseStatus(
      "main",
      readFileSync(`/proc/${String(helper.pid)}/status`, "latin1"),
    );
    expect({ noNewPrivileges, seccomp }).toEqual({ noNewPrivileges: true, seccomp: 2 });
    // CAP_LINUX_IMMUTABLE is 9
    expect((bounding & (1n << 9n)) !== 0n).toBe(mode === "manage");
    await helper[Symbol.asyncDispose]();
  },
);
