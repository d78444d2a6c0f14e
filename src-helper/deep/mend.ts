import type { Extent } from "../btrfs/extents.ts";
import type { RunContext } from "../engine/contract.ts";
import { readInodes, type FreshInode } from "../dedupe/inodes.ts";
import { FreedMeter } from "../dedupe/freed.ts";
import { lockFiles, releaseLocks, type FileLock } from "../dedupe/locks.ts";
import type { FoldVolume } from "../dedupe/types.ts";
import { fileId, type Journal, type JournaledRewrite } from "../journal/store.ts";
import { callAsync, Control, NativeError, tryCall, tryCallAsync } from "../native/library.ts";
import { extentsIn, liesAt } from "./mapping.ts";
import { copiesOf } from "./victim-plan.ts";
import { closePair, copyParts } from "./temp.ts";

const CHUNK = 16 << 20;

/** A range of the journal, its file locked. */
interface Row {
  readonly rewrite: JournaledRewrite;
  readonly lock: FileLock;
  /** How much of it still refers to the old extent. Long ranges are moved a piece at a time. */
  readonly old: "all" | "part" | "none";
  /** What it lies in now. */
  readonly extents: readonly Extent[];
}

/** What mending came to. */
export interface Mended {
  /** Extents that could not be mended; their entries stay in the journal. */
  readonly left: number;
  /** Extents of which some ranges were moved. */
  readonly moved: number;
  /** What the filesystem gained by it. */
  readonly freedBytes: number;
}

/**
 * Ends what a run that was cut off left half done: extents of which some ranges
 * were moved onto a copy, so that both take room, or that hold no more than what
 * was to be moved there. That is copied anew, and all its ranges are moved onto
 * the new copy. Our immutable flag, where the run left it on one of the files, is
 * cleared. The caller holds the volume's lock.
 *
 * @throws NativeError, SqliteError
 */
export async function mendRewrites(volume: FoldVolume, journal: Journal, ctx: RunContext): Promise<Mended> {
  const rewrites = journal.openRewrites();
  if (rewrites.length === 0) return { left: 0, moved: 0, freedBytes: 0 };
  const ours = new Set(journal.openIntents().map(fileId));
  const over: { run: number; extent: number }[] = [];
  const meter = new FreedMeter();
  let left = 0;
  let moved = 0;
  for (const rows of Map.groupBy(rewrites, ({ run, extent }) => `${run}:${extent}`).values()) {
    const [first] = rows;
    if (first === undefined) continue;
    const end = await mendExtent(volume, rows, ours, meter);
    if (end === "left") left++;
    else over.push(first);
    if (end === "moved") moved++;
  }
  await callAsync("rf_syncfs", volume.dir);
  // what could not be moved whole is counted, too: its copy takes room
  const { goneBytes, writtenBytes } = await meter.measure(volume, new Control(), () => undefined);
  for (const { run, extent } of over) journal.removeRewrites(run, [extent]);
  if (left > 0) {
    ctx.log(
      "warning",
      `An earlier run could not end moving ranges of ${left === 1 ? "an extent" : `${left} extents`} onto a copy, so that more room is taken than need be. Contents are whole. \`refold repair\` ends that when the files are not in use.`,
    );
  }
  return { left, moved, freedBytes: goneBytes - writtenBytes };
}

/**
 * @param ours files that an immutable flag is ours of
 * @param meter is told what ranges are taken from, and what is written
 * @returns "none": nothing was to be done
 */
async function mendExtent(
  volume: FoldVolume,
  rewrites: readonly JournaledRewrite[],
  ours: ReadonlySet<string>,
  meter: FreedMeter,
): Promise<"none" | "moved" | "left"> {
  const files = [...new Map(rewrites.map((one) => [fileId(one), one])).values()];
  const locks = await lockFiles(
    volume,
    files.map((file) => ({ file, flag: false })),
  );
  try {
    const byFile = new Map(locks.map((lock) => [fileId(lock.file), lock]));
    const fresh = await readAll(volume, locks);
    const rows = rewrites.map((rewrite): Row | null => {
      const lock = byFile.get(fileId(rewrite));
      if (lock === undefined) return null;
      const range = {
        file: 0,
        fileOffset: rewrite.fileOffset,
        bytenr: rewrite.extent,
        offset: rewrite.extentOffset,
      };
      const extents = fresh.get(fileId(rewrite))?.extents ?? [];
      const inRange = extentsIn(extents, rewrite.fileOffset, rewrite.length);
      const part = inRange.some(({ bytenr }) => bytenr === rewrite.extent) ? "part" : "none";
      const old = liesAt(extents, range, rewrite.length) ? "all" : part;
      return { rewrite, lock, old, extents: inRange };
    });
    // a file that is gone, or cut short, has nothing to mend
    const there = rows.filter((row) => row !== null && (row.lock.fd >= 0 || row.lock.stage !== "open"));
    const known = there.filter((row) => row !== null);
    if (known.some(({ lock }) => lock.fd < 0 || !isWritable(lock, ours))) return "left";
    const usable = known.filter(({ rewrite, lock }) => rewrite.fileOffset + rewrite.length <= lock.size);
    const rest = usable.filter(({ rewrite }) => rewrite.target >= 0);
    // where ranges are still to be moved elsewhere, the next search finds the extent again
    if (
      usable.length > rest.length &&
      usable.some(({ rewrite, old }) => old !== "none" && rewrite.target < 0)
    )
      return "none";
    if (rest.every((row) => row.old === "none")) return "none";
    return (await moveAll(volume, rest, meter)) ? "moved" : "left";
  } finally {
    await releaseLocks(volume, locks);
  }
}

