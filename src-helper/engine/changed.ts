import { S_IFMT, S_IFREG } from "../btrfs/constants.ts";
import { readInodesNow } from "../btrfs/inodes.ts";
import { call, RECORD } from "../native/library.ts";
import type { ChangedFile } from "./contract.ts";
import { RefoldError } from "./errors.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";
import type { VolumeState } from "./volume-state.ts";

const BATCH = 4096;

/** The generation of a subvolume; flush: after writing what the filesystem holds. */
export function subvolumeGeneration(state: VolumeState, id: number, flush: boolean): number {
  if (flush) call("rf_syncfs", state.handle.dir);
  const subvolume = state.handle.refresh().find((one) => one.id === id);
  if (subvolume === undefined) throw new RefoldError("no-volume", "the subvolume is not there any more");
  return subvolume.generation;
}

/**
 * Regular files of a subvolume changed in or after a generation.
 * @param generation null: after the last scan of the subvolume; all files where there was none
 */
export function changedFiles(state: VolumeState, id: number, generation: number | null): ChangedFile[] {
  const from = generation ?? scannedGeneration(state, id) + 1;
  const found: ChangedFile[] = [];
  for (const record of changedInodes(state.handle, id, from)) {
    const file = changedFile(state, id, record);
    if (file !== null) found.push(file);
  }
  return found;
}

/**
 * The records (RECORD) of the inodes of a subvolume that were changed in or
 * after a generation; what went shows in its directory. Each is good until the
 * next is asked for.
 */
export function* changedInodes(
  volume: Pick<VolumeHandle, "dir" | "sectorSize">,
  id: number,
  from: number,
): Generator<Float64Array> {
  const inos = new Float64Array(BATCH);
  const cursor = new Float64Array(1);
  do {
    const count = call("rf_changed_inodes", volume.dir, id, from, cursor, inos, BATCH, null);
    for (const { record } of readInodesNow(volume, id, inos.subarray(0, count))) {
      // a leaf holds neighbours that did not change: the inode's own transid decides
      if ((record[RECORD.transid] ?? 0) >= from) yield record;
    }
  } while (cursor[0] !== 0);
}

function scannedGeneration(state: VolumeState, id: number): number {
  if (state.lastScan() === undefined) return 0;
  return state.store.subvolumes().find((row) => row.id === id)?.generation ?? 0;
}

function changedFile(state: VolumeState, id: number, record: Float64Array): ChangedFile | null {
  const field = (name: number): number => record[name] ?? 0;
  if ((field(RECORD.mode) & S_IFMT) !== S_IFREG) return null;
  if (field(RECORD.nlink) === 0) return null;
  return {
    path: state.handle.pathOf(id, field(RECORD.ino)),
    inode: field(RECORD.ino),
    size: field(RECORD.size),
    transid: field(RECORD.transid),
  };
}
