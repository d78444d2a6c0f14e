/** Live scans of the helper: what they find, and that they leave no trace where they find nothing. Real volumes. */
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OBSERVED_SCAN, type Params, type Result } from "../../src-helper/rpc/protocol.ts";
import { readTransactions } from "../../src-main/live/generation.ts";
import { HelperClient } from "../rpc/client.ts";
import { exec } from "../support/exec.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";

let volume: LoopVolume;
let db: string;
let number = 0;
beforeEach(() => {
  volume = LoopVolume.create({ size: "400M" });
  db = mkdtempSync(join(tmpdir(), "refold-live-"));
  duplicate("first");
});
afterEach(() => {
  volume.dispose();
  rmSync(db, { recursive: true, force: true });
});

/** Two files of one content, on the disk. */
function duplicate(name: string): void {
  const content = randomBytes(100_000);
  for (const copy of ["one", "two"]) writeFileSync(join(volume.path, `${name}-${copy}`), content);
  volume.sync();
}

function scan(client: HelperClient, more: Partial<Params<"scan">> = { live: true }): Promise<Result<"scan">> {
  const task = `scan-${String(++number)}`;
  return client.call("scan", { ...OBSERVED_SCAN, exclude: [], task, volume: volume.uuid, ...more });
}

const DEEP = { memory: 2 ** 24, maxRewrite: 0.5 };

async function parts(client: HelperClient): Promise<{ reclaimableBytes: number; current: boolean } | null> {
  const found = (await client.call("volumes", {})).find(({ uuid }) => uuid === volume.uuid);
  const ranges = found?.lastScan?.ranges;
  return ranges === undefined ? null : { reclaimableBytes: ranges.reclaimableBytes, current: ranges.current };
}

describe("parts of files", () => {
  test("are out of date after a live scan that does not look for them, and current after one that does", async () => {
    const content = randomBytes(2 ** 20);
    const overlap = (name: string): void => {
      writeFileSync(join(volume.path, name), Buffer.concat([randomBytes(65_536), content]));
      volume.sync();
    };
    overlap("part one");
    overlap("part two");
    await using helper = await HelperClient.connect({ db });
    await scan(helper);
    expect(await parts(helper)).toBeNull();
    expect((await scan(helper, { live: true, deep: DEEP })).unchanged).toBeUndefined();
    const first = await parts(helper);
    expect(first).toMatchObject({ current: true });
    expect(first?.reclaimableBytes).toBeGreaterThan(900_000);
    // neither kind has anything to do then
    expect(await scan(helper)).toMatchObject({ unchanged: true });
    expect(await scan(helper, { live: true, deep: DEEP })).toMatchObject({ unchanged: true });
    overlap("part three");
    await scan(helper);
    expect(await parts(helper)).toEqual({ ...first, current: false });
    await scan(helper, { live: true, deep: DEEP });
    const after = await parts(helper);
    expect(after?.current).toBe(true);
    expect(after?.reclaimableBytes).toBeGreaterThan((first?.reclaimableBytes ?? 0) + 900_000);
  });
});

