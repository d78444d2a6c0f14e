/** Folding what is ticked: exactly that, and exactly the bytes that were promised. */
import { lstatSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoldOptions } from "../../src-helper/engine/contract.ts";
import { RefoldError } from "../../src-helper/engine/errors.ts";
import { StaleReviewError } from "../../src-helper/engine/review/stale.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { NO_FILTER, type FileRow, type GroupRow } from "../../src-helper/rpc/protocol.ts";
import { jsonStringToBytes } from "../../src-helper/text/path-text.ts";
import { selectVolumes } from "../../src-helper/volumes/select.ts";
import { VolumeHandle } from "../../src-helper/volumes/volume-handle.ts";
import { consultOracle, fileKey } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { allFiles, allRows, fillVolume, quiet, ReviewBench } from "./support.ts";

const OPTIONS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };

let bench: ReviewBench;
let review: Review;
let groups: readonly { row: GroupRow; files: readonly FileRow[] }[];

async function readGroups(): Promise<typeof groups> {
  const rows = await allRows(review);
  return Promise.all(rows.map(async (row) => ({ row, files: await allFiles(review, row.id) })));
}

beforeEach(async () => {
  bench = new ReviewBench();
  fillVolume(bench, 9, 20);
  await bench.scan();
  review = await bench.openWhole();
  groups = await readGroups();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

const keyOf = ({ id }: FileRow): string => id.split(":").slice(0, 2).join(":");

/** Where the data of every file lies, by fileKey. */
function layouts(): Map<string, string> {
  const oracle = consultOracle(bench.volume.path);
  return new Map(oracle.files.map((file) => [fileKey(file.subvolume.id, file.inode), file.layout]));
}

const ctimeOf = (file: FileRow): bigint => lstatSync(jsonStringToBytes(file.path), { bigint: true }).ctimeNs;

/** Unticks about half of the files, and some groups whole. @returns the ids of those that are ticked */
async function tickSome(seed: number): Promise<Set<string>> {
  const random = new Random(seed);
  const ticked = new Set(groups.flatMap(({ files }) => files.map(({ id }) => id)));
  for (const { row, files } of groups) {
    const out = random.chance(0.2) ? files : files.filter(() => random.chance(0.4));
    if (out.length === 0) continue;
    await review.tick({ kind: "files", group: row.id, ids: out.map(({ id }) => id) }, false);
    for (const { id } of out) ticked.delete(id);
  }
  return ticked;
}

describe("a fold of a part", () => {
  test.each([1, 2, 3])(
    "shares what is ticked, touches nothing else, frees what was promised (seed %i)",
    async (seed) => {
      const ticked = await tickSome(seed);
      const { sum } = await review.info();
      expect(sum.predictedBytes).toBeGreaterThan(0);
      const planned = await readGroups();
      const before = {
        layouts: layouts(),
        state: snapshotState(bench.volume.path),
        usage: bench.volume.usage(),
      };
      const ctimes = new Map(planned.flatMap(({ files }) => files.map((file) => [file.id, ctimeOf(file)])));

      const result = await review.fold(sum.revision, OPTIONS, quiet());

      expect(result.skipped.filter(({ reason }) => reason !== "immutable" && reason !== "nocow")).toEqual([]);
      expect(result).toMatchObject({
        cancelled: false,
        files: sum.files,
        predictedBytes: sum.predictedBytes,
      });
      expect(result.freedBytes).toBe(sum.predictedBytes);
      bench.volume.settle();
      expect(before.usage.dataUsed - bench.volume.usage().dataUsed).toBe(sum.predictedBytes);

      const after = layouts();
      for (const { files } of planned) {
        const sources = files.filter(({ role }) => role === "source").map((file) => after.get(keyOf(file)));
        for (const file of files) {
          const [was, is] = [before.layouts.get(keyOf(file)), after.get(keyOf(file))];
          if (file.role === "fold") {
            expect(ticked.has(file.id)).toBe(true);
            expect(sources).toContain(is);
            expect(is).not.toBe(was);
            continue;
          }
          expect(is).toBe(was);
          // a source is locked for the time of the fold; the others are not touched at all
          if (file.role !== "source") expect(ctimeOf(file)).toBe(ctimes.get(file.id));
        }
      }
      // contents, times and flags of every file of the volume
      expect(diffStates(before.state, snapshotState(bench.volume.path))).toEqual([]);
    },
  );

  test("is in the history with both numbers, and the index knows of it", async () => {
    await tickSome(4);
    const { sum, groups: shown } = await review.info();
    await review.fold(sum.revision, OPTIONS, quiet());
    const [run] = await bench.withVolume((volume) => volume.history());
    expect(run).toMatchObject({
      state: "done",
      files: sum.files,
      predictedBytes: sum.predictedBytes,
      freedBytes: sum.predictedBytes,
    });
    const next = await bench.openWhole();
    expect(next.id).not.toBe(review.id);
    expect((await next.info()).groups).toBeLessThan(shown);
  });
});

test("a fold of everything frees what the volume promised, and leaves nothing to fold", async () => {
  const { sum } = await review.info();
  const { freedBytes, predictedBytes } = await review.fold(sum.revision, OPTIONS, quiet());
  expect(freedBytes).toBe(predictedBytes);
  expect(predictedBytes).toBe(sum.predictedBytes);
  const next = await bench.openWhole();
  expect((await next.info()).sum).toMatchObject({ files: 0, predictedBytes: 0 });
});

test("what a glob leaves out is not folded", async () => {
  const { sum } = await review.exclude(["anna"]);
  const before = layouts();
  const { freedBytes } = await review.fold(sum.revision, OPTIONS, quiet());
  expect(freedBytes).toBe(sum.predictedBytes);
  const after = layouts();
  const left = groups.flatMap(({ files }) => files).filter(({ path }) => path.includes("/anna/"));
  expect(left.length).toBeGreaterThan(5);
  for (const file of left) expect(after.get(keyOf(file))).toBe(before.get(keyOf(file)));
});

test("with snapshots, their copies are folded too", async () => {
  bench.reviews.closeAll();
  review = await bench.openWhole({ snapshots: true });
  const planned = await readGroups();
  const inSnapshot = planned.flatMap(({ files }) =>
    files.filter(({ role, subvolume }) => role === "fold" && subvolume === "snapshot"),
  );
  expect(inSnapshot.length).toBeGreaterThan(0);
  const before = layouts();
  const { sum } = await review.info();
  const { freedBytes } = await review.fold(sum.revision, OPTIONS, quiet());
  expect(freedBytes).toBe(sum.predictedBytes);
  const after = layouts();
  for (const file of inSnapshot) expect(after.get(keyOf(file))).not.toBe(before.get(keyOf(file)));
});

describe("is refused", () => {
  test("where something was ticked since the sum was shown, and where nothing is ticked", async () => {
    const { sum } = await review.info();
    const [one] = groups;
    const next = await review.tick({ kind: "groups", ids: [one?.row.id ?? ""] }, false);
    const before = layouts();
    await expect(review.fold(sum.revision, OPTIONS, quiet())).rejects.toThrow(StaleReviewError);
    const none = await review.tick({ kind: "filter", filter: NO_FILTER }, false);
    expect(none.revision).toBeGreaterThan(next.revision);
    await expect(review.fold(none.revision, OPTIONS, quiet())).rejects.toMatchObject({ code: "usage" });
    expect(layouts()).toEqual(before);
    expect(await bench.withVolume((volume) => volume.history())).toEqual([]);
    // the review goes on
    expect((await review.tick({ kind: "filter", filter: NO_FILTER }, true)).predictedBytes).toBe(
      sum.predictedBytes,
    );
  });

  test("while another Refold holds the volume; the review stays", async () => {
    const { sum } = await review.info();
    const [selected] = selectVolumes([bench.volume.uuid], () => undefined);
    if (selected === undefined) throw new Error("no volume");
    const other = new VolumeHandle(selected.found);
    try {
      other.lock();
      await expect(review.fold(sum.revision, OPTIONS, quiet())).rejects.toMatchObject({ code: "busy" });
    } finally {
      other.close();
    }
    expect((await review.fold(sum.revision, OPTIONS, quiet())).freedBytes).toBe(sum.predictedBytes);
  });
});

test("a fold that is cancelled ends the review and says so", async () => {
  const { sum } = await review.info();
  const result = await review.fold(sum.revision, OPTIONS, quiet(AbortSignal.abort()));
  expect(result).toMatchObject({ cancelled: true, files: 0, freedBytes: 0 });
  await expect(review.info()).rejects.toThrow(StaleReviewError);
  expect((await (await bench.open()).info()).sum.predictedBytes).toBe(sum.predictedBytes);
});

test("while it is folded nothing can be ticked, and pages are still shown", async () => {
  const { sum } = await review.info();
  const folded = review.fold(sum.revision, OPTIONS, quiet());
  const refused = review.tick({ kind: "filter", filter: NO_FILTER }, false);
  await expect(refused).rejects.toThrow(RefoldError);
  await expect(refused).rejects.toMatchObject({ code: "busy" });
  expect((await folded).freedBytes).toBe(sum.predictedBytes);
});
