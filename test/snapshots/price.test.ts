/** What folding into snapshots takes of metadata is said before, and is not more than was said. */
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cloneRange, withFd } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { fill, reflink, write } from "../exact/support.ts";
import { foldSnapshots } from "./support.ts";

interface Preview {
  readonly predictedBytes: number;
  readonly metadataBytes?: number;
}

async function preview(volume: LoopVolume, ...words: string[]): Promise<Preview> {
  const run = await refold(["dedup", "-n", "--json", "--db", volume.beside("db"), ...words, volume.path]);
  const [first] = (run.expectCode(0).json() as { volumes: Preview[] }).volumes;
  if (first === undefined) throw new Error("no volume in the answer");
  return first;
}

/** Folds with snapshots. @returns bytes of metadata that were promised to be the most, and that it took */
async function priceOf(volume: LoopVolume): Promise<{ most: number; took: number }> {
  const { metadataBytes } = await preview(volume, "--snapshots");
  if (metadataBytes === undefined) throw new Error("no price was said");
  volume.settle();
  const before = volume.usage().metadataUsed;
  const fold = await foldSnapshots(volume);
  expect(fold.skipped).toEqual([]);
  return { most: metadataBytes, took: volume.usage().metadataUsed - before };
}

/** Files in subvolume "home", copies side by side, and snapshots of it. */
function many(volume: LoopVolume, files: number, copies: number, bytes: number, snapshots: number): void {
  const random = new Random(files);
  volume.createSubvolume("home");
  for (let k = 0; k < files; k++) {
    const data = random.bytes(bytes);
    for (let copy = 0; copy < copies; copy++) write(join(volume.path, `home/d${copy}/file-${k}`), data);
  }
  volume.sync();
  for (let k = 0; k < snapshots; k++) volume.snapshot("home", `kept-${k}`, { readOnly: true });
  volume.sync();
}

test("nothing is said of it without --snapshots", async () => {
  using volume = LoopVolume.create();
  many(volume, 2, 2, 5000, 1);
  expect(await preview(volume)).not.toHaveProperty("metadataBytes");
});

test("many small files in several snapshots: every leaf is stored anew, within what was said", async () => {
  using volume = LoopVolume.create();
  many(volume, 800, 2, 4096, 3);
  const { most, took } = await priceOf(volume);
  expect(took).toBeGreaterThan(1_000_000);
  expect(took).toBeLessThanOrEqual(most);
  expect(most).toBeLessThan(4 * took);
});

test("a file that comes to lie in a thousand pieces, in every snapshot", async () => {
  using volume = LoopVolume.create();
  many(volume, 1000, 1, 800, 0); // so that the tree has leaves to share
  const path = (name: string): string => join(volume.path, "home", name);
  const noise = new Random(4).bytes(1000 * 8192);
  write(path("whole"), noise);
  volume.sync();
  withFd(path("whole"), (from) => {
    const to = openSync(path("pieces"), constants.O_RDWR | constants.O_CREAT);
    // every other block of it
    for (let k = 0; k < 1000; k++) cloneRange(from, k * 8192, 4096, to, k * 4096);
    closeSync(to);
  });
  // two that share their data make the better source
  reflink(path("pieces"), path("pieces-2"));
  write(path("copy"), readFileSync(path("pieces")));
  volume.sync();
  for (let k = 0; k < 3; k++) volume.snapshot("home", `kept-${k}`, { readOnly: true });
  volume.sync();
  const { most, took } = await priceOf(volume);
  expect(took).toBeGreaterThan(200_000);
  expect(took).toBeLessThanOrEqual(most);
});

test("a mixed volume", async () => {
  using volume = LoopVolume.create({ mountOptions: ["compress-force=zstd:3"] });
  fill(volume, new Random(8));
  const { most, took } = await priceOf(volume);
  expect(took).toBeLessThanOrEqual(most);
});
