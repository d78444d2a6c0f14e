/** What read-only snapshots keep of that which a fold lets go of: which ones, and what comes back when they go. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { clonePart, fill, foldMeasured, MIB, write } from "../exact/support.ts";

interface Holder {
  readonly path: string;
  readonly subvolumeId: number;
  readonly bytes: number;
  readonly aloneBytes: number;
}
interface Pinned {
  readonly aloneBytes: number;
  readonly sharedBytes: number;
  readonly otherBytes: number;
  readonly foldedBytes: number;
  readonly snapshots: readonly Holder[];
  readonly ranges?: { readonly bytes: number; readonly snapshots: readonly Holder[] };
}
interface DryRun {
  readonly predictedBytes: number;
  readonly pinnedBytes: number;
  readonly pinned?: Pinned;
}

let volume: LoopVolume;
const random = new Random(77);

beforeEach(() => {
  volume = LoopVolume.create();
  volume.createSubvolume("home");
});
afterEach(() => {
  volume.dispose();
});

function copies(bytes: number, ...names: string[]): void {
  const data = random.bytes(bytes);
  for (const name of names) write(join(volume.path, name), data);
  volume.sync();
}

async function dryRun(...words: string[]): Promise<DryRun> {
  const run = await refold(["dedup", "-n", "--json", "--db", volume.beside("db"), ...words, volume.path]);
  const [first] = (run.expectCode(0).json() as { volumes: DryRun[] }).volumes;
  if (first === undefined) throw new Error("no volume in the answer");
  return first;
}

function snapshot(name: string): void {
  volume.snapshot("home", name, { readOnly: true });
  volume.sync();
}

/** Without the copies of what is left in a snapshot only: they would be folded onto it, and keep it from going. */
function fillOutside(of: LoopVolume, seed: number): void {
  fill(of, new Random(seed * 1000));
  for (const name of ["loose/after", "loose/after-2"]) rmSync(join(of.path, name));
  of.settle();
}

/** @returns bytes that come back */
function deleteReadOnly(of: LoopVolume): number {
  of.settle();
  const used = of.usage().dataUsed;
  for (const name of ["kept-one", "kept-two", "kept-late"]) of.deleteSubvolume(name);
  of.settle();
  return used - of.usage().dataUsed;
}

test("bytes by snapshot: what each alone holds, and what only several hold together", async () => {
  copies(MIB, "home/a", "home/a-2"); // in all three
  snapshot("first");
  copies(2 * MIB, "home/b", "home/b-2"); // in the second and third
  snapshot("second");
  copies(4 * MIB, "home/c", "home/c-2"); // in the third
  snapshot("third");
  copies(8 * MIB, "home/d", "home/d-2"); // in none
  const { predictedBytes, pinnedBytes, pinned } = await dryRun();
  expect(predictedBytes).toBe(8 * MIB);
  expect(pinnedBytes).toBe(7 * MIB);
  expect(pinned).toMatchObject({
    aloneBytes: 4 * MIB,
    sharedBytes: 3 * MIB,
    otherBytes: 0,
    foldedBytes: 7 * MIB,
    snapshots: [
      { path: "third", bytes: 7 * MIB, aloneBytes: 4 * MIB },
      { path: "second", bytes: 3 * MIB, aloneBytes: 0 },
      { path: "first", bytes: MIB, aloneBytes: 0 },
    ],
  });
  const text = await refold(["dedup", "-n", "--db", volume.beside("db"), volume.path]);
  expect(text.stdout).toContain("3 read-only snapshots keep 7.0 MiB more from being given back:");
  expect(text.stdout).toContain("7.0 MiB held by third, 4.0 MiB of it alone");
  expect(text.stdout).toContain("With --snapshots a fold gives back 7.0 MiB more.");
  const scan = await refold(["scan", "--pinned", "--json", "--db", volume.beside("db"), volume.path]);
  expect((scan.expectCode(0).json() as { volumes: { pinned: Pinned }[] }).volumes[0]?.pinned).toEqual(pinned);

  // it is as it was said: fold, then delete one after the other
  const fold = await foldMeasured(volume, []);
  expect(fold.gained).toBe(8 * MIB);
  for (const [name, bytes] of [
    ["third", 4 * MIB],
    ["first", 0],
    ["second", 3 * MIB],
  ] as const) {
    const used = volume.usage().dataUsed;
    volume.deleteSubvolume(name);
    volume.settle();
    expect(used - volume.usage().dataUsed, name).toBe(bytes);
  }
});

