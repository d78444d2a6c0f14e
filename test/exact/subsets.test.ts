/** For any part of the groups that somebody ticks, the promise is what the filesystem gains. */
import { expect, test } from "vitest";
import type { FoldOptions } from "../../src-helper/engine/contract.ts";
import { allFiles, allRows, quiet, ReviewBench } from "../review/support.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import type { LoopVolumeOptions } from "../support/volume.ts";
import { fill, freeEstimated } from "./support.ts";

const OPTIONS: FoldOptions = { lock: "lease", defrag: false, priority: "normal" };

const VOLUMES: readonly [name: string, options: LoopVolumeOptions][] = [
  ["zstd", { mountOptions: ["compress-force=zstd:3"] }],
  ["lzo", { mountOptions: ["compress-force=lzo"] }],
  ["RAID1 on two devices", { devices: 2, size: "1G", mkfs: ["--data", "raid1"] }],
];

test.each(VOLUMES)(
  "%s: parts of the groups, one after the other, the last with snapshots",
  async (name, options) => {
    const random = new Random(name.length * 77);
    using bench = new ReviewBench(options);
    fill(bench.volume, random);
    const state = snapshotState(bench.volume.path);
    await bench.scan();
    for (const snapshots of [false, false, true]) {
      const review = await bench.openWhole({ snapshots });
      for (const { id } of await allRows(review)) {
        const files = await allFiles(review, id);
        const out = random.chance(0.3) ? files : files.filter(() => random.chance(0.3));
        const ids = out.map((file) => file.id);
        if (ids.length > 0) await review.tick({ kind: "files", group: id, ids }, false);
      }
      const { sum } = await review.info();
      bench.volume.settle();
      const [used, free] = [bench.volume.usage().dataUsed, freeEstimated(bench.volume)];
      const result = await review.fold(sum.revision, OPTIONS, quiet());
      bench.volume.settle();
      expect(result.skipped).toEqual([]);
      expect(sum.predictedBytes).toBeGreaterThan(0);
      expect(used - bench.volume.usage().dataUsed).toBe(sum.predictedBytes);
      expect(freeEstimated(bench.volume) - free).toBe(sum.predictedBytes);
      expect(result.freedBytes).toBe(sum.predictedBytes);
      bench.reviews.closeAll();
    }
    expect(diffStates(state, snapshotState(bench.volume.path))).toEqual([]);
  },
);
