/**
 * Files of which every block has the crc32c of the other's, made on purpose.
 * A checksum cannot tell them apart, so such a pair may be taken for copies;
 * the kernel compares the bytes, and nothing may come of it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collidingBlock, crc32c } from "../support/crc32c.ts";
import { Random } from "../support/random.ts";
import { dedup, groups, scan } from "../support/refold-json.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";

const BLOCK = 4096;

/** Other bytes, the same checksum in every block. */
function collidingFile(bytes: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK)
    blocks.push(collidingBlock(bytes.subarray(at, at + BLOCK)));
  return Buffer.concat(blocks);
}

test.each([2 * BLOCK, 16 * BLOCK, 1 << 20])(
  "%i bytes of colliding blocks are not mixed up, and true copies among them are folded",
  async (size) => {
    using volume = LoopVolume.create({ size: "1G", csum: "crc32c" });
    const one = new Random(size).bytes(size);
    const other = collidingFile(one);
    expect(other.equals(one)).toBe(false);
    expect(crc32c(other.subarray(BLOCK, 2 * BLOCK))).toBe(crc32c(one.subarray(BLOCK, 2 * BLOCK)));
    for (const name of ["one a", "one b", "one c"]) writeFileSync(join(volume.path, name), one);
    for (const name of ["other a", "other b"]) writeFileSync(join(volume.path, name), other);
    volume.sync();
    const state = snapshotState(volume.path);
    const used = volume.usage().dataUsed;
    const target = { volume: volume.path, db: volume.beside("db") };
    const result = await dedup(target);
    volume.settle();
    expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
    for (const { reason } of result.skipped) expect(reason).toBe("differs");
    expect(result.freedBytes).toBe(used - volume.usage().dataUsed);
    // What the kernel refused is known from then on: a second run ends the matter.
    await dedup(target);
    volume.settle();
    expect(used - volume.usage().dataUsed).toBe(3 * size);
    await scan(target);
    const members = (await groups(target)).map((line) => line.files.length);
    expect(members).toEqual([]);
    expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
  },
);
