/** What was unticked stays so in the next review of the volume: a scan, a fold, another setting in between. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEEP_DEFAULTS, type FoldOptions } from "../../src-helper/engine/contract.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { allRows, quiet, ReviewBench } from "./support.ts";

const KIB = 1024;
const OPTIONS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };

let bench: ReviewBench;
beforeEach(() => {
  bench = new ReviewBench();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

/** Copies of one new content; the size is the group's name here. */
function copies(kib: number, names: readonly string[], content: Buffer = randomBytes(kib * KIB)): Buffer {
  for (const name of names) writeFileSync(bench.path(`${String(kib)}-${name}`), content);
  return content;
}
async function scan(): Promise<void> {
  bench.volume.settle();
  await bench.scan();
}
/** What is ticked of each group, by its size in KiB. */
async function ticks(review: Review): Promise<Record<number, string>> {
  return Object.fromEntries((await allRows(review)).map(({ size, tick }) => [Math.round(size / KIB), tick]));
}
async function tick(review: Review, kib: number, ticked: boolean): Promise<void> {
  const [row] = (await allRows(review)).filter(({ size }) => Math.round(size / KIB) === kib);
  await review.tick({ kind: "groups", ids: [row?.id ?? ""] }, ticked);
}

test("groups and files that were unticked, where they are still; what is new is ticked", async () => {
  const many = copies(100, ["a", "b"]);
  copies(200, ["a", "b", "c"]);
  copies(300, ["a", "b"]);
  copies(400, ["a", "b"]);
  copies(600, ["a", "b"]);
  await scan();
  const review = await bench.openWhole();
  for (const kib of [100, 400]) await tick(review, kib, false);
  const [three] = (await allRows(review)).filter(({ copies: n }) => n === 3);
  const { files } = await review.files(three?.id ?? "", 0, 10);
  await review.tick({ kind: "files", group: three?.id ?? "", ids: [files[2]?.id ?? ""] }, false);
  const before = await review.info();

  // two more copies of what was unticked, another group, and one that goes
  copies(100, ["c", "d"], many);
  copies(500, ["a", "b"]);
  rmSync(bench.path("400-b"));
  await scan();
  const next = await bench.open();
  // not the scan's sum, which is of everything
  expect((await next.info()).sum.predictedBytes).toBe(before.sum.predictedBytes + 500 * KIB);
  expect(await ticks(next)).toEqual({ 100: "none", 200: "some", 300: "all", 500: "all", 600: "all" });
  const again = await next.files(three?.id ?? "", 0, 10);
  expect(again.files.map(({ ticked }) => ticked)).toEqual([true, true, false]);

  // and after a fold of the rest
  await next.fold((await next.info()).sum.revision, OPTIONS, quiet());
  await scan();
  expect(await ticks(await bench.openWhole())).toEqual({ 100: "none", 200: "some" });
});

test("where nearly all was unticked, what is new is not ticked either", async () => {
  for (const kib of [100, 200, 300]) copies(kib, ["a", "b"]);
  await scan();
  const review = await bench.openWhole();
  for (const kib of [100, 300]) await tick(review, kib, false);
  copies(400, ["a", "b"]);
  await scan();
  expect(await ticks(await bench.openWhole())).toEqual({ 100: "none", 200: "all", 300: "none", 400: "none" });
});

test("with everything ticked again, all that comes is; another setting asks for another review, with the same ticks", async () => {
  for (const kib of [100, 200, 300]) copies(kib, ["a", "b"]);
  await scan();
  await tick(await bench.openWhole(), 200, false);
  const larger = await bench.openWhole({ minSize: 150 * KIB });
  expect(await ticks(larger)).toEqual({ 200: "none", 300: "all" });
  await tick(larger, 200, true);
  expect(await ticks(await bench.openWhole())).toEqual({ 100: "all", 200: "all", 300: "all" });
});

test("rows of parts of files", async () => {
  for (const mib of [1, 3]) {
    const common = randomBytes(mib * KIB * KIB);
    for (const copy of ["a", "b"])
      writeFileSync(bench.path(`part-${String(mib)}-${copy}`), Buffer.concat([randomBytes(65_536), common]));
  }
  await scan();
  const signal = new AbortController().signal;
  const open = async (): Promise<Review> => {
    const review = await bench.openWhole({ deep: DEEP_DEFAULTS });
    await review.ranges(signal);
    return review;
  };
  const review = await open();
  const rows = await allRows(review, { kind: "range" });
  expect(rows).toHaveLength(2);
  await review.tick({ kind: "groups", ids: [rows[0]?.id ?? ""] }, false);
  copies(100, ["a", "b"]);
  await scan();
  const next = await open();
  const after = await allRows(next, { kind: "range" });
  expect(Object.fromEntries(after.map(({ id, tick: of }) => [id, of]))).toEqual({
    [rows[0]?.id ?? ""]: "none",
    [rows[1]?.id ?? ""]: "all",
  });
});