/** Whether ranges can be moved into a locked file. A flag of ours is cleared for that; the lease stays. */
function isWritable({ file, fd, wasImmutable }: FileLock, ours: ReadonlySet<string>): boolean {
  return !wasImmutable || (ours.has(fileId(file)) && tryCall("rf_set_immutable", fd, 0) === 0);
}

const HOLDS: readonly Row["old"][] = ["all", "part", "none"];

async function moveAll(volume: FoldVolume, rows: readonly Row[], meter: FreedMeter): Promise<boolean> {
  const [first] = rows;
  if (first === undefined) return true;
  // of equal places those that certainly hold the old bytes come first
  const ordered = rows.toSorted((a, b) => HOLDS.indexOf(a.old) - HOLDS.indexOf(b.old));
  const copies = copiesOf(
    ordered.map(({ rewrite }, file) => ({
      to: { file, fileOffset: rewrite.fileOffset, bytenr: rewrite.extent, offset: rewrite.extentOffset },
      target: rewrite.target,
      length: rewrite.length,
    })),
  );
  const parts = copies.map(({ to, target, length }) => ({
    fd: ordered[to.file]?.lock.fd ?? -1,
    fileOffset: to.fileOffset,
    target,
    length,
  }));
  try {
    const generation = volume.generation();
    for (const { extents } of rows) for (const extent of extents) meter.note(extent, generation);
    const pair = await copyParts(volume, first.rewrite.kind, parts);
    meter.noteCopy(pair.extents, volume.generation());
    let all = true;
    try {
      // what is on the old extent last: while any of it is, a mending that is cut off is begun anew
      for (const { rewrite, lock } of ordered.toReversed()) {
        all = (await share(volume, pair.copy, rewrite, lock.fd)) && all;
      }
    } finally {
      closePair(pair);
    }
    return all;
  } catch (error) {
    if (error instanceof NativeError) return false;
    throw error;
  }
}

/**
 * Moves a range onto the copy, but for blocks that were written to since: those do not lie in the old extent.
 * @returns false where the kernel refuses
 */
async function share(
  volume: FoldVolume,
  copy: number,
  rewrite: JournaledRewrite,
  fd: number,
): Promise<boolean> {
  const piece = async (done: number, size: number): Promise<boolean> => {
    const [status, bytes] = [new Int32Array(1), new Float64Array(1)];
    const [fds, offsets] = [Int32Array.of(fd), Float64Array.of(rewrite.fileOffset + done)];
    const source = rewrite.target + done;
    const result = await tryCallAsync("rf_dedupe", copy, source, size, fds, offsets, 1, status, bytes);
    if (result < 0 || (status[0] ?? 0) < 0) return false;
    if (status[0] === 0 || size <= volume.sectorSize) return true;
    const half = Math.ceil(size / 2 / volume.sectorSize) * volume.sectorSize;
    return (await piece(done, half)) && (await piece(done + half, size - half));
  };
  for (let done = 0; done < rewrite.length; done += CHUNK) {
    if (!(await piece(done, Math.min(CHUNK, rewrite.length - done)))) return false;
  }
  return true;
}

async function readAll(volume: FoldVolume, locks: readonly FileLock[]): Promise<Map<string, FreshInode>> {
  const fresh = new Map<string, FreshInode>();
  const held = locks.filter((lock) => lock.fd >= 0);
  for (const [subvolume, some] of Map.groupBy(held, ({ file }) => file.subvolume)) {
    const inodes = await readInodes(
      volume,
      subvolume,
      some.map(({ file }) => file.inode),
    );
    for (const { file } of some) {
      const inode = inodes.get(file.inode);
      if (inode !== undefined) fresh.set(fileId(file), inode);
    }
  }
  return fresh;
}