describe("a live scan", () => {
  test("that finds nothing new does not touch the index, and tells the totals of the one before", async () => {
    await using helper = await HelperClient.connect({ db });
    const first = await scan(helper);
    expect(first).toMatchObject({ groups: 1, incremental: false });
    expect(first.unchanged).toBeUndefined();
    const before = statSync(db, { bigint: true }).mtimeNs;
    appendFileSync(join(volume.path, "first-one"), ""); // no change at all
    volume.sync();
    expect(await scan(helper)).toMatchObject({ groups: 1, unchanged: true, incremental: true, bytesRead: 0 });
    // to open an index makes and removes its log
    expect(statSync(db, { bigint: true }).mtimeNs).toBe(before);
  });

  test.each<[string, () => void, number]>([
    [
      "a new pair",
      () => {
        duplicate("second");
      },
      2,
    ],
    [
      "a file that grew",
      () => {
        appendFileSync(join(volume.path, "first-one"), "x");
      },
      0,
    ],
    [
      "a file that went",
      () => {
        rmSync(join(volume.path, "first-two"));
      },
      0,
    ],
    [
      "a snapshot that may not be changed, which keeps what it holds",
      () => {
        exec("btrfs", ["subvolume", "snapshot", "-r", volume.path, join(volume.path, "snapshot")]);
      },
      1,
    ],
  ])("sees %s", async (_, change, groups) => {
    await using helper = await HelperClient.connect({ db });
    await scan(helper);
    change();
    volume.sync();
    const after = await scan(helper);
    expect(after.unchanged).toBeUndefined();
    expect(after.groups).toBe(groups);
    expect(await scan(helper)).toMatchObject({ groups, unchanged: true });
  });

  test("sees a snapshot that went, and one that became read-only", async () => {
    const snapshot = join(volume.path, "snapshot");
    exec("btrfs", ["subvolume", "snapshot", volume.path, snapshot]);
    volume.sync();
    await using helper = await HelperClient.connect({ db });
    await scan(helper);
    expect((await scan(helper)).unchanged).toBe(true);
    exec("btrfs", ["property", "set", snapshot, "ro", "true"]);
    volume.sync();
    expect((await scan(helper)).unchanged).toBeUndefined();
    expect((await scan(helper)).unchanged).toBe(true);
    exec("btrfs", ["subvolume", "delete", "-c", snapshot]);
    volume.sync();
    expect((await scan(helper)).unchanged).toBeUndefined();
  });

  test("is done where another process scanned in between, or nothing is known yet", async () => {
    await using helper = await HelperClient.connect({ db });
    await scan(helper);
    duplicate("second");
    expect((await refold(["scan", volume.path, "--db", db])).code).toBe(0);
    const after = await scan(helper);
    expect(after).toMatchObject({ groups: 2 });
    expect(after.unchanged).toBeUndefined();
    await using second = await HelperClient.connect({ db });
    expect((await scan(second)).unchanged).toBeUndefined();
    expect((await scan(second)).unchanged).toBe(true);
  });

  test("its own databases on the volume are no news: nothing goes round", async () => {
    const own = join(volume.path, "var", "refold");
    mkdirSync(own, { recursive: true, mode: 0o700 });
    volume.sync();
    await using helper = await HelperClient.connect({ db: own });
    // makes the journal too
    expect((await refold(["dedup", volume.path, "--db", own, "--yes"])).code).toBe(0);
    duplicate("second");
    await scan(helper);
    await helper.call("volumes", {});
    volume.sync();
    const scanned = readTransactions(volume.uuid)?.generation;
    expect(await scan(helper)).toMatchObject({ groups: 1, unchanged: true });
    volume.sync();
    expect(readTransactions(volume.uuid)?.generation).toBe(scanned);
    // and beside them others are seen
    duplicate("third");
    const after = await scan(helper);
    expect(after).toMatchObject({ groups: 2 });
    expect(after.unchanged).toBeUndefined();
  });

  test("leaves the helper's priority as it was", async () => {
    await using helper = await HelperClient.connect({ db });
    const before = priorityOf(helper.helper.pid);
    await scan(helper);
    expect(priorityOf(helper.helper.pid)).toBe(before);
  });
});

test("a helper that observes: a live scan four times a minute at most, more seldom where one takes long; who asks does not wait for it", async () => {
  await using helper = await HelperClient.connect({ db, runtimeDir: join(db, "run"), mode: "observe" });
  const stamp = (kind: string, secondsAgo: number, tookMs: number): void => {
    const path = join(db, "run", "observe", `${kind}-${volume.uuid}`);
    const moment = Date.now() / 1000 - secondsAgo;
    writeFileSync(path, String(tookMs));
    utimesSync(path, moment, moment);
  };
  const refused = async (more: { live?: boolean }): Promise<string> => {
    const task = `scan-${String(++number)}`;
    const error = await helper.callError("scan", {
      ...OBSERVED_SCAN,
      exclude: [],
      task,
      volume: volume.uuid,
      ...more,
    });
    return error.code;
  };
  await scan(helper);
  expect(await refused({ live: true })).toBe("busy");
  await scan(helper, {});
  stamp("live", 61, 0);
  expect(await refused({ live: true })).toBe("busy");
  expect(await refused({})).toBe("busy");
  stamp("scan", 30, 2000);
  expect(await refused({ live: true })).toBe("busy");
  stamp("scan", 30, 1000);
  expect((await scan(helper)).unchanged).toBe(true);
  stamp("live", 16, 1000);
  expect(await refused({ live: true })).toBe("busy");
  stamp("live", 16, 100);
  expect((await scan(helper)).unchanged).toBe(true);
  // a minute is enough, whatever one took
  stamp("live", 61, 600_000);
  expect((await scan(helper)).unchanged).toBe(true);
});

function priorityOf(pid: number): string {
  return exec("ps", ["-o", "ni=", "-p", String(pid)]).trim() + exec("ionice", ["-p", String(pid)]).trim();
}
