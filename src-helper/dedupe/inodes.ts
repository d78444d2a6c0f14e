import { unpackExtents, type Extent } from "../btrfs/extents.ts";
import { NativeError, RECORD, tryCallAsync } from "../native/library.ts";
import type { FoldVolume } from "./types.ts";

/** What the trees say of a file now. */
export interface FreshInode {
  readonly flags: number;
  readonly layout: number;
  /** Extent items on disk. */
  readonly pieces: number;
  readonly extents: readonly Extent[];
}

const FIRST_BLOB_BYTES = 256 * 1024;
/** Buffers not in use: the collector is slow to see that so much memory hangs on so small an object. */
const spare: Buffer[] = [];
const EMSGSIZE = 90;

/**
 * Reads inodes of one subvolume with their extents from the trees.
 * @returns one entry an inode that is there, keyed by its number
 * @throws NativeError
 */
export async function readInodes(
  volume: FoldVolume,
  subvolume: number,
  inodes: readonly number[],
): Promise<Map<number, FreshInode>> {
  const found = new Map<number, FreshInode>();
  const inos = Float64Array.from(inodes);
  const cursor = new Float64Array(1);
  const records = new Float64Array(inodes.length * RECORD.fields);
  let blob = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_BLOB_BYTES);
  while ((cursor[0] ?? 0) < inodes.length) {
    const count = await tryCallAsync(
      "rf_read_inodes",
      volume.dir,
      subvolume,
      volume.sectorSize,
      inos,
      inos.length,
      cursor,
      records,
      inodes.length,
      blob,
      blob.length,
      null,
    );
    if (count === -EMSGSIZE) {
      blob = Buffer.allocUnsafe(blob.length * 4); // one file with very many extents
      continue;
    }
    if (count < 0) throw new NativeError("rf_read_inodes", -count);
    for (let k = 0; k < count; k++) {
      const at = k * RECORD.fields;
      const field = (index: number): number => records[at + index] ?? 0;
      if (field(RECORD.mode) === 0) continue;
      const start = field(RECORD.blobOffset);
      found.set(field(RECORD.ino), {
        flags: field(RECORD.flags),
        layout: field(RECORD.layout),
        pieces: field(RECORD.extents),
        extents: unpackExtents(blob.subarray(start, start + field(RECORD.blobLength)), volume.sectorSize),
      });
    }
  }
  if (blob.length === FIRST_BLOB_BYTES) spare.push(blob);
  return found;
}
