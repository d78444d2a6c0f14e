import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import type { FoldResult, StuckFile } from "../../src-helper/engine/contract.ts";
import { buildProgram } from "../../src-helper/cli/commands/definitions.ts";
import { RefoldError, type ErrorCode } from "../../src-helper/engine/errors.ts";
import {
  call,
  fakeEngine,
  FakeVolume,
  groupOf,
  MemorySink,
  summaryOf,
  UUID,
  UUID_B,
} from "./cli-fake-engine.ts";

const data = (parts = {}): FakeVolume => new FakeVolume(summaryOf(UUID, "data", "/mnt/data"), parts);
const other = (parts = {}): FakeVolume => new FakeVolume(summaryOf(UUID_B, "other", "/mnt/other"), parts);
const paths = (...names: string[]): Buffer[] => names.map((name) => Buffer.from(name));
const twoGroups = [
  groupOf(UUID, 8192, paths("/mnt/data/a", "/mnt/data/b", "/mnt/data/c")),
  groupOf(UUID, 4096, [Buffer.from([0x2f, 0xff]), Buffer.from("/x\ny")]),
];
const foldResult = (parts: Partial<FoldResult>): FoldResult => ({
  ...{ uuid: UUID, runId: 3, groups: 1, files: 1, predictedBytes: 4096, freedBytes: 4096, elapsedMs: 5 },
  ...{ skipped: [], cancelled: false },
  ...parts,
});
const oneLine = (text: string): boolean => /^refold: [^\n]+\n$/.test(text);

describe("usage errors", () => {
  it.each([
    [["--nonsense"]],
    [["scan", "--nonsense"]],
    [["frobnicate"]],
    [["scan", "--min-size", "4X"]],
    [["scan", "--min-size"]],
    [["groups", "--limit", "0"]],
    [["groups", "--limit", "-3"]],
    [["dedup", "--lock", "chain"]],
    [["dedup-files", "/a"]],
    [["find-new"]],
    [["find-new", "/a", "x"]],
    [["generation", "/a", "/b"]],
    [["size-lookup", "many"]],
    [["scan", "--exclude", ""]],
    [["scan", "--quiet", "--verbose"]],
    [["generation", "/a", "--exclude", "*.iso"]],
    [["--no-crossvol", "stuck"]],
    [["--flush", "reset", "data"]],
  ])("%j ends with 2 and one line", async (words) => {
    const { code, out, err, loaded } = await call(fakeEngine([data()]), words);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toSatisfy(oneLine);
    expect(loaded).toBe(false);
  });

  it("names the option that a command does not take", async () => {
    const { err } = await call(fakeEngine([]), ["reset", "data", "--exclude", "x", "--no-flush"]);
    expect(err).toContain("'refold reset' takes no --exclude, --no-flush");
  });
});

describe("without root", () => {
  it("says how, with the words of the call", async () => {
    const { code, err, loaded } = await call(fakeEngine([]), ["scan", "--exclude", "a b*", "/mnt/it's"], {
      isRoot: false,
    });
    expect(code).toBe(3);
    expect(err).toSatisfy(oneLine);
    expect(err).toContain(`needs root: sudo refold scan --exclude 'a b*' '/mnt/it'\\''s'`);
    expect(loaded).toBe(false);
  });

  it.each(["--help", "--version"])("prints %s, and loads nothing", async (word) => {
    const { code, out, err, loaded } = await call(fakeEngine([]), [word], { isRoot: false });
    expect(code).toBe(0);
    expect(out).toContain("refold");
    expect(err).toBe("");
    expect(loaded).toBe(false);
  });

  it("prints help for each command", async () => {
    const { out } = await call(fakeEngine([]), ["--help"], { isRoot: false });
    const commands = buildProgram(() => Promise.resolve(), "0").commands.map((command) => command.name());
    for (const command of commands) expect(out).toMatch(new RegExp(`^ {2}${command} `, "m"));
    for (const command of commands) {
      const help = await call(fakeEngine([]), [command, "--help"], { isRoot: false });
      expect(help.code, command).toBe(0);
      expect(help.out, command).toMatch(/^Usage: refold /);
    }
  });

  it("shows what it can, for a name too", async () => {
    const { code, out } = await call(fakeEngine([data(), other()]), ["show", "other"], { isRoot: false });
    expect(code).toBe(0);
    expect(out).toContain(UUID_B);
    expect(out).not.toContain(UUID);
    const missing = await call(fakeEngine([data()]), ["show", "nowhere", "data"], { isRoot: false });
    expect(missing.code).toBe(4);
    expect(missing.out).toContain(UUID);
    expect(missing.err).toContain("nowhere");
  });
});

