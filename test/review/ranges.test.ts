/** Parts of files in a review: what is shown and ticked is folded, exactly that, and gives back what was promised. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DEEP_DEFAULTS,
  type DeepOptions,
  type FoldOptions,
  type ScanTotals,
} from "../../src-helper/engine/contract.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { StaleReviewError } from "../../src-helper/engine/review/stale.ts";
import { NO_FILTER, type FileRow, type GroupRow, type Sum } from "../../src-helper/rpc/protocol.ts";
import { IndexStore } from "../../src-helper/store/index-store.ts";
import { VolumeState } from "../../src-helper/engine/volume-state.ts";
import { selectVolumes } from "../../src-helper/volumes/select.ts";
import { VolumeHandle } from "../../src-helper/volumes/volume-handle.ts";
import { exec } from "../support/exec.ts";
import { consultOracle, fileKey } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { KIB, MIB, noise, plantOverlaps, writeParts } from "../deep/support.ts";
import { allFiles, allRows, EVERYTHING, quiet, ReviewBench } from "./support.ts";

const OPTIONS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };
const DEEP = { ...DEEP_DEFAULTS, memory: 32 * MIB };
const ALL = { kind: "filter", filter: NO_FILTER } as const;

let bench: ReviewBench;

beforeEach(() => {
  bench = new ReviewBench();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

/** Whole copies, overlaps of many sizes, and copies of files that overlap with others. */
function fill(seed: number): void {
  const random = new Random(seed);
  bench.volume.createSubvolume("home");
  bench.volume.createSubvolume("other");
  plantOverlaps(
    random,
    ["home", "other"].map((name) => bench.path(name)),
  );
  for (let k = 0; k < 8; k++) {
    const run = noise(random, 512 * KIB);
    const whole = Buffer.concat([run, noise(random, random.between(1, 200) * KIB)]);
    for (const copy of ["a", "b"]) writeFileSync(bench.path(`home/whole ${k} ${copy}`), whole);
    writeParts(bench.path(`other/part ${k}`), [run, noise(random, 100 * KIB)], true);
  }
  bench.volume.settle();
}

async function open(exclude: readonly string[] = [], snapshots = false): Promise<Review> {
  const review = await bench.openWhole({ deep: DEEP, exclude, snapshots });
  await ready(review);
  return review;
}

function ready(review: Review): Promise<Sum> {
  return review.ranges(new AbortController().signal);
}

const ranges = (review: Review): Promise<GroupRow[]> => allRows(review, { kind: "range" });
const layouts = (): Map<string, string> =>
  new Map(
    consultOracle(bench.volume.path).files.map((file) => [
      fileKey(file.subvolume.id, file.inode),
      file.layout,
    ]),
  );
const keyOf = ({ id }: FileRow): string => id.split(":").slice(0, 2).join(":");

/** Folds, and looks whether it was as promised. @returns bytes */
async function foldExactly(review: Review): Promise<number> {
  const { sum } = await review.info();
  bench.volume.settle();
  const state = snapshotState(bench.volume.path);
  const before = bench.volume.usage().dataUsed;
  const result = await review.fold(sum.revision, OPTIONS, quiet());
  bench.volume.settle();
  expect(result.skipped).toEqual([]);
  expect(result).toMatchObject({ cancelled: false, predictedBytes: sum.predictedBytes });
  expect(before - bench.volume.usage().dataUsed).toBe(result.freedBytes);
  expect(result.freedBytes).toBe(sum.predictedBytes);
  expect(diffStates(state, snapshotState(bench.volume.path))).toEqual([]);
  expect(result.ranges?.rewrittenBytes ?? 0).toBe(sum.ranges?.rewrittenBytes ?? 0);
  return result.freedBytes;
}