test("what other files hold is not said of snapshots", async () => {
  copies(MIB, "home/a", "home/a-2");
  copies(2 * MIB, "home/b", "home/b-2", "home/b-3");
  clonePart(join(volume.path, "home/a-2"), 4096, 8192, join(volume.path, "home/part"));
  volume.sync();
  snapshot("kept");
  rmSync(join(volume.path, "home/b-3"));
  volume.sync();
  const { pinned } = await dryRun();
  expect(pinned).toMatchObject({ aloneBytes: 2 * MIB, sharedBytes: 0, otherBytes: MIB });
  expect(pinned?.snapshots).toMatchObject([{ path: "kept", bytes: 3 * MIB, aloneBytes: 2 * MIB }]);
  // with the snapshot gone, that part is still there
  await foldMeasured(volume, []);
  const used = volume.usage().dataUsed;
  volume.deleteSubvolume("kept");
  volume.settle();
  // b-3 was in the snapshot alone
  expect(used - volume.usage().dataUsed).toBe(4 * MIB);
});

test("nothing is said where no snapshot keeps anything", async () => {
  copies(MIB, "home/a", "home/a-2");
  const { pinnedBytes, pinned } = await dryRun();
  expect(pinnedBytes).toBe(0);
  expect(pinned).toBeUndefined();
});

test("a file that is immutable, and a selection, are taken for what they are", async () => {
  copies(MIB, "home/a", "home/a-2", "loose/a-3");
  copies(2 * MIB, "home/x/b", "loose/x/b-2");
  snapshot("kept");
  changeFlags(join(volume.path, "loose/a-3"), FileFlag.immutable);
  volume.sync();
  try {
    const { pinned } = await dryRun("--exclude", "x");
    // a-2 alone is moved: the snapshot has a where the source is
    expect(pinned).toMatchObject({ aloneBytes: MIB, sharedBytes: 0, otherBytes: 0 });
  } finally {
    changeFlags(join(volume.path, "loose/a-3"), 0, FileFlag.immutable);
  }
});

test.each([1, 2])(
  "on a mixed volume the sums are what comes back when all snapshots go (seed %i)",
  async (seed) => {
    fillOutside(volume, seed);
    const { pinnedBytes, pinned } = await dryRun();
    if (pinned === undefined) throw new Error("nothing is pinned");
    expect(pinned.aloneBytes + pinned.sharedBytes + pinned.otherBytes).toBe(pinnedBytes);
    expect(pinned.snapshots.reduce((sum, { aloneBytes }) => sum + aloneBytes, 0)).toBe(pinned.aloneBytes);
    const withThem = await dryRun("--snapshots");
    const without = await dryRun();
    expect(pinned.foldedBytes).toBe(withThem.predictedBytes - without.predictedBytes);
    // what they hold whether or not anything is folded
    using same = LoopVolume.create();
    fillOutside(same, seed);
    const anyway = deleteReadOnly(same);
    await foldMeasured(volume, []);
    expect(deleteReadOnly(volume) - anyway).toBe(pinned.aloneBytes + pinned.sharedBytes);
  },
);

test("parts of files: what could be had, were they moved in snapshots too, and which ones have them", async () => {
  const shared = [random.bytes(4 * MIB), random.bytes(2 * MIB)] as const;
  const of = (name: string, data: Buffer, own: number): void => {
    write(join(volume.path, name), Buffer.concat([random.bytes(own), data]));
    volume.sync();
  };
  of("home/a", shared[0], 256 << 10);
  of("home/a-2", shared[0], 512 << 10);
  snapshot("first"); // has both of the first kind
  of("home/b", shared[1], 128 << 10);
  of("home/b-2", shared[1], 64 << 10);
  snapshot("second"); // all four
  const { predictedBytes, pinned } = await dryRun("--deep");
  expect(predictedBytes).toBe(0);
  expect(pinned).toMatchObject({ aloneBytes: 0, sharedBytes: 0, otherBytes: 0, snapshots: [] });
  expect(pinned?.ranges?.bytes).toBe(6 * MIB);
  expect(pinned?.ranges?.snapshots).toMatchObject([
    { path: "second", bytes: 6 * MIB, aloneBytes: 2 * MIB },
    { path: "first", bytes: 4 * MIB, aloneBytes: 0 },
  ]);
  expect(pinned?.foldedBytes).toBe(6 * MIB);
  expect((await dryRun("--deep", "--snapshots")).predictedBytes).toBe(6 * MIB);
  // and that is what comes
  expect(await foldMeasured(volume, ["--deep", "--snapshots"])).toMatchObject({ freedBytes: 6 * MIB });
});

test("a scan says that something is held back, and how to know who does it", async () => {
  const scan = async (...words: string[]): Promise<string> =>
    (await refold(["scan", "--db", volume.beside("db"), ...words, volume.path])).expectCode(0).stdout;
  copies(MIB, "home/a", "home/a-2");
  expect(await scan()).not.toContain("held back");
  snapshot("kept");
  expect(await scan()).toContain(
    "held back    1.0 MiB more by snapshots or other files; --pinned says which",
  );
  expect(await scan("--pinned")).not.toContain("held back");
  expect(await scan("--snapshots")).not.toContain("held back");
});
