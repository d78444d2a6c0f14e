/** For any part of the groups that somebody ticks, the promise is what the filesystem gains. */
import { expect, test } from "vitest";
import { DEEP_DEFAULTS, type FoldOptions } from "../../src-helper/engine/contract.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { allFiles, allRows, quiet, ReviewBench } from "../review/support.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import type { LoopVolumeOptions } from "../support/volume.ts";
import { expectPromised, fill, freeEstimated, MIB } from "./support.ts";

const OPTIONS: FoldOptions = { lock: "lease", defrag: false, priority: "normal" };
const DEEP = { ...DEEP_DEFAULTS, memory: 32 * MIB };

const VOLUMES: readonly [name: string, options: LoopVolumeOptions][] = [
  ["plain", {}],
  ["zstd", { mountOptions: ["compress-force=zstd:3"] }],
  ["RAID1 on two devices", { devices: 2, size: "1G", mkfs: ["--data", "raid1"] }],
];

/** One after the other on the same volume. */
const FOLDS = [
  { snapshots: false, deep: null },
  { snapshots: false, deep: DEEP },
  { snapshots: true, deep: null },
  { snapshots: true, deep: DEEP },
];

/** Unticks some files, some groups whole, and some ranges; what the review before left out is back in the lot. */
async function tickSome(review: Review, random: Random): Promise<void> {
  await review.tick({ kind: "filter", filter: NO_FILTER }, true);
  for (const { id } of await allRows(review, { kind: "file" })) {
    const files = await allFiles(review, id);
    const out = random.chance(0.3) ? files : files.filter(() => random.chance(0.3));
    const ids = out.map((file) => file.id);
    if (ids.length > 0) await review.tick({ kind: "files", group: id, ids }, false);
  }
  await review.ranges(new AbortController().signal);
  const ranges = (await allRows(review, { kind: "range" })).filter(() => random.chance(0.3));
  if (ranges.length > 0) await review.tick({ kind: "groups", ids: ranges.map(({ id }) => id) }, false);
}

test.each(VOLUMES)("%s: parts of the groups, one after the other", async (name, options) => {
  const random = new Random(name.length * 77);
  using bench = new ReviewBench(options);
  const { volume } = bench;
  fill(volume, random);
  const state = snapshotState(volume.path);
  await bench.scan();
  let extents = 0;
  for (const words of FOLDS) {
    const review = await bench.openWhole(words);
    await review.ranges(new AbortController().signal);
    await tickSome(review, random);
    const sum = await review.ranges(new AbortController().signal);
    volume.settle();
    const [used, free] = [volume.usage().dataUsed, freeEstimated(volume)];
    const result = await review.fold(sum.revision, OPTIONS, quiet());
    volume.settle();
    expect(result.skipped).toEqual([]);
    expect(sum.predictedBytes).toBeGreaterThan(0);
    const gained = used - volume.usage().dataUsed;
    expect(result.freedBytes).toBe(gained);
    expect(freeEstimated(volume) - free).toBe(gained);
    expect(result.predictedBytes).toBe(sum.predictedBytes);
    // how small compressed data comes out when a part of it is written anew is known afterwards
    if (words.deep !== null && options.mountOptions !== undefined) expectPromised(sum.predictedBytes, gained);
    else expect(sum.predictedBytes).toBe(gained);
    extents += result.ranges?.extents ?? 0;
    bench.reviews.closeAll();
  }
  expect(extents).toBeGreaterThan(0);
  expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
});
