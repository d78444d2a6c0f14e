import { describe, expect, it } from "vitest";
import { buildProgram } from "../../src-helper/cli/commands/definitions.ts";
import { call, data, fakeEngine, oneLine, other, twoGroups, UUID, UUID_B } from "./cli-fake-engine.ts";

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
    expect(out).not.toMatch(/^ {2}rpc/m); // not for people
    for (const command of commands.filter((name) => name !== "rpc"))
      expect(out).toMatch(new RegExp(`^ {2}${command} `, "m"));
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