describe("the sum", () => {
  test("is what the command line promises for everything, of which ranges have their part", async () => {
    fill(1);
    await bench.scan();
    const preview = await bench.withVolume((volume) =>
      volume.preview(
        { minSize: 4096, exclude: [], pathGlob: null, crossVolume: true, snapshots: false },
        { ...OPTIONS, deep: DEEP },
      ),
    );
    const review = await bench.openWhole({ deep: DEEP });
    const early = (await review.info()).sum;
    expect(early.ranges).toMatchObject({ state: "working", predictedBytes: 0 });
    const sum = await ready(review);
    expect(sum.revision).toBeGreaterThan(early.revision);
    expect(sum.ranges).toMatchObject({
      state: "ready",
      predictedBytes: preview.deep?.reclaimableBytes,
      rewrittenBytes: preview.deep?.rewrittenBytes,
      files: preview.deep?.files,
    });
    expect(sum.predictedBytes).toBe(preview.predictedBytes);
    expect(sum.predictedBytes).toBe(early.predictedBytes + (sum.ranges?.predictedBytes ?? 0));
    const rows = await ranges(review);
    expect(rows.length).toBe(sum.ranges?.rows);
    expect(rows.reduce((bytes, { frees }) => bytes + frees, 0)).toBe(sum.ranges?.predictedBytes);
  });
});

describe("a fold", () => {
  test.each([1, 2, 3])("of a random part gives back what was promised (seed %i)", async (seed) => {
    fill(seed);
    await bench.scan();
    const review = await open();
    const random = new Random(seed);
    for (const { id } of await allRows(review, { kind: "file" })) {
      if (random.chance(0.3)) await review.tick({ kind: "groups", ids: [id] }, false);
    }
    await ready(review);
    const left: GroupRow[] = [];
    for (const row of await ranges(review)) {
      if (!random.chance(0.4)) continue;
      left.push(row);
      if (random.chance(0.5)) await review.tick({ kind: "groups", ids: [row.id] }, false);
      else {
        const files = await allFiles(review, row.id);
        const { id } = random.pick(files);
        await review.tick({ kind: "files", group: row.id, ids: [id] }, false);
      }
    }
    expect(left.length).toBeGreaterThan(3);
    const rows = await ranges(review);
    const chosen = rows.filter(({ tick }) => tick === "all");
    expect(chosen.length).toBeGreaterThan(3);
    const touched = new Set<string>();
    for (const { id } of await allRows(review)) {
      for (const file of await allFiles(review, id)) {
        if (file.role === "fold") touched.add(keyOf(file));
      }
    }
    const before = layouts();
    expect(await foldExactly(review)).toBeGreaterThan(MIB);
    // no file that was not shown as one that is folded lies elsewhere now
    for (const [key, layout] of layouts()) if (!touched.has(key)) expect(layout).toBe(before.get(key));
  });
});

/** Two whole copies, and a third file that has most of them in common with both. */
function fillSmall(): void {
  const random = new Random(7);
  bench.volume.createSubvolume("home");
  bench.volume.createSubvolume("other");
  const run = noise(random, 4 * MIB);
  const whole = Buffer.concat([run, noise(random, 200 * KIB)]);
  writeFileSync(bench.path("home/copy a"), whole);
  writeFileSync(bench.path("home/copy b"), whole);
  writeParts(bench.path("other/longer"), [noise(random, 300 * KIB), run, noise(random, 100 * KIB)], true);
  const other = noise(random, MIB);
  for (const name of ["x", "y"]) {
    writeParts(bench.path(`other/pair ${name}`), [noise(random, 64 * KIB), other], true);
  }
  bench.volume.settle();
}

const nameOf = (file: FileRow): string => file.path.slice(file.path.lastIndexOf("/") + 1);

