/** Each method on a real volume, and what ends a connection rightly. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import { exec } from "../support/exec.ts";
import { immutablePaths } from "../support/immutable.ts";
import { REFOLD, refold } from "../support/run.ts";
import type { LoopVolume } from "../support/volume.ts";
import { HelperClient, HelperProcess } from "./client.ts";
import { scanParams, volumeOfPairs } from "./support.ts";

const PAIRS = { count: 40, size: 20_000 };

describe("a helper with root's rights", () => {
  let volume: LoopVolume;
  let helper: HelperClient;

  beforeAll(async () => {
    volume = volumeOfPairs(PAIRS);
    volume.snapshot("data", "monday", { readOnly: true });
    volume.sync();
    helper = await HelperClient.connect({ db: volume.beside("db") });
  });
  afterAll(async () => {
    await helper[Symbol.asyncDispose]();
    expect(() => helper.helper.messages()).not.toThrow();
    volume.dispose();
  });

  const info = async (): Promise<VolumeInfo> => {
    const found = (await helper.call("volumes", {})).find(({ uuid }) => uuid === volume.uuid);
    if (found === undefined) throw new Error("the volume is not among those listed");
    return found;
  };

  test("says what it is", () => {
    expect(helper.hello).toMatchObject({ privileged: true, pid: helper.helper.pid });
  });

  test("volumes: before a scan", async () => {
    const { totalBytes, usedBytes, freeBytes, generation, ...rest } = await info();
    expect(rest).toEqual({
      uuid: volume.uuid,
      label: "pairs",
      devices: [volume.device],
      mounts: [{ path: volume.path, root: "/", readOnly: false }],
      mountPath: volume.path,
      readOnly: false,
      compression: null,
      dataProfile: "single",
      checksum: "crc32c",
      subvolumes: 2,
      snapshots: 1,
      lastScan: null,
      openIntents: 0,
      demo: false,
    });
    expect(totalBytes).toBe(2 * 2 ** 30);
    expect(usedBytes).toBeGreaterThan(2 * PAIRS.count * PAIRS.size);
    expect(freeBytes).toBeGreaterThan(0);
    expect(generation).toBeGreaterThan(0);
  });

  test("scan: totals, and progress that ends where the work ended", async () => {
    const totals = await helper.call("scan", scanParams(volume.uuid));
    expect(totals).toMatchObject({ uuid: volume.uuid, incremental: false, groups: PAIRS.count });
    const phases = helper.progress.filter(({ task }) => task === "scan").map(({ phase }) => phase);
    expect(phases[0]).toBe("sync");
    expect(phases.length).toBeGreaterThan(0);
  });

  test("scan: what is excluded does not count", async () => {
    const params = { ...scanParams(volume.uuid), exclude: ["**/folder-0"] };
    const { groups } = await helper.call("scan", params);
    expect(groups).toBe(PAIRS.count - Math.ceil(PAIRS.count / 16));
  });

  test("volumes: with the last scan, and again without opening it", async () => {
    const first = await info();
    const size = Math.ceil(PAIRS.size / 4096) * 4096;
    expect(first.lastScan).toMatchObject({
      groups: PAIRS.count,
      // the snapshot holds both copies of each pair
      reclaimableBytes: 0,
      pinnedBytes: PAIRS.count * size,
    });
    expect(await info()).toEqual(first);
  });

  test("volumes: a new subvolume and another process's scan are seen", async () => {
    volume.createSubvolume("later");
    writeFileSync(join(volume.path, "later/new"), "x".repeat(10_000));
    volume.sync();
    const before = await info();
    expect(before.subvolumes).toBe(3);
    (await refold(["scan", volume.path, "--db", volume.beside("db"), "--flush"])).expectCode(0);
    const after = await info();
    expect(after.lastScan?.at).toBeGreaterThan(before.lastScan?.at ?? Infinity);
    expect(after.lastScan?.files).toBe((before.lastScan?.files ?? 0) + 1);
  });

  test("stuck and repair: an unknown one is listed, and mended only when it is named", async () => {
    const path = join(volume.path, "data/folder-0/0-a");
    exec("chattr", ["+i", path]);
    const stuck = await helper.call("stuck", { task: "stuck", volume: volume.uuid });
    expect(stuck.map((file) => ({ path: file.path, origin: file.origin }))).toEqual([
      { path, origin: "unknown" },
    ]);
    const none = await helper.call("repair", { task: "repair", volume: volume.uuid, ids: [] });
    expect(none).toEqual({ repaired: [], failed: [] });
    expect(immutablePaths(volume.path)).toEqual([path]);
    const ids = stuck.map(({ id }) => id);
    const mended = await helper.call("repair", { task: "repair", volume: volume.uuid, ids });
    expect(mended).toEqual({ repaired: ids, failed: [] });
    expect(immutablePaths(volume.path)).toEqual([]);
    const again = await helper.call("repair", { task: "repair", volume: volume.uuid, ids });
    expect(again.failed.map(({ id }) => id)).toEqual(ids);
  });

  test("history: runs and their files, by pages", async () => {
    expect(await helper.call("history", { volume: volume.uuid })).toEqual([]);
    const words = ["dedup", volume.path, "--yes", "--db", volume.beside("db"), "--json"];
    (await refold(words)).expectCode(0);
    const [run, ...others] = await helper.call("history", { volume: volume.uuid });
    expect(others).toEqual([]);
    expect(run).toMatchObject({ state: "done", files: PAIRS.count, volume: volume.uuid });
    const page = (offset: number, limit: number): ReturnType<typeof helper.call<"history.files">> =>
      helper.call("history.files", { volume: volume.uuid, run: run?.id ?? -1, offset, limit });
    const all = await page(0, 500);
    expect(all.total).toBe(PAIRS.count);
    expect(all.files.every(({ outcome }) => outcome === "folded")).toBe(true);
    expect((await page(5, 7)).files).toEqual(all.files.slice(5, 12));
    expect((await page(1000, 7)).files).toEqual([]);
    expect(
      (await helper.call("history.files", { volume: volume.uuid, run: 99, offset: 0, limit: 5 })).total,
    ).toBe(0);
  });

  test("a scan that pauses holds, keeps others out, goes on when it may", async () => {
    for (let k = 0; k < 500; k++) writeFileSync(join(volume.path, `later/${k}`), `${k}`.repeat(2000));
    const { done } = await helper.callPaused("scan", scanParams(volume.uuid, "held"));
    expect((await helper.callError("scan", scanParams(volume.uuid, "other"))).code).toBe("busy");
    expect((await helper.callError("scan", scanParams(volume.uuid, "held"))).code).toBe("refused");
    expect((await info()).lastScan?.files).toBeGreaterThan(0);
    await helper.call("pause", { task: "held", paused: false });
    expect((await done).files).toBe(4 * PAIRS.count + 501);
    expect((await helper.callError("pause", { task: "held", paused: true })).code).toBe("refused");
  });

  test("a scan that is cancelled while it pauses ends as cancelled, and the next one may begin", async () => {
    const before = await info();
    // so that it has something to do
    for (let k = 0; k < 500; k++) writeFileSync(join(volume.path, `later/more-${k}`), `${k}`.repeat(3000));
    const { done } = await helper.callPaused("scan", scanParams(volume.uuid, "cut"));
    await helper.call("cancel", { task: "cut" });
    await expect(done).rejects.toMatchObject({ data: { code: "cancelled" } });
    expect((await info()).lastScan).toEqual(before.lastScan);
    await helper.call("scan", scanParams(volume.uuid, "after"));
  });

  test("another process that holds the volume is named", async () => {
    await using second = await HelperClient.connect({ db: volume.beside("other-db") });
    const { done } = await second.callPaused("scan", scanParams(volume.uuid, "hold"));
    const error = await helper.callError("scan", scanParams(volume.uuid, "blocked"));
    expect(error.code).toBe("busy");
    expect(error.message).toContain(`process ${second.helper.pid}`);
    await second.call("pause", { task: "hold", paused: false });
    await done;
  });
});

