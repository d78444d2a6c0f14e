/** Copies in several read-only snapshots are one row of a review, and are shown and counted one by one. */
import { renameSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { Random } from "../support/random.ts";
import { BY_SAVING, EVERYTHING, ReviewBench } from "./support.ts";

const SNAPSHOTS = ["first", "second", "third"];

let bench: ReviewBench;
beforeAll(async () => {
  bench = new ReviewBench();
  bench.volume.createSubvolume("home");
  mkdirSync(bench.path("home/folder"));
  const bytes = new Random(1).bytes(50_000);
  for (const name of ["home/folder/a", "home/b"]) writeFileSync(bench.path(name), bytes);
  bench.volume.sync();
  for (const name of SNAPSHOTS) {
    bench.volume.snapshot("home", name, { readOnly: true });
    // a folder of another name says nothing of the file in it
    if (name === "first") renameSync(bench.path("home/folder"), bench.path("home/renamed"));
    bench.volume.sync();
  }
  await bench.scan();
});
afterAll(() => {
  bench.volume.dispose();
});

test("each copy is listed at its own path, and counted", async () => {
  const review = await bench.openWhole();
  try {
    const { rows } = await review.rows({ filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 10 });
    expect(rows).toMatchObject([{ copies: 8, toFold: 1, snapshotCopies: 6, frees: 0 }]);
    const id = rows[0]?.id ?? "";
    const { total, files } = await review.files(id, 0, 100);
    expect(total).toBe(8);
    const paths = files.map(({ path }) => path.slice(bench.volume.path.length + 1)).sort();
    expect(paths).toEqual(
      [
        ...["home/renamed/a", "home/b"],
        ...["first/folder/a", "first/b"],
        ...["second/renamed/a", "second/b", "third/renamed/a", "third/b"],
      ].sort(),
    );
    for (const { path, subvolume } of files) expect(path).toContain(`/${subvolume}/`);
    expect(new Set(files.map((file) => file.id)).size).toBe(8);
    // a page in the middle of what is one row
    const pages = await Promise.all([0, 3, 6].map((offset) => review.files(id, offset, 3)));
    expect(pages.flatMap((page) => page.files)).toEqual(files);
  } finally {
    review.close();
  }
});

test("the selection of a filter by a snapshot finds it, whichever of them it is", async () => {
  const review = await bench.openWhole();
  try {
    const { subvolumes } = await review.facets();
    expect(subvolumes.map(({ path }) => path).sort()).toEqual(["home", ...SNAPSHOTS].sort());
    for (const { id } of subvolumes) {
      const filter = { ...NO_FILTER, subvolumes: [id] };
      const { total } = await review.rows({ filter, sort: BY_SAVING, offset: 0, limit: 10 });
      expect(total).toBe(1);
    }
  } finally {
    review.close();
  }
});

test("with snapshots to be folded too, each is a file of its own, and the sum is the volume's", async () => {
  const review = await bench.openWhole({ snapshots: true });
  try {
    const { sum } = await review.info();
    const preview = await bench.withVolume((volume) =>
      volume.preview(
        { ...EVERYTHING, snapshots: true },
        { lock: "immutable", defrag: false, priority: "normal" },
      ),
    );
    expect(sum).toMatchObject({ files: 4, predictedBytes: 53_248, pinnedBytes: 0 });
    expect(preview).toMatchObject({ files: 4, predictedBytes: 53_248 });
  } finally {
    review.close();
  }
});
