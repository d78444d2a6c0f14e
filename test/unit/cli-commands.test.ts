import { describe, expect, it } from "vitest";
import type { StuckFile } from "../../src-helper/engine/contract.ts";
import { call, data, fakeEngine, FakeVolume, other, UUID, UUID_B } from "./cli-fake-engine.ts";

describe("stuck and repair", () => {
  const stuckFile = (id: string, origin: "refold" | "unknown", volume = UUID): StuckFile => ({
    ...{ id, volume, path: Buffer.from(`/mnt/data/${id}`), inode: 257, origin, since: 1_700_000_000_000 },
  });

  it("lists both kinds, ours first", async () => {
    const files = [stuckFile("256:1:2", "unknown"), stuckFile("256:3:4", "refold")];
    const volume = data({ stuck: () => Promise.resolve(files) });
    const { out, code } = await call(fakeEngine([volume]), ["stuck"]);
    expect(code).toBe(0);
    expect(out.indexOf("256:3:4")).toBeLessThan(out.indexOf("256:1:2"));
    const json = JSON.parse((await call(fakeEngine([volume]), ["stuck", "--json"])).out) as {
      files: object[];
    };
    expect(json.files[0]).toEqual({
      ...{ id: "256:1:2", path: "/mnt/data/256:1:2", inode: 257, origin: "unknown" },
      ...{ since: "2023-11-14T22:13:20.000Z", volume: UUID },
    });
  });

  it("gives each id to the volume that has it, and names those that none has", async () => {
    const first = data({ stuck: () => Promise.resolve([stuckFile("256:1:2", "unknown")]) });
    const repaired: (readonly string[])[] = [];
    const second = other({
      stuck: () => Promise.resolve([stuckFile("256:3:4", "unknown")]),
      repair: (ids: readonly string[]) => {
        repaired.push(ids);
        return Promise.resolve({ repaired: ids, failed: [] });
      },
    });
    const words = ["repair", "--id", "256:3:4", "--id", "9:9:9", "--json"];
    const { code, out } = await call(fakeEngine([first, second]), words);
    expect(first.called("repair")[0]?.[0]).toEqual([]);
    expect(repaired).toEqual([["256:3:4"]]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ repaired: ["256:3:4"], failed: [{ id: "9:9:9", path: "" }] });
  });

  it("unlocks nothing where an id means two files", async () => {
    const both = [data, other].map((make) =>
      make({ stuck: () => Promise.resolve([stuckFile("256:1:2", "unknown")]) }),
    );
    const { code, err } = await call(fakeEngine(both), ["repair", "--id", "256:1:2"]);
    expect(code).toBe(2);
    expect(err).toContain("256:1:2");
    for (const volume of both) expect(volume.called("repair")).toHaveLength(0);
  });
});

describe("paths for programs", () => {
  const names = [Buffer.from([0x2f, 0xff]), Buffer.from("/a\nb")];
  const files = names.map((path) => ({
    path,
    inode: 1,
    size: 4096,
    transid: 7,
    volume: UUID,
    subvolumeId: 5,
  }));

  it("find-new prints raw bytes, by lines or NULs", async () => {
    const engine = fakeEngine([], { findNew: () => files });
    const lines = await call(engine, ["find-new", "/mnt/data", "7"]);
    expect(lines.outBytes).toEqual(Buffer.concat([Buffer.from([0x2f, 0xff, 0x0a]), Buffer.from("/a\nb\n")]));
    for (const option of ["-0", "--zero-terminated"]) {
      const zeros = await call(engine, ["find-new", option, "/mnt/data"]);
      expect(zeros.outBytes).toEqual(Buffer.concat([Buffer.from([0x2f, 0xff, 0]), Buffer.from("/a\nb\0")]));
    }
  });

  it("find-new makes them safe on a terminal", async () => {
    const engine = fakeEngine([], { findNew: () => files });
    const { out } = await call(engine, ["find-new", "/mnt/data"], { outIsTerminal: true });
    expect(out).toBe("/\\xff\n/a\\x0ab\n");
  });

  it("find-new passes the generation on, and syncs with --flush", async () => {
    const asked: unknown[] = [];
    const engine = fakeEngine([], {
      findNew: (...args) => {
        asked.push(args);
        return [];
      },
      generation: (...args) => {
        asked.push(args);
        return 1;
      },
    });
    await call(engine, ["find-new", "/s", "12", "--flush"]);
    await call(engine, ["find-new", "/s"]);
    expect(asked).toEqual([
      ["/s", true],
      ["/s", 12],
      ["/s", null],
    ]);
  });

  it("size-lookup asks for exactly the size", async () => {
    const volume = data({ sizeLookup: (size: number) => (size === 1536 ? files : []) });
    const { outBytes } = await call(fakeEngine([volume]), ["size-lookup", "1.5K", "-0", "-q"]);
    expect(outBytes.toString("latin1").split("\0")).toHaveLength(3);
    expect(volume.called("scan")[0]?.[0]).toMatchObject({ minSize: 1536 });
    const json = await call(fakeEngine([volume]), ["size-lookup", "1.5K", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      files: [{ volume: UUID, path: "/\udcff" }, { path: "/a\nb" }],
    });
  });
});

