/** A review shows, sums up and folds what rules and attributes let it, and is out of date when rules change. */
import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OpenReviews } from "../../src-helper/engine/review/reviews.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { StaleReviewError } from "../../src-helper/engine/review/stale.ts";
import { setXattr } from "../support/libc.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { allFiles, allRows, namesContext, quiet } from "../review/support.ts";
import { OPT_OUT, RulesBench } from "./support.ts";

const MIB = 2 ** 20;
let bench: RulesBench;
let reviews: OpenReviews;

beforeEach(() => {
  bench = new RulesBench();
  reviews = new OpenReviews();
});
afterEach(() => {
  reviews.closeAll();
  bench[Symbol.dispose]();
});

async function open(exclude: readonly string[] = []): Promise<Review> {
  const review = await reviews.open({
    uuid: bench.volume.uuid,
    databaseDir: bench.volume.beside("db"),
    rulesFile: bench.file,
    warn: (message) => {
      throw new Error(message);
    },
    minSize: 4096,
    exclude,
    snapshots: false,
  });
  await review.names(namesContext());
  return review;
}

async function paths(review: Review): Promise<string[]> {
  const rows = await allRows(review);
  const files = await Promise.all(rows.map((row) => allFiles(review, row.id)));
  return files
    .flat()
    .map(({ path }) => path.slice(bench.volume.path.length + 1))
    .sort();
}

test("leaves out what is under never or has the attribute, and folds exactly the rest", async () => {
  bench.copies(MIB, "home/1", "home/2", "home/vm/1", "home/kept/1");
  bench.copies(2 * MIB, "home/vm/a", "home/vm/b");
  setXattr(bench.path("home/kept"), OPT_OUT, "never");
  await bench.set("home/vm", "never");
  await bench.scan();
  const review = await open();
  expect(await paths(review)).toEqual(["home/1", "home/2"]);
  const { sum, groups } = await review.info();
  expect([groups, sum.files, sum.predictedBytes]).toEqual([1, 1, MIB]);
  const [before, used] = [snapshotState(bench.path("home/vm")), bench.volume.usage().dataUsed];
  const options = { lock: "immutable", defrag: false, priority: "normal" } as const;
  const result = await review.fold(sum.revision, options, quiet());
  expect(result).toMatchObject({ files: 1, predictedBytes: MIB, freedBytes: MIB });
  bench.volume.settle();
  expect(used - bench.volume.usage().dataUsed).toBe(MIB);
  expect(diffStates(before, snapshotState(bench.path("home/vm")))).toEqual([]);
});

test("globs come and go, and rules stay", async () => {
  bench.copies(MIB, "a/1", "a/2", "a/3", "vm/1");
  await bench.set("vm", "never");
  await bench.scan();
  const review = await open(["**/3"]);
  expect(await paths(review)).toEqual(["a/1", "a/2"]);
  await review.exclude([]);
  expect(await paths(review)).toEqual(["a/1", "a/2", "a/3"]);
  expect((await review.info()).sum.predictedBytes).toBe(2 * MIB);
  // and what is ticked again is not ticked in what they leave out
  const [group] = await allRows(review);
  await review.tick({ kind: "groups", ids: [group?.id ?? ""] }, false);
  const sum = await review.tick({ kind: "groups", ids: [group?.id ?? ""] }, true);
  expect(sum.predictedBytes).toBe(2 * MIB);
});

test("a rule that is made or taken away puts it out of date, before anything is folded", async () => {
  bench.copies(MIB, "a/1", "a/2");
  mkdirSync(bench.path("elsewhere"));
  await bench.scan();
  const review = await open();
  const { revision } = (await review.info()).sum;
  await bench.set("elsewhere", "never");
  await expect(review.info()).rejects.toThrow(StaleReviewError);
  const options = { lock: "immutable", defrag: false, priority: "normal" } as const;
  await expect(review.fold(revision, options, quiet())).rejects.toThrow(StaleReviewError);
  expect(await paths(await open())).toEqual(["a/1", "a/2"]);
});
