import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StuckFileInfo, VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import { oneLine, rateLimited } from "../../src-main/app/log.ts";
import { createStateStore } from "../../src-main/app/state-store.ts";
import { countStuck, stuckAfterList, withCounts } from "../../src-main/app/stuck-files.ts";
import { createVolumeWatch } from "../../src-main/app/volumes.ts";
import type { AppState } from "../../src-main/ipc/state.ts";
import { DEFAULT_SETTINGS } from "../../src-main/settings/schema.ts";

const INITIAL: AppState = {
  version: "0",
  helper: { status: "starting", error: null },
  volumes: null,
  tasks: [],
  stuck: {},
  settings: DEFAULT_SETTINGS,
  locale: "en",
  tray: false,
  nextScan: null,
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the state", () => {
  it("gathers the changes of a moment into one message, which is the newest", () => {
    const store = createStateStore(INITIAL);
    const told: AppState[] = [];
    store.subscribe((state) => told.push(state));
    for (let k = 0; k < 100; k++) store.patch({ version: String(k) });
    store.patch({ tray: true });
    expect([store.get().version, told.length]).toEqual(["99", 0]);
    vi.advanceTimersByTime(100);
    expect(told.map(({ version, tray }) => [version, tray])).toEqual([["99", true]]);
    store.patch({ tray: false });
    vi.advanceTimersByTime(100);
    expect(told).toHaveLength(2);
    expect(INITIAL.version).toBe("0");
  });

  it("says nothing of quiet changes, and has them in the next message", () => {
    const store = createStateStore(INITIAL);
    const told: AppState[] = [];
    const end = store.subscribe((state) => told.push(state));
    store.patchQuietly({ version: "quiet" });
    vi.advanceTimersByTime(1000);
    expect([told.length, store.get().version]).toEqual([0, "quiet"]);
    store.patch({ tray: true });
    vi.advanceTimersByTime(100);
    expect(told[0]?.version).toBe("quiet");
    end();
    store.patch({ tray: false });
    vi.advanceTimersByTime(100);
    expect(told).toHaveLength(1);
  });
});

describe("the list of volumes", () => {
  const btrfs = (path: string): string => `36 35 0:31 / ${path} rw - btrfs /dev/loop0 rw\n`;

  function setUp() {
    let mounts = btrfs("/a");
    const lists: (() => void)[] = [];
    const errors: unknown[] = [];
    const watch = createVolumeWatch({
      list: () =>
        new Promise((resolve) => {
          lists.push(() => {
            resolve([]);
          });
        }),
      mounts: () => Promise.resolve(mounts),
      onList: () => undefined,
      onError: (error) => errors.push(error),
      now: () => Date.now(),
    });
    const answer = async (): Promise<void> => {
      await vi.advanceTimersByTimeAsync(0);
      lists.at(-1)?.();
      await vi.advanceTimersByTimeAsync(0);
    };
    return { watch, lists, errors, answer, setMounts: (text: string) => (mounts = text) };
  }

  it("is asked for once at a time, and once more where it was asked for meanwhile", async () => {
    const { watch, lists, answer } = setUp();
    const all = [1, 2, 3].map(() => watch.refresh());
    await answer();
    expect(lists).toHaveLength(2);
    await answer();
    await Promise.all(all);
    expect(lists).toHaveLength(2);
  });

  it("is polled only while somebody looks: at a new mount, and every half minute", async () => {
    const { watch, lists, answer, setMounts } = setUp();
    void watch.refresh();
    await answer();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(lists).toHaveLength(1);
    watch.setVisible(true);
    await answer();
    expect(lists).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(lists).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5_000);
    await answer();
    expect(lists).toHaveLength(3);
    setMounts(`${btrfs("/a")}${btrfs("/b")}`);
    await vi.advanceTimersByTimeAsync(5_000);
    await answer();
    expect(lists).toHaveLength(4);
    // no filesystem of ours: not worth a question
    setMounts(`${btrfs("/a")}${btrfs("/b")}40 35 0:40 / /t rw - tmpfs tmpfs rw\n`);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(lists).toHaveLength(4);
    watch.setVisible(false);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(lists).toHaveLength(4);
  });

  it("that cannot be had is told, and asked for again", async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const watch = createVolumeWatch({
      list: () => {
        calls += 1;
        return Promise.reject(new Error("no"));
      },
      mounts: () => Promise.resolve(""),
      onList: () => undefined,
      onError: (error) => errors.push(error),
    });
    await watch.refresh();
    await watch.refresh();
    expect([calls, errors.length]).toEqual([2, 2]);
  });
});

describe("counts of stuck files", () => {
  const volume = (uuid: string, openIntents: number | null) => ({ uuid, openIntents }) as VolumeInfo;
  const idle = (): boolean => false;

  it("are of ours and of unknown ones, and none are no entry", () => {
    const files = ["refold", "unknown", "refold"].map((origin) => ({ origin }) as StuckFileInfo);
    expect(countStuck(files)).toEqual({ ours: 2, unknown: 1 });
    expect(withCounts({}, "v", { ours: 2, unknown: 1 })).toEqual({ v: { ours: 2, unknown: 1 } });
    expect(withCounts({ v: { ours: 2, unknown: 1 } }, "v", { ours: 0, unknown: 0 })).toEqual({});
  });

  it("are looked up where the journal has entries that were not counted, and nobody works", () => {
    const list = [volume("a", 3), volume("b", 0), volume("c", null), volume("d", 2), volume("e", 5)];
    const counted = new Map([["d", 2]]);
    expect(stuckAfterList({}, list, counted, (uuid) => uuid === "e").list).toEqual(["a"]);
    expect(stuckAfterList({}, [volume("d", 1)], counted, idle).list).toEqual(["d"]);
  });

  it("of ours go when the journal is empty; unknown ones stay", () => {
    const counts = { a: { ours: 3, unknown: 0 }, b: { ours: 1, unknown: 2 }, c: { ours: 1, unknown: 0 } };
    const list = [volume("a", 0), volume("b", 0), volume("c", null)];
    expect(stuckAfterList(counts, list, new Map(), idle).counts).toEqual({
      b: { ours: 0, unknown: 2 },
      c: { ours: 1, unknown: 0 },
    });
    expect(stuckAfterList(counts, list, new Map(), () => true).counts).toBe(counts);
  });
});

describe("the log", () => {
  it("takes what others say as one short line", () => {
    expect(oneLine("a\nb\u001b[31m\u202e\ud800")).toBe("a\\u000ab\\u001b[31m\\u202e\\ud800");
    expect(oneLine("x".repeat(500), 10)).toBe("xxxxxxxxxx…");
  });

  it("takes so many a minute, and says how many were left out", () => {
    let now = 0;
    const lines: string[] = [];
    const write = rateLimited(
      (line) => lines.push(line),
      2,
      () => now,
    );
    for (const text of ["a", "b", "c", "d"]) write(text);
    now = 60_000;
    write("e");
    expect(lines).toEqual(["a", "b", "2 more like the last were left out", "e"]);
  });
});
