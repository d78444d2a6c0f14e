import { statfsSync } from "node:fs";
import { constants } from "node:os";
import { KIND } from "../btrfs/extents.ts";
import { readInodes } from "../dedupe/inodes.ts";
import type { FoldVolume } from "../dedupe/types.ts";
import { UNSUMMED } from "./types.ts";
import { call, callAsync, NativeError, tryCall } from "../native/library.ts";

/** Room that stays free whatever is rewritten. */
const LEAST_FREE = 32 << 20;
const LEAST_SHARE = 0.01;

/** A part of what a copy holds, from a file that is open; bytes. */
export interface Part {
  readonly fd: number;
  readonly fileOffset: number;
  readonly target: number;
  readonly length: number;
}

/**
 * What is left of an extent, twice, both without a name: `copy` is written
 * anew, to be shared with; `old` shares the extent itself, so that what was
 * moved onto the copy can be moved back.
 */
export interface TempPair {
  readonly copy: number;
  readonly old: number;
  /** Bytes that the copy takes on disk. */
  readonly diskBytes: number;
  /** The extents of the copy: bytenr -> bytes on disk. */
  readonly extents: ReadonlyMap<number, number>;
}

/** rf_temp_file's number of how the data was stored. */
function storageOf(kind: number): number {
  if (kind === UNSUMMED) return 4;
  return kind >= KIND.zlib ? kind - KIND.zlib + 1 : 0;
}

/** Whether so many bytes can be written without filling the filesystem up. */
export function hasRoom(volume: FoldVolume, bytes: number): boolean {
  const { bsize, blocks, bavail } = statfsSync(`/proc/self/fd/${volume.dir}`);
  return bavail * bsize - bytes >= Math.max(LEAST_FREE, LEAST_SHARE * blocks * bsize);
}

/**
 * Copies parts of files into a temporary file and waits until it has extents.
 * It is not to be cancelled half way: what it copies is a part of one extent.
 * @param kind KIND of btrfs/extents.ts, or UNSUMMED: what the copy is stored like
 * @throws NativeError: ENOSPC where there is no room to spare, what the kernel says else
 */
export async function copyParts(volume: FoldVolume, kind: number, parts: readonly Part[]): Promise<TempPair> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (!hasRoom(volume, bytes)) throw new NativeError("rf_temp_file", constants.errno.ENOSPC);
  const opened: number[] = [];
  try {
    const temp = (): number => {
      const fd = call("rf_temp_file", volume.dir, storageOf(kind));
      opened.push(fd);
      return fd;
    };
    const old = temp();
    const copy = temp();
    for (const { fd, fileOffset, target, length } of parts) {
      call("rf_clone_range", fd, fileOffset, length, old, target);
      await callAsync("rf_copy_range", old, copy, target, length, null);
    }
    call("rf_flush", copy);
    const identity = new Float64Array(8);
    call("rf_identity", copy, identity);
    const [subvolume = 0, inode = 0] = identity;
    const fresh = (await readInodes(volume, subvolume, [inode])).get(inode);
    if (fresh === undefined) throw new NativeError("rf_read_inodes", constants.errno.ENOENT);
    const extents = new Map(fresh.extents.map((extent) => [extent.bytenr, extent.diskBytes]));
    const diskBytes = [...extents.values()].reduce((sum, size) => sum + size, 0);
    opened.length = 0;
    return { copy, old, diskBytes, extents };
  } finally {
    for (const fd of opened) tryCall("rf_close", fd);
  }
}

export function closePair({ copy, old }: TempPair): void {
  tryCall("rf_close", copy);
  tryCall("rf_close", old);
}