describe("compression", () => {
  test("is told from the mount's options", async () => {
    using volume = volumeOfPairs({ count: 1, size: 5000 });
    volume.remount("compress-force=zstd:3");
    await using helper = await HelperClient.connect({ db: volume.beside("db") });
    const found = (await helper.call("volumes", {})).find(({ uuid }) => uuid === volume.uuid);
    expect(found?.compression).toBe("zstd:3");
  });
});

describe("a helper without rights", () => {
  test("lists what everybody may know, and does nothing else", async () => {
    using volume = volumeOfPairs({ count: 2, size: 5000 });
    const db = volume.beside("db");
    exec("chmod", ["755", volume.directory]);
    await using helper = await HelperClient.connect({ db, unprivileged: true });
    expect(helper.hello.privileged).toBe(false);
    const found = (await helper.call("volumes", {})).find(({ uuid }) => uuid === volume.uuid);
    expect(found).toMatchObject({ label: "pairs", mountPath: volume.path });
    expect(found).toMatchObject({
      ...{ subvolumes: null, snapshots: null, lastScan: null, dataProfile: null, openIntents: null },
    });
    for (const error of [
      await helper.callError("scan", scanParams(volume.uuid)),
      await helper.callError("stuck", { task: "t", volume: volume.uuid }),
      await helper.callError("repair", { task: "t", volume: volume.uuid, ids: [] }),
      await helper.callError("history", { volume: volume.uuid }),
      await helper.callError("review.open", {
        volume: volume.uuid,
        minSize: 1,
        exclude: [],
        snapshots: false,
      }),
      await helper.callError("demo.create", { task: "t" }),
      await helper.callError("demo.remove", {}),
      await helper.callError("cancel", { task: "t" }),
    ]) {
      expect(error.code).toBe("permission");
    }
    expect(existsSync(db)).toBe(false);
  });
});

describe("the end", () => {
  test("of input: a scan under way is cancelled, and the volume is free", async () => {
    using volume = volumeOfPairs(PAIRS);
    const db = volume.beside("db");
    const helper = await HelperClient.connect({ db });
    const { done } = await helper.callPaused("scan", scanParams(volume.uuid));
    helper.helper.closeInput();
    expect(await helper.helper.exited).toEqual({ code: 0, signal: null });
    await expect(done).rejects.toMatchObject({ data: { code: "cancelled" } });
    (await refold(["scan", volume.path, "--db", db])).expectCode(0);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const)("by %s: exit code %i", async (signal, code) => {
    using volume = volumeOfPairs({ count: 2, size: 5000 });
    const helper = await HelperClient.connect({ db: volume.beside("db") });
    helper.helper.kill(signal);
    expect(await helper.helper.exited).toEqual({ code, signal: null });
  });

  test("of whoever reads its output", async () => {
    using volume = volumeOfPairs({ count: 2, size: 5000 });
    const helper = new HelperProcess({ db: volume.beside("db") });
    helper.child.stdout.destroy();
    helper.write("Content-Length: 2\r\n\r\n{}");
    expect((await helper.exited).signal).toBeNull();
  });

  test("comes at once where output is no pipe: it is not for people", () => {
    expect(exec("sh", ["-c", '"$0" rpc >/dev/null </dev/null; echo "code $?"', REFOLD])).toBe("code 2\n");
  });
});
