/** What keeps the data that a fold of the ticked lets go of, as a review tells it; and what the fold then gives back. */
import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEEP_DEFAULTS, type FoldOptions, type Pinned } from "../../src-helper/engine/contract.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { StaleReviewError } from "../../src-helper/engine/review/stale.ts";
import { Random } from "../support/random.ts";
import { allRows, EVERYTHING, quiet, ReviewBench } from "./support.ts";

const MIB = 2 ** 20;
const OPTIONS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };
const random = new Random(41);

let bench: ReviewBench;

beforeEach(() => {
  bench = new ReviewBench();
  bench.volume.createSubvolume("home");
});
afterEach(() => {
  bench[Symbol.dispose]();
});

/** Two copies of new data. */
function copies(name: string, bytes: number): void {
  const data = random.bytes(bytes);
  for (const copy of ["1", "2"]) writeFileSync(bench.path(`home/${name}${copy}`), data);
  bench.volume.settle();
}

function snapshot(name: string): void {
  bench.volume.snapshot("home", name, { readOnly: true });
  bench.volume.settle();
}

async function fill(): Promise<void> {
  copies("a", MIB); // held by both
  snapshot("first");
  copies("b", 2 * MIB); // by the second
  snapshot("second");
  copies("c", 4 * MIB); // by none
  await bench.scan();
}

const pinned = (review: Review): ReturnType<Review["pinned"]> => review.pinned(new AbortController().signal);
const named = ({ snapshots }: Pick<Pinned, "snapshots">): [string, number, number][] =>
  snapshots.map(({ path, bytes, aloneBytes }) => [path.toString(), bytes, aloneBytes]);

async function untick(review: Review, size: number): Promise<void> {
  const [row] = (await allRows(review)).filter((one) => one.size === size);
  await review.tick({ kind: "groups", ids: [row?.id ?? ""] }, false);
}

test("is of what is ticked, and adds up to the sum's", async () => {
  await fill();
  const review = await bench.openWhole();
  const all = await pinned(review);
  expect(all).toMatchObject({ aloneBytes: 2 * MIB, sharedBytes: MIB, otherBytes: 0, foldedBytes: 3 * MIB });
  expect(named(all)).toEqual([
    ["second", 3 * MIB, 2 * MIB],
    ["first", MIB, 0],
  ]);
  expect(all.metadataBytes).toBeGreaterThan(0);
  expect((await review.info()).sum.pinnedBytes).toBe(3 * MIB);
  // the engine says the same of everything
  expect(all).toMatchObject(await bench.withVolume((volume) => volume.pinned(EVERYTHING, quiet())));

  await untick(review, 2 * MIB);
  const some = await pinned(review);
  expect(some).toMatchObject({ aloneBytes: 0, sharedBytes: MIB, foldedBytes: 3 * MIB });
  expect(named(some)).toEqual([
    ["first", MIB, 0],
    ["second", MIB, 0],
  ]);
  expect((await review.info()).sum.pinnedBytes).toBe(MIB);

  // and it is so: what is folded comes back with the last of the two
  await review.fold((await review.info()).sum.revision, OPTIONS, quiet());
  bench.volume.settle();
  for (const [name, bytes] of [
    ["first", 0],
    // and what else it held alone: its own copies of what was not folded are home's, too
    ["second", MIB],
  ] as const) {
    const used = bench.volume.usage().dataUsed;
    bench.volume.deleteSubvolume(name);
    bench.volume.settle();
    expect(used - bench.volume.usage().dataUsed, name).toBe(bytes);
  }
});

test("with copies in snapshots to be folded nothing is kept, and the price is of what is ticked", async () => {
  await fill();
  const review = await bench.openWhole({ snapshots: true });
  const all = await pinned(review);
  expect(all).toMatchObject({ aloneBytes: 0, sharedBytes: 0, otherBytes: 0, foldedBytes: 0, snapshots: [] });
  expect((await review.info()).sum.predictedBytes).toBe(7 * MIB);
  const price = async (): Promise<number> => (await pinned(review)).metadataBytes;
  expect(all.metadataBytes).toBeGreaterThan(0);
  for (const size of [MIB, 2 * MIB, 4 * MIB]) await untick(review, size);
  expect(await price()).toBe(0);
});

test("a review that is out of date says so, one that is closed meanwhile too", async () => {
  await fill();
  const review = await bench.openWhole();
  const asked = pinned(review);
  review.close();
  await expect(asked).rejects.toThrow(StaleReviewError);
  const other = await bench.openWhole();
  rmSync(bench.path("home/a1"));
  bench.volume.settle();
  await bench.scan();
  await expect(pinned(other)).rejects.toThrow(StaleReviewError);
});

test("in parts of files it is of everything, as the engine says; asked for where parts are looked for", async () => {
  const common = random.bytes(8 * MIB);
  for (const copy of ["1", "2"])
    writeFileSync(bench.path(`home/part${copy}`), Buffer.concat([random.bytes(65_536), common]));
  bench.volume.settle();
  await fill();
  const ask = (review: Review): ReturnType<Review["pinnedRanges"]> =>
    review.pinnedRanges(new AbortController().signal);
  expect(await ask(await bench.openWhole())).toBeNull();
  expect(await ask(await bench.openWhole({ deep: DEEP_DEFAULTS, snapshots: true }))).toBeNull();

  const review = await bench.openWhole({ deep: DEEP_DEFAULTS });
  const found = await ask(review);
  if (found === null) throw new Error("it was asked for");
  expect(found.bytes).toBeGreaterThan(7 * MIB);
  expect(named(found)).toEqual([
    ["first", found.bytes, 0],
    ["second", found.bytes, 0],
  ]);
  const told = await bench.withVolume((volume) => volume.pinned(EVERYTHING, quiet(), DEEP_DEFAULTS));
  expect(told.ranges).toEqual({ bytes: found.bytes, snapshots: found.snapshots });
  expect(told.foldedBytes).toBe((await pinned(review)).foldedBytes + found.foldedBytes);

  const asked = ask(review);
  review.close();
  await expect(asked).rejects.toThrow(StaleReviewError);
});