describe("common options", () => {
  it.each([
    [
      [
        "--db",
        "/d",
        "--min-size",
        "1M",
        "--exclude",
        "*.a",
        "--exclude",
        "*.b",
        "--no-crossvol",
        "--flush",
        "scan",
      ],
    ],
    [
      [
        "scan",
        "--db",
        "/d",
        "--size-cutoff",
        "1M",
        "--exclude",
        "*.a",
        "--exclude=*.b",
        "--no-crossvol",
        "--flush",
      ],
    ],
    [
      [
        "--exclude",
        "*.a",
        "scan",
        "data",
        "--min-size=1024K",
        "--exclude",
        "*.b",
        "--flush",
        "--no-crossvol",
        "--db=/d",
      ],
    ],
  ])("are taken before and after the command: %j", async (words) => {
    const volume = data();
    const { code, databaseDir } = await call(fakeEngine([volume]), words);
    expect(code).toBe(0);
    expect(databaseDir).toBe("/d");
    expect(volume.called("scan")[0]?.[0]).toEqual({
      minSize: 2 ** 20,
      flush: true,
      selection: {
        minSize: 2 ** 20,
        exclude: ["*.a", "*.b"],
        pathGlob: null,
        crossVolume: false,
        snapshots: false,
      },
    });
  });

  it("have the defaults that the help tells", async () => {
    const volume = data({ fakeGroups: twoGroups });
    const { databaseDir } = await call(fakeEngine([volume]), ["dedup", "--yes"]);
    expect(databaseDir).toBe("/var/lib/refold");
    const selection = { minSize: 4096, exclude: [], pathGlob: null, crossVolume: true, snapshots: false };
    expect(volume.called("scan")[0]?.[0]).toEqual({ minSize: 4096, flush: true, selection });
    expect(volume.called("fold")[0]?.slice(0, 2)).toEqual([
      selection,
      { lock: "immutable", defrag: false, priority: "idle" },
    ]);
  });

  it("reach the fold", async () => {
    const volume = data({ fakeGroups: twoGroups });
    await call(fakeEngine([volume]), [
      ...["dedup", "-y", "--no-flush", "--lock", "lease", "--priority", "normal", "--defrag", "--snapshots"],
    ]);
    expect(volume.called("scan")[0]?.[0]).toMatchObject({ flush: false });
    expect(volume.called("fold")[0]?.[0]).toMatchObject({ snapshots: true });
    expect(volume.called("fold")[0]?.[1]).toEqual({ lock: "lease", defrag: true, priority: "normal" });
  });
});

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

