/** Rules of folders: what never leaves alone, in every command, and in snapshots; what always allows. */
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { diffStates, snapshotState } from "../support/state.ts";
import { RulesBench } from "./support.ts";

const MIB = 2 ** 20;
let bench: RulesBench;
beforeEach(() => {
  bench = new RulesBench();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

describe("never", () => {
  test("takes a folder out of scan, groups and dedup, and its files keep what they refer to", async () => {
    bench.copies(MIB, "home/a", "home/b", "home/vm/disk", "home/vm/deep/disk");
    expect(await bench.scan()).toMatchObject({ groups: 1, duplicateFiles: 4, reclaimableBytes: 3 * MIB });
    await bench.set("home/vm", "never");
    expect(await bench.scan()).toMatchObject({ groups: 1, duplicateFiles: 2, reclaimableBytes: MIB });
    expect(await bench.grouped()).toEqual(["home/a", "home/b"]);
    const before = snapshotState(bench.path("home/vm"));
    const fold = await bench.fold();
    expect(fold).toMatchObject({ files: 1, predictedBytes: MIB, freedBytes: MIB, gained: MIB });
    // not even the change time: nothing there was locked
    expect(diffStates(before, snapshotState(bench.path("home/vm")))).toEqual([]);
    expect(await bench.scan()).toMatchObject({ groups: 0, reclaimableBytes: 0 });
    await bench.remove("home/vm");
    expect(await bench.scan()).toMatchObject({ groups: 1, duplicateFiles: 4, reclaimableBytes: 2 * MIB });
  });

  test("the nearest rule decides: always inside never, and never inside that", async () => {
    bench.copies(MIB, "a/1", "a/in/1", "a/in/out/1", "b/1");
    await bench.set("a", "never");
    expect(await bench.scan()).toMatchObject({ groups: 0 });
    await bench.set("a/in", "always");
    expect(await bench.grouped()).toEqual(["a/in/1", "a/in/out/1", "b/1"]);
    await bench.set("a/in/out", "never");
    expect(await bench.grouped()).toEqual(["a/in/1", "b/1"]);
  });

  test("holds where files were moved in, and not where they were moved out", async () => {
    bench.copies(MIB, "in/1", "out/1", "out/folder/2");
    await bench.set("in", "never");
    expect(await bench.grouped()).toEqual(["out/1", "out/folder/2"]);
    renameSync(bench.path("out/folder"), bench.path("in/folder"));
    await bench.scan();
    expect(await bench.grouped()).toEqual([]);
    renameSync(bench.path("in/1"), bench.path("out/moved"));
    await bench.scan();
    expect(await bench.grouped()).toEqual(["out/1", "out/moved"]);
  });

  test("holds for a file that has a second name elsewhere", async () => {
    bench.copies(MIB, "in/1", "out/1", "out/2");
    linkSync(bench.path("in/1"), bench.path("out/link"));
    await bench.set("in", "never");
    await bench.scan();
    expect(await bench.grouped()).toEqual(["out/1", "out/2"]);
    rmSync(bench.path("in/1"));
    await bench.scan();
    expect(await bench.grouped()).toEqual(["out/1", "out/2", "out/link"]);
  });

  test("holds in nested subvolumes, and on a subvolume alone", async () => {
    mkdirSync(bench.path("top"));
    bench.volume.createSubvolume("top/nested");
    bench.volume.createSubvolume("beside");
    bench.copies(MIB, "top/nested/folder/1", "beside/1", "beside/2");
    await bench.set("top", "never");
    expect(await bench.grouped()).toEqual(["beside/1", "beside/2"]);
    await bench.remove("top");
    await bench.set("beside", "never");
    expect(await bench.scan()).toMatchObject({ groups: 0 });
  });

  test("holds for the same folder in snapshots, wherever they hang and whatever it was called then", async () => {
    bench.volume.createSubvolume("home");
    mkdirSync(bench.path("snapshots"));
    bench.copies(MIB, "home/vm/1", "home/free/1", "home/old name/1", "other/1");
    bench.volume.snapshot("home", "snapshots/1", { readOnly: true });
    bench.volume.snapshot("home", "snapshots/2");
    renameSync(bench.path("home/old name"), bench.path("home/new name"));
    // the folder was made anew since: the one in the snapshot is another, with the same path
    bench.copies(MIB, "home/made anew/1");
    bench.volume.sync();
    await bench.set("home/vm", "never");
    await bench.set("home/new name", "never");
    // of what is said of the place that they hang at, and of the folder itself, never wins
    await bench.set("snapshots", "always");
    const left = ["home/free/1", "other/1", "snapshots/1/free/1", "snapshots/2/free/1"];
    expect(await bench.grouped("--snapshots")).toEqual(left);
    const states = ["snapshots/1/vm", "snapshots/2/vm", "snapshots/1/old name"].map((path) =>
      bench.path(path),
    );
    const before = states.map((path) => snapshotState(path));
    const fold = await bench.fold("--snapshots");
    expect(fold.gained).toBe(fold.predictedBytes);
    expect(states.map((path, k) => diffStates(before[k] ?? new Map(), snapshotState(path)))).toEqual([
      [],
      [],
      [],
    ]);
  });

  test("of a folder that was made anew holds for the one with its path in a snapshot", async () => {
    bench.volume.createSubvolume("home");
    bench.copies(MIB, "home/vm/1", "home/free/1");
    bench.volume.snapshot("home", "then", { readOnly: true });
    rmSync(bench.path("home/vm"), { recursive: true });
    bench.copies(MIB, "home/vm/2", "home/free/2");
    await bench.set("home/vm", "never");
    expect(await bench.grouped("--snapshots")).toEqual([]);
    await bench.remove("home/vm");
    expect((await bench.grouped("--snapshots")).length).toBeGreaterThan(0);
  });

  test("said of a snapshot holds there alone, and said above all snapshots holds in all", async () => {
    bench.volume.createSubvolume("home");
    mkdirSync(bench.path("snapshots"));
    bench.copies(MIB, "home/1", "home/2");
    bench.volume.snapshot("home", "snapshots/1", { readOnly: true });
    bench.volume.snapshot("home", "snapshots/2", { readOnly: true });
    await bench.set("snapshots/1", "never");
    expect(await bench.grouped("--snapshots")).toEqual([
      "home/1",
      "home/2",
      "snapshots/2/1",
      "snapshots/2/2",
    ]);
    await bench.set("snapshots", "never");
    expect(await bench.grouped("--snapshots")).toEqual(["home/1", "home/2"]);
  });

  test("holds when the volume is mounted elsewhere, or nowhere", async () => {
    bench.copies(MIB, "vm/1", "a/1", "a/2");
    await bench.set("vm", "never");
    expect((await bench.scan()).reclaimableBytes).toBe(MIB);
    bench.volume.unmount();
    const elsewhere = bench.volume.beside("elsewhere");
    const totals = async (name: string): Promise<unknown> => {
      const run = await bench.run("scan", "--json", name);
      return (run.expectCode(0).json() as { volumes: unknown[] }).volumes[0];
    };
    expect(await totals(bench.volume.device)).toMatchObject({ duplicateFiles: 2, reclaimableBytes: MIB });
    bench.volume.mount([], elsewhere);
    expect(await totals(elsewhere)).toMatchObject({ duplicateFiles: 2, reclaimableBytes: MIB });
    bench.volume.unmount(elsewhere);
    bench.volume.mount();
  });

  test("of the place where a volume is mounted holds in it, and of another place does not", async () => {
    bench.volume.createSubvolume("data");
    bench.copies(MIB, "data/vm/1", "data/free/1", "data/free/2");
    const place = bench.volume.beside("place/data");
    bench.volume.mount(["subvol=data"], place);
    await expect(bench.run("rules", "set", bench.directory, "never")).resolves.toMatchObject({
      code: 4,
    });
    (await bench.run("rules", "set", bench.volume.beside("place"), "never")).expectCode(0);
    expect(await bench.scan()).toMatchObject({ groups: 0 });
    (await bench.run("rules", "set", place, "always")).expectCode(0);
    (await bench.run("rules", "set", `${place}/vm`, "never")).expectCode(0);
    expect(await bench.scan()).toMatchObject({ duplicateFiles: 2 });
  });

  test("is neither a target nor a source of dedup-files", async () => {
    bench.copies(MIB, "vm/1", "a/1", "a/2");
    await bench.set("vm", "never");
    const [vm, one, two] = ["vm/1", "a/1", "a/2"].map((path) => bench.path(path));
    const run = await bench.run("dedup-files", "--json", one ?? "", vm ?? "", two ?? "");
    expect(run.expectCode(1).json()).toMatchObject({
      files: [{ outcome: "ruled-out" }, { outcome: "folded" }],
      freedBytes: MIB,
    });
    const source = await bench.run("dedup-files", vm ?? "", one ?? "");
    expect(source.expectCode(1).stderr).toMatch(/^refold: .*vm\/1 is left alone: .*Nothing was folded\./);
  });
});

describe("always", () => {
  test("--always looks at what lies in such folders, and at nothing else", async () => {
    bench.copies(MIB, "mirror/1", "mirror/2", "mirror/out/1", "home/1", "home/2");
    expect(await bench.scan("--always")).toMatchObject({ groups: 0 });
    await bench.set("mirror", "always");
    await bench.set("mirror/out", "never");
    expect(await bench.grouped("--always")).toEqual(["mirror/1", "mirror/2"]);
    const before = snapshotState(bench.path("home"));
    expect(await bench.fold("--always")).toMatchObject({ files: 1, predictedBytes: MIB, gained: MIB });
    expect(diffStates(before, snapshotState(bench.path("home")))).toEqual([]);
    // without it rules that say always take nothing away
    expect(await bench.grouped()).toEqual(["home/1", "home/2", "mirror/1", "mirror/2"]);
  });

  test("a file with a second name outside is not folded without asking", async () => {
    bench.copies(MIB, "mirror/1", "mirror/2", "mirror/3");
    linkSync(bench.path("mirror/1"), bench.path("also"));
    await bench.set("mirror", "always");
    expect(await bench.grouped("--always")).toEqual(["mirror/2", "mirror/3"]);
  });

  test("holds in read-only snapshots, and not in writable ones", async () => {
    bench.volume.createSubvolume("data");
    bench.copies(MIB, "data/mirror/1", "data/mirror/2");
    bench.volume.snapshot("data", "read-only", { readOnly: true });
    bench.volume.snapshot("data", "writable");
    await bench.set("data/mirror", "always");
    expect(await bench.grouped("--always", "--snapshots")).toEqual([
      "data/mirror/1",
      "data/mirror/2",
      "read-only/mirror/1",
      "read-only/mirror/2",
    ]);
  });
});

test("ranges: what is left alone is neither moved nor shared with, and keeps its extents", async () => {
  bench.copies(4 * MIB, "vm/disk", "a/one", "a/two");
  // of one content in part only: whole files find nothing
  for (const [k, path] of ["vm/disk", "a/one", "a/two"].entries()) {
    appendFileSync(bench.path(path), Buffer.alloc(64 * 1024, k + 1));
  }
  await bench.set("vm", "never");
  const { deep } = (await bench.scan("--deep")) as unknown as { deep: { reclaimableBytes: number } };
  expect(deep.reclaimableBytes).toBeGreaterThan(3.5 * MIB);
  expect(deep.reclaimableBytes).toBeLessThan(4.5 * MIB);
  const before = snapshotState(bench.path("vm"));
  const files = await bench.grouped("--deep");
  expect(files.filter((path) => path.startsWith("vm"))).toEqual([]);
  const fold = await bench.fold("--deep");
  expect(fold.gained).toBeGreaterThan(3.5 * MIB);
  expect(Math.abs(fold.gained - fold.predictedBytes)).toBeLessThanOrEqual(MIB / 2);
  expect(diffStates(before, snapshotState(bench.path("vm")))).toEqual([]);
  await bench.set("a", "never");
  expect((await bench.scan("--deep")) as unknown).toMatchObject({ deep: { reclaimableBytes: 0 } });
});