describe("what is shown", () => {
  beforeEach(async () => {
    fillSmall();
    await bench.scan();
  });

  test("rows of parts among whole files, with the files and where in them the parts are", async () => {
    const review = await open();
    const rows = await allRows(review);
    expect(rows.map(({ range }) => range === undefined)).toEqual([true, false, false]);
    expect(await allRows(review, { kind: "file" })).toEqual(rows.filter(({ range }) => range === undefined));
    const parts = await ranges(review);
    expect(parts).toEqual(rows.filter(({ range }) => range !== undefined));
    const [large] = parts;
    expect(large).toMatchObject({ tick: "all", size: 4 * MIB, range: { parts: 1 } });
    expect(large?.frees).toBeGreaterThanOrEqual(4 * MIB);
    const files = await allFiles(review, large?.id ?? "");
    // the copy that is folded before lies where the one that keeps its place does
    expect(files.map((file) => [nameOf(file), file.role])).toEqual([
      ["copy a", "source"],
      ["longer", "fold"],
    ]);
    const longer = files.find((file) => nameOf(file) === "longer");
    expect(longer?.parts).toEqual({
      count: 1,
      bytes: 4 * MIB,
      list: [{ offset: 300 * KIB, length: 4 * MIB }],
    });
    expect(files.find((file) => nameOf(file) === "copy a")?.parts?.list).toEqual([
      { offset: 0, length: 4 * MIB },
    ]);
    const sorted = await allRows(review, {}, { by: "name", descending: false });
    expect(sorted.map(({ name }) => name)).toEqual(sorted.map(({ name }) => name).toSorted());
    expect((await allRows(review, { search: "pair" })).map(({ range }) => range?.parts)).toEqual([1]);
    expect(await allRows(review, { search: "nothing like it" })).toEqual([]);
  });

  test("is worked out anew when other whole files are ticked, and the fold waits for it", async () => {
    const review = await open();
    const { sum: before } = await review.info();
    const [group] = await allRows(review, { kind: "file" });
    const files = await allFiles(review, group?.id ?? "");
    const out = files.find((file) => nameOf(file) === "copy b");
    if (out === undefined) throw new Error("no copy b");
    const sum = await review.tick({ kind: "files", group: group?.id ?? "", ids: [out.id] }, false);
    expect(sum).toMatchObject({
      files: 0,
      predictedBytes: 0,
      ranges: { state: "working", predictedBytes: 0 },
    });
    await expect(review.fold(sum.revision, OPTIONS, quiet())).rejects.toMatchObject({ code: "busy" });
    const after = await ready(review);
    expect(after.revision).toBeGreaterThan(sum.revision);
    expect(after.ranges?.state).toBe("ready");
    await expect(review.fold(before.revision, OPTIONS, quiet())).rejects.toThrow(StaleReviewError);
    // a file that is not ticked in its group is not touched by its parts either
    for (const { id } of await ranges(review)) {
      expect((await allFiles(review, id)).map(nameOf)).not.toContain("copy b");
    }
    const untouched = layouts();
    await foldExactly(review);
    expect(layouts().get(keyOf(out))).toBe(untouched.get(keyOf(out)));
  });

  test("copies that are not ticked do not come back as parts", async () => {
    const review = await open();
    await review.tick({ kind: "filter", filter: { ...NO_FILTER, kind: "file" } }, false);
    const sum = await ready(review);
    const names = await Promise.all(
      (await ranges(review)).map(async ({ id }) => (await allFiles(review, id)).map(nameOf)),
    );
    expect(names).toEqual([["pair x", "pair y"]]);
    expect(sum.predictedBytes).toBe(sum.ranges?.predictedBytes);
    expect(sum.files).toBe(0);
  });

  test("what was unticked stays so when the plan is another one", async () => {
    const review = await open();
    const [large, small] = await ranges(review);
    await review.tick({ kind: "groups", ids: [small?.id ?? ""] }, false);
    const [group] = await allRows(review, { kind: "file" });
    await review.tick({ kind: "groups", ids: [group?.id ?? ""] }, false);
    await ready(review);
    await review.tick({ kind: "groups", ids: [group?.id ?? ""] }, true);
    await ready(review);
    expect((await ranges(review)).map(({ id, tick }) => [id, tick])).toEqual([
      [large?.id, "all"],
      [small?.id, "none"],
    ]);
    // and where everything is unticked, nothing that comes new is ticked
    await review.tick(ALL, false);
    await review.tick({ kind: "groups", ids: [group?.id ?? ""] }, true);
    const sum = await ready(review);
    expect(sum.ranges).toMatchObject({ rows: 0, predictedBytes: 0 });
    await review.tick(ALL, true);
    expect((await ready(review)).ranges?.rows).toBe(2);
  });

  test("a file that is unticked takes out all that would be moved in it or shared from it", async () => {
    const review = await open();
    const [large] = await ranges(review);
    const files = await allFiles(review, large?.id ?? "");
    for (const { id, role } of files) {
      expect(["fold", "source"]).toContain(role);
      const out = await review.tick({ kind: "files", group: large?.id ?? "", ids: [id] }, false);
      expect(out.ranges).toMatchObject({ state: "ready", rows: 1 });
      expect((await ranges(review))[0]).toMatchObject({ tick: "some", frees: 0 });
      expect((await allFiles(review, large?.id ?? "")).map(({ role }) => role)).toEqual(
        files.map(() => "left"),
      );
      const again = await review.tick({ kind: "files", group: large?.id ?? "", ids: [id] }, true);
      expect(again.ranges?.rows).toBe(2);
    }
    await review.tick({ kind: "folder", path: bench.path("other") }, false);
    const sum = await ready(review);
    expect(sum.ranges?.rows).toBe(0);
    expect(sum.files).toBe(1);
  });

  test("what a glob leaves out is neither changed nor shared with", async () => {
    const review = await open(["longer"]);
    const all = await ranges(review);
    const names = (await Promise.all(all.map(({ id }) => allFiles(review, id)))).flat().map(nameOf);
    expect(names).toEqual(["pair x", "pair y"]);
    await review.exclude([]);
    expect((await ready(review)).ranges?.rows).toBe(2);
  });

  test("an id that it does not have is out of date", async () => {
    const review = await open();
    await expect(review.files("range-00", 0, 1)).rejects.toThrow(StaleReviewError);
    await expect(review.tick({ kind: "groups", ids: ["range-00"] }, false)).rejects.toThrow(StaleReviewError);
  });

  test("asking for the sum can be given up, and a review that is closed says so", async () => {
    const review = await bench.openWhole({ deep: DEEP });
    await expect(review.ranges(AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    const asked = review.ranges(new AbortController().signal);
    bench.reviews.closeAll();
    await expect(asked).rejects.toThrow(StaleReviewError);
  });

  test("another memory, or none of it, is another review", async () => {
    const review = await open();
    expect((await bench.open({ deep: DEEP })).id).toBe(review.id);
    expect((await bench.open({ deep: { ...DEEP, maxRewrite: 0 } })).id).not.toBe(review.id);
    expect((await (await bench.open()).info()).sum.ranges).toBeUndefined();
  });
});

describe("with read-only snapshots", () => {
  test.each([4])(
    "that are folded too, a random part gives back what was promised (seed %i)",
    async (seed) => {
      fill(seed);
      // of one another, so that a file lies in one snapshot, in several, and in ones that differ
      bench.volume.snapshot("home", "first", { readOnly: true });
      const random = new Random(seed);
      writeParts(bench.path("home/whole 3 a"), [noise(random, 300 * KIB)]);
      bench.volume.snapshot("home", "second", { readOnly: true });
      bench.volume.snapshot("other", "third", { readOnly: true });
      bench.volume.settle();
      await bench.scan();
      const review = await open([], true);
      for (const { id } of await allRows(review, { kind: "file" })) {
        if (random.chance(0.3)) await review.tick({ kind: "groups", ids: [id] }, false);
      }
      await ready(review);
      for (const { id } of await ranges(review)) {
        if (random.chance(0.3)) await review.tick({ kind: "groups", ids: [id] }, false);
      }
      const { sum } = await review.info();
      expect(sum.ranges?.rows).toBeGreaterThan(3);
      expect(sum.ranges?.predictedBytes).toBeGreaterThan(MIB);
      const chosen = (await ranges(review)).filter(({ tick }) => tick === "all");
      const folded = (await Promise.all(chosen.map(({ id }) => allFiles(review, id))))
        .flat()
        .filter(({ role }) => role === "fold");
      // a range of a file that snapshots have, too, is moved in each of them
      expect(new Set(folded.map(({ subvolume }) => subvolume))).toEqual(
        new Set(["home", "other", "first", "second", "third"]),
      );
      await foldExactly(review);
    },
  );

  test("that are left alone, what they hold is neither promised nor moved, and the rest is", async () => {
    fillSmall();
    bench.volume.snapshot("home", "kept", { readOnly: true });
    bench.volume.settle();
    await bench.scan();
    const review = await open();
    const files = (await Promise.all((await ranges(review)).map(({ id }) => allFiles(review, id)))).flat();
    const moved = files.filter(({ role }) => role === "fold").map(nameOf);
    expect(moved.sort()).toEqual(["longer", "pair y"]);
    const { sum } = await review.info();
    expect(sum.predictedBytes).toBe(sum.ranges?.predictedBytes);
    await foldExactly(review);
  });
});

describe("what changed since it was shown is left", () => {
  test("an extent that something new refers to, and one that was written over", async () => {
    fillSmall();
    await bench.scan();
    const review = await open();
    const { sum } = await review.info();
    const rows = await ranges(review);
    const [large, small] = await Promise.all(rows.map(({ id }) => allFiles(review, id)));
    const moved = large?.find(({ role }) => role === "fold");
    // a reflink holds the extent that was to go: to write its rest anew would cost, and give back nothing
    exec("cp", ["--reflink=always", moved?.path ?? "", bench.path("home/reflink")]);
    bench.volume.settle();
    const state = snapshotState(bench.volume.path);
    const before = bench.volume.usage().dataUsed;
    const result = await review.fold(sum.revision, OPTIONS, quiet());
    bench.volume.settle();
    const gained = before - bench.volume.usage().dataUsed;
    expect(result.freedBytes).toBe(gained);
    // the whole copies and the other row were folded as shown
    expect(gained).toBe(sum.predictedBytes - (rows[0]?.frees ?? 0));
    expect(result.skipped.map(({ reason }) => reason)).toContain("changed");
    expect(diffStates(state, snapshotState(bench.volume.path))).toEqual([]);
    expect(small?.length).toBe(2);
  });
});

test("what is left after a fold is counted anew, and a fold elsewhere makes it unknown", async () => {
  fillSmall();
  await bench.withVolume((volume) =>
    volume.scan({ minSize: 4096, flush: true, selection: EVERYTHING, deep: DEEP }, quiet()),
  );
  const review = await open();
  const small = (await ranges(review))[1];
  const sum = await review.tick({ kind: "groups", ids: [small?.id ?? ""] }, false);
  await review.fold(sum.revision, OPTIONS, quiet());
  expect(known()).toEqual({ reclaimableBytes: small?.frees, current: true });
  await bench.withVolume((volume) => volume.fold(EVERYTHING, OPTIONS, quiet()));
  expect(known()).toBeNull();
});

test("a scan that finds nothing new looks for nothing again, unless something else is asked for", async () => {
  fillSmall();
  const scan = (deep: DeepOptions): Promise<ScanTotals> =>
    bench.withVolume((volume) =>
      volume.scan({ minSize: 4096, flush: true, selection: EVERYTHING, deep }, quiet()),
    );
  const { deep: found } = await scan(DEEP);
  expect(found?.reclaimableBytes).toBeGreaterThan(0);
  forge(1);
  expect((await scan(DEEP)).deep?.reclaimableBytes).toBe(1);
  // another price is another search
  expect((await scan({ ...DEEP, maxRewrite: 0.4 })).deep?.reclaimableBytes).toBeGreaterThan(1);
  await scan(DEEP);
  forge(1);
  writeFileSync(bench.path("new"), new Random(5).bytes(MIB));
  expect(await scan(DEEP)).toMatchObject({ deep: { reclaimableBytes: found?.reclaimableBytes } });
});

/** Makes the index say that a search came to so many bytes. */
function forge(reclaimableBytes: number): void {
  const store = new IndexStore(bench.db, bench.volume.uuid, () => undefined);
  try {
    const record = store.meta("ranges") as { totals: object };
    store.setMeta("ranges", { ...record, totals: { ...record.totals, reclaimableBytes } });
  } finally {
    store.close();
  }
}

/** What the tray says of parts of files. */
function known(): { reclaimableBytes: number; current: boolean } | null {
  const [selected] = selectVolumes([bench.volume.uuid], () => undefined);
  if (selected === undefined) throw new Error("no volume");
  const state = new VolumeState(new VolumeHandle(selected.found), null, bench.db, () => undefined);
  try {
    const last = state.lastRanges();
    return last && { reclaimableBytes: last.totals.reclaimableBytes, current: last.current };
  } finally {
    state.close();
  }
}
