import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RefoldError, type ErrorCode } from "../../src-helper/engine/errors.ts";
import { MemorySink } from "../support/run-here.ts";
import {
  call,
  data,
  fakeEngine,
  groupOf,
  oneLine,
  other,
  paths,
  twoGroups,
  UUID,
  UUID_B,
} from "./cli-fake-engine.ts";

describe("scan", () => {
  it("prints JSON of the documented shape and nothing else", async () => {
    const { code, out, err } = await call(fakeEngine([data({ fakeGroups: twoGroups }), other()]), [
      "scan",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(err).toBe("");
    const { volumes } = JSON.parse(out) as { volumes: object[] };
    expect(volumes).toHaveLength(2);
    expect(Object.keys(volumes[0] ?? {})).toEqual([
      ...["uuid", "label", "mountPath", "generation", "incremental", "files", "bytes", "groups"],
      ...["duplicateFiles", "reclaimableBytes", "bytesRead", "elapsedMs"],
    ]);
  });

  it("prints totals for a person, nothing with --quiet", async () => {
    const { out } = await call(fakeEngine([data({ fakeGroups: twoGroups })]), ["scan"]);
    expect(out).toContain("reclaimable  12.0 KiB");
    expect(out).toContain("30,021 files");
    expect((await call(fakeEngine([data()]), ["scan", "-q"])).out).toBe("");
  });

  it("goes on with the next volume and ends with the worst code", async () => {
    const broken = data({
      scan: () => Promise.reject(new RefoldError("busy", "another run (pid 7) holds it")),
    });
    const good = other();
    const { code, out, err } = await call(fakeEngine([broken, good]), [
      "scan",
      "data",
      "nowhere",
      "other",
      "--json",
    ]);
    expect(code).toBe(4);
    expect(err).toContain("nowhere");
    expect(err).toContain("/mnt/data: another run (pid 7) holds it");
    expect(JSON.parse(out)).toMatchObject({
      volumes: [{ uuid: UUID_B }],
      errors: [{ code: "no-volume" }, { volume: UUID, code: "busy" }],
    });
    expect([broken.open, good.open]).toEqual([0, 0]);
  });

  it.each<[ErrorCode, number]>([
    ["usage", 2],
    ["permission", 3],
    ["no-volume", 4],
    ["busy", 1],
    ["failed", 1],
    ["cancelled", 130],
  ])("maps the error %s to %d", async (code, exit) => {
    const volume = data({
      scan: () =>
        Promise.reject(new RefoldError(code, "it went\nwrong", { kept: "All is safe", next: "Do this." })),
    });
    const result = await call(fakeEngine([volume]), ["scan"]);
    expect(result.code).toBe(exit);
    expect(result.err).toBe("refold: /mnt/data: it went wrong. All is safe. Do this.\n");
    expect(volume.open).toBe(0);
  });

  it("shows the stack of an unexpected error with --verbose only", async () => {
    const volume = data({ scan: () => Promise.reject(new TypeError("x is not y")) });
    const plain = await call(fakeEngine([volume]), ["scan"]);
    expect(plain.code).toBe(1);
    expect(plain.err).toSatisfy(oneLine);
    expect((await call(fakeEngine([volume]), ["scan", "--verbose"])).err).toMatch(/\n\s+at /);
  });

  it("says so where no filesystem is mounted", async () => {
    const { code, err } = await call(fakeEngine([]), ["scan"]);
    expect(code).toBe(4);
    expect(err).toSatisfy(oneLine);
  });
});

describe("groups", () => {
  it("scans first where there is no scan, and says so", async () => {
    const volume = data({ fakeGroups: twoGroups });
    const first = await call(fakeEngine([volume]), ["groups", "--json"]);
    expect(volume.called("scan")).toHaveLength(1);
    expect(first.err).toContain("scanning");
    const second = await call(fakeEngine([volume]), ["groups", "--json"]);
    expect(volume.called("scan")).toHaveLength(1);
    expect(second.err).toBe("");
  });

  it("prints one object a line, undecodable bytes kept", async () => {
    const { out } = await call(fakeEngine([data({ fakeGroups: twoGroups })]), ["groups", "--json"]);
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      volume: UUID,
      id: "g8192",
      size: 8192,
      reclaimableBytes: 8192,
    });
    expect(lines[1]).toContain('"path":"/\\udcff"');
    const { files } = JSON.parse(lines[1] ?? "") as { files: object[] };
    for (const key of ["subvolume", "path", "inode", "readOnly", "shared"])
      expect(files[0]).toHaveProperty(key);
  });

  it("shows saving, size, copies and the paths made safe", async () => {
    const { out } = await call(fakeEngine([data({ fakeGroups: twoGroups })]), ["groups"]);
    expect(out.split("\n").slice(0, 4)).toEqual([
      "    saving        size  copies",
      "   8.0 KiB     8.0 KiB       3",
      "    /mnt/data/a",
      "    /mnt/data/b",
    ]);
    expect(out).toContain("    /\\xff\n    /x\\x0ay\n");
    expect(out).toContain("2 groups, 12.0 KiB reclaimable");
  });

  it("makes one list of several volumes, largest saving first, up to the limit", async () => {
    const mine = data({ fakeGroups: twoGroups });
    const theirs = other({ fakeGroups: [6000, 5000, 10].map((n) => groupOf(UUID_B, n, paths("/1", "/2"))) });
    const { out } = await call(fakeEngine([mine, theirs]), ["groups", "--json", "--limit", "4"]);
    const savings = out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { size: number }).size);
    expect(savings).toEqual([8192, 6000, 5000, 4096]);
  });

  it("passes the globs on", async () => {
    const volume = data({ fakeGroups: twoGroups });
    await call(fakeEngine([volume]), ["groups", "--path", "*.iso", "--limit", "7"]);
    expect(volume.called("groups")[0]).toEqual([expect.objectContaining({ pathGlob: "*.iso" }), 7]);
  });

  it("stops quietly when the reader goes away", async () => {
    const out = new MemorySink();
    let asked = 0;
    const volume = data({
      groups: function* () {
        for (;;) {
          asked += 1;
          if (asked === 3) out.closed = true;
          if (asked > 10) throw new Error("still asked for more");
          yield groupOf(UUID, 5000, paths("/1", "/2"));
        }
      },
    });
    const { code, err } = await call(fakeEngine([volume]), ["groups", "--json", "-q"], { out });
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(asked).toBeLessThan(6);
    expect(volume.open).toBe(0);
  });

  it("lets a signal in while a synchronous source goes on", async () => {
    const signals = new EventEmitter();
    setTimeout(() => signals.emit("SIGTERM", "SIGTERM"), 100);
    const volume = data({
      groups: function* () {
        const end = performance.now() + 20_000;
        while (performance.now() < end) yield groupOf(UUID, 5000, paths("/1", "/2"));
      },
    });
    const started = performance.now();
    const { code } = await call(fakeEngine([volume]), ["groups", "--json"], { signals });
    expect(code).toBe(143);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
