import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import {
  call,
  data,
  fakeEngine,
  FakeVolume,
  foldResult,
  oneLine,
  other,
  twoGroups,
  UUID,
} from "./cli-fake-engine.ts";

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
          differences: [],
          skipped: [{ path: "/\udcfe", reason: "in-use", detail: "open in rsync (pid 9)" }],
          ...{ runId: 3, cancelled: false },
        },
      ],
    });
  });

  it("tells why less came back than was promised, by cause", async () => {
    const differences = [
      {
        cause: "pinned",
        bytes: 3 << 20,
        subvolumes: [{ path: Buffer.from([0x6b, 0xfe]), bytes: 3 << 20 }],
      },
      { cause: "changed", bytes: -4096 },
    ] as const;
    const volume = data({ fold: () => Promise.resolve(foldResult({ differences })), fakeGroups: twoGroups });
    const human = await call(fakeEngine([volume]), ["dedup", "--yes"]);
    expect(human.code).toBe(0);
    expect(human.out).toContain(
      "3.0 MiB less came back than was promised:\n   3.0 MiB kept by what came since",
    );
    expect(human.out).toContain("-4.0 KiB in data that changed");
    const json = await call(fakeEngine([volume]), ["dedup", "--yes", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      volumes: [
        {
          differences: [
            { cause: "pinned", bytes: 3 << 20, subvolumes: [{ path: "k\udcfe", bytes: 3 << 20 }] },
            { cause: "changed", bytes: -4096 },
          ],
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
