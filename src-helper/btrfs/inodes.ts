import { NativeError, RECORD, tryCall } from "../native/library.ts";

/** What the trees say of an inode; all zeros but for its number where it is not there. */
export interface InodeOnDisk {
  /** Fields of RECORD. */
  readonly record: Float64Array;
  /** Packed, for unpackExtents. */
  readonly extents: Buffer;
}

const MAX_RECORDS = 4096;
const FIRST_BLOB_BYTES = 2 ** 20;
const MAX_BLOB_BYTES = 2 ** 30;
const EMSGSIZE = 90;
/** Buffers not in use: most callers ask for one inode, and often. */
const spare: Buffer[] = [];

/**
 * Reads inodes of one subvolume from its tree, in this thread: for few of them,
 * or for who has nothing else to do meanwhile. Each is good until the next is
 * asked for.
 *
 * @throws NativeError (ENOENT: there is no such subvolume)
 */
export function* readInodesNow(
  { dir, sectorSize }: { readonly dir: number; readonly sectorSize: number },
  subvolume: number,
  inodes: Float64Array,
): Generator<InodeOnDisk> {
  const { length } = inodes;
  const most = Math.min(length, MAX_RECORDS);
  const cursor = new Float64Array(1);
  const records = new Float64Array(most * RECORD.fields);
  let blob = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_BLOB_BYTES);
  try {
    while ((cursor[0] ?? 0) < length) {
      const count = tryCall(
        "rf_read_inodes",
        dir,
        subvolume,
        sectorSize,
        inodes,
        length,
        cursor,
        records,
        most,
        blob,
        blob.length,
        null,
      );
      if (count === -EMSGSIZE && blob.length < MAX_BLOB_BYTES) {
        blob = Buffer.allocUnsafeSlow(blob.length * 4); // one file with very many extents
        continue;
      }
      if (count < 0) throw new NativeError("rf_read_inodes", -count);
      for (let k = 0; k < count; k++) {
        const record = records.subarray(k * RECORD.fields, (k + 1) * RECORD.fields);
        const start = record[RECORD.blobOffset] ?? 0;
        yield { record, extents: blob.subarray(start, start + (record[RECORD.blobLength] ?? 0)) };
      }
    }
  } finally {
    if (blob.length === FIRST_BLOB_BYTES) spare.push(blob);
  }
}

/** As readInodesNow, for one; good for as long as it is held. @throws NativeError */
export function readInodeNow(
  volume: { readonly dir: number; readonly sectorSize: number },
  subvolume: number,
  inode: number,
): InodeOnDisk {
  for (const { record, extents } of readInodesNow(volume, subvolume, Float64Array.of(inode)))
    return { record, extents: Buffer.from(extents) };
  throw new NativeError("rf_read_inodes", ENOENT);
}

const ENOENT = 2;