describe("dedup", () => {
  it("refuses without a terminal and without --yes, before it looks at anything", async () => {
    const volume = data({ fakeGroups: twoGroups });
    const { code, err, loaded } = await call(fakeEngine([volume]), ["dedup"]);
    expect(code).toBe(2);
    expect(err).toSatisfy(oneLine);
    expect(err).toContain("--yes");
    expect(loaded).toBe(false);
  });

  it.each(["", "n", "no", "maybe", "yess"])("folds nothing after %j", async (answer) => {
    const volume = data({ fakeGroups: twoGroups });
    const { code, err } = await call(fakeEngine([volume]), ["dedup"], { answer });
    expect(volume.called("fold")).toHaveLength(0);
    expect(code).toBe(130);
    expect(err).toContain("Fold 3 files in 2 groups, giving back 12.0 KiB? [y/N]");
  });

  it.each(["y", "Y", "yes", " y "])("folds after %j, promised beside measured", async (answer) => {
    const volume = data({ fakeGroups: twoGroups });
    const { code, out } = await call(fakeEngine([volume]), ["dedup"], { answer });
    expect(volume.called("fold")).toHaveLength(1);
    expect(code).toBe(0);
    expect(out).toMatch(/promised +measured +files folded.*\n *12\.0 KiB +12\.0 KiB +3 +2 /);
  });

  it("asks nothing where there is nothing to fold", async () => {
    const { code, out, err } = await call(fakeEngine([data()]), ["dedup"], { answer: "n" });
    expect(code).toBe(0);
    expect(out).toBe("Nothing to fold.\n");
    expect(err).toBe("");
  });

  it("prints JSON of the documented shape", async () => {
    const skipped = [
      { path: Buffer.from([0x2f, 0xfe]), reason: "in-use", detail: "open in rsync (pid 9)" },
    ] as const;
    const volume = data({ fold: () => Promise.resolve(foldResult({ skipped })), fakeGroups: twoGroups });
    const { code, out, err } = await call(fakeEngine([volume]), ["dedup", "--yes", "--json"]);
    expect(code).toBe(1);
    expect(err).toBe("");
    expect(JSON.parse(out)).toEqual({
      volumes: [
        {
          ...{ uuid: UUID, groups: 1, files: 1, predictedBytes: 4096, freedBytes: 4096, elapsedMs: 5 },
          skipped: [{ path: "/\udcfe", reason: "in-use", detail: "open in rsync (pid 9)" }],
          ...{ runId: 3, cancelled: false },
        },
      ],
    });
  });

  it("lists what was skipped by reason, ten of each unless --verbose", async () => {
    const skipped = Array.from({ length: 14 }, (_, k) => ({
      path: Buffer.from(`/f${k}`),
      reason: k < 12 ? ("in-use" as const) : ("nocow" as const),
      detail: `because ${k}`,
    }));
    const volume = data({ fold: () => Promise.resolve(foldResult({ skipped })), fakeGroups: twoGroups });
    const short = await call(fakeEngine([volume]), ["dedup", "--yes"]);
    expect(short.out).toContain("Skipped 14 files:\n  12 in use");
    expect(short.out).toContain("and 2 more");
    expect(short.out.match(/because/g)).toHaveLength(12);
    const long = await call(fakeEngine([volume]), ["dedup", "--yes", "--verbose"]);
    expect(long.out.match(/because/g)).toHaveLength(14);
  });

  it("shows what it would fold with --dry-run, and folds nothing", async () => {
    const volume = data({ fakeGroups: twoGroups });
    const human = await call(fakeEngine([volume]), ["dedup", "--dry-run"]);
    expect(human.code).toBe(0);
    expect(human.out).toContain("/mnt/data/a");
    const json = await call(fakeEngine([volume]), ["dedup", "-n", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      dryRun: true,
      volumes: [{ predictedBytes: 12288, freedBytes: 0 }],
    });
    expect(volume.called("fold")).toHaveLength(0);
  });

  it("plans nothing on a read-only mount and says so once", async () => {
    const volume = data({ fakeGroups: twoGroups });
    const fixed = new FakeVolume({ ...volume.summary, readOnly: true }, { fakeGroups: twoGroups });
    const { code, err } = await call(fakeEngine([fixed]), ["dedup", "data"], { answer: "y" });
    expect(code).toBe(1);
    expect(err).toSatisfy(oneLine);
    expect(err).toContain("/mnt/data: it is mounted read-only");
    expect(fixed.called("scan")).toHaveLength(0);
    const scan = await call(fakeEngine([fixed]), ["scan", "data"]);
    expect(scan.code).toBe(0);
    expect(scan.err).toContain("read-only");
  });

  it("warns what --defrag costs before it asks", async () => {
    const { err } = await call(fakeEngine([data({ fakeGroups: twoGroups })]), ["dedup", "--defrag"], {
      answer: "n",
    });
    expect(err).toMatch(/warning: .*5\.0 MiB[^]*\[y\/N\]/);
  });

  it("waits for the step when interrupted, does not begin the next volume, and ends with the signal's code", async () => {
    const signals = new EventEmitter();
    const first = data({
      fakeGroups: twoGroups,
      fold: async (
        _selection: unknown,
        _options: unknown,
        context: { signal: AbortSignal; progress: (p: object) => void },
      ) => {
        context.progress({ phase: "fold", done: 1, total: 2, unit: "bytes", volume: UUID });
        signals.emit("SIGHUP", "SIGHUP");
        expect(context.signal.aborted).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return foldResult({ cancelled: true });
      },
    });
    const second = other({ fakeGroups: twoGroups });
    const { code, out, err } = await call(fakeEngine([first, second]), ["dedup", "-y", "--json"], {
      signals,
    });
    expect(code).toBe(129);
    expect(err).toContain("waiting for the group being folded");
    expect(second.called("fold")).toHaveLength(0);
    expect(JSON.parse(out)).toMatchObject({ volumes: [{ uuid: UUID, cancelled: true }] });
    expect(signals.eventNames()).toEqual([]);
  });
});

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

describe("dedup-files", () => {
  it("passes paths on as bytes and tells how each one ended", async () => {
    let asked: readonly Buffer[] = [];
    const engine = fakeEngine([], {
      foldFiles: (source, destinations) => {
        asked = [source, ...destinations];
        return Promise.resolve({
          source,
          files: [
            { path: destinations[0] ?? source, outcome: "folded", detail: "" },
            { path: destinations[1] ?? source, outcome: "in-use", detail: "open in vim (pid 12)" },
          ],
          freedBytes: 4096,
          cancelled: false,
        });
      },
    });
    const { code, out } = await call(engine, ["dedup-files", "/a", "/b\udcff", "--", "--odd"]);
    expect(code).toBe(1);
    expect(asked.slice(0, 2)).toEqual([Buffer.from("/a"), Buffer.from([0x2f, 0x62, 0xff])]);
    expect(asked[2]?.toString()).toBe(`${process.cwd()}/--odd`);
    expect(out).toContain("/b\\xff: folded");
    expect(out).toContain("--odd: in use  open in vim (pid 12)");
    const json = await call(engine, ["dedup-files", "/a", "/b\udcff", "/c", "--json"]);
    expect(json.out).toContain('"path":"/b\\udcff","outcome":"folded"');
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
    ...{ groups: 2, files: 3, predictedBytes: 8192, freedBytes: null, skipped: 1 },
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