describe("the rest", () => {
  const run = {
    ...{ id: 4, volume: UUID, startedAt: 1_700_000_000_000, finishedAt: null, state: "interrupted" as const },
    ...{ groups: 2, files: 3, predictedBytes: 8192, freedBytes: null, differences: [], skipped: 1 },
  };

  it("history tells runs, with --files each file", async () => {
    const volume = data({
      history: () => [run],
      historyFiles: () => [{ path: Buffer.from("/\u001bx"), inode: 3, outcome: "in-use", detail: "by vim" }],
    });
    const { out } = await call(fakeEngine([volume]), ["history", "--files"]);
    expect(out).toMatch(/4 +2023-11-1\d .*8\.0 KiB +never +3 +2 +1 +interrupted/);
    expect(out).toContain("in-use         /\\x1bx  by vim");
    const json = JSON.parse((await call(fakeEngine([volume]), ["history", "data", "--json"])).out) as object;
    expect(json).toEqual({ runs: [{ ...run, startedAt: "2023-11-14T22:13:20.000Z" }] });
  });

  it("forget asks where there is a history, and not where there is none", async () => {
    const forgotten: string[] = [];
    const forget = (uuid: string): void => void forgotten.push(uuid);
    const withHistory = fakeEngine([data({ history: () => [run] })], { forget });
    expect((await call(withHistory, ["forget", UUID])).code).toBe(2);
    expect((await call(withHistory, ["forget", UUID], { answer: "n" })).code).toBe(130);
    expect(forgotten).toEqual([]);
    expect((await call(withHistory, ["forget", UUID], { answer: "y" })).code).toBe(0);
    expect((await call(withHistory, ["forget", UUID, "--yes"])).code).toBe(0);
    expect((await call(fakeEngine([data()], { forget }), ["forget", UUID.toUpperCase()])).code).toBe(0);
    expect(forgotten).toEqual([UUID, UUID, UUID]);
    expect((await call(withHistory, ["forget", UUID_B])).code).toBe(4);
  });

  it("reset and generation do as they are told", async () => {
    const volume = data();
    expect((await call(fakeEngine([volume]), ["reset", "data"])).code).toBe(0);
    expect(volume.called("reset")).toHaveLength(1);
    const generation = await call(fakeEngine([]), ["generation", "/mnt/data", "--flush"]);
    expect(generation.out).toBe("121\n");
  });

  it("show only counts snapshots where there are many", async () => {
    const subvolumes = Array.from({ length: 40 }, (_, k) => ({
      ...{ id: 256 + k, path: Buffer.from(`s${k}`), readOnly: k > 0, snapshotOf: k > 0 ? 256 : null },
      ...{ generation: 9, scannedGeneration: null },
    }));
    const engine = fakeEngine([new FakeVolume({ ...data().summary, subvolumes })]);
    const short = await call(engine, ["show"]);
    expect(short.out).toContain("and 39 snapshots");
    expect(short.out).not.toContain("s7");
    expect((await call(engine, ["show", "--verbose"])).out).toContain("s7");
  });

  it("show tells of filesystems, mounted and remembered", async () => {
    const engine = fakeEngine([data()], { known: () => [UUID, UUID_B] });
    const { out } = await call(engine, ["show"]);
    expect(out).toContain("/mnt/data (data)");
    expect(out).toContain("3.0 GiB of 8.0 GiB, 5.0 GiB free");
    expect(out).toContain(`remembered: ${UUID_B}`);
    expect(JSON.parse((await call(engine, ["show", "--json"])).out)).toMatchObject({
      volumes: [{ uuid: UUID, subvolumes: null, lastScan: null }],
      remembered: [UUID_B],
    });
  });
});
