import { statSync } from "node:fs";
import { call, NativeError, RECORD, tryCall } from "../native/library.ts";
import { readFsInfo } from "../volumes/fs-info.ts";
import { openDirectory } from "../volumes/open-directory.ts";
import { subvolumeOf } from "../volumes/select.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";
import { changedInodes } from "./changed.ts";
import type { SeenSubvolume, Sight } from "./contract.ts";

const MAX_CHILDREN = 4096;

/**
 * What of a filesystem a scan has seen, for who wants to know soon after
 * whether another would see more. To look costs the search of leaves that are
 * newer, and writes nothing: a look that wrote would find its own writing the
 * next time.
 * @param handle with the subvolumes as the scan read them
 */
export function sightOf(handle: VolumeHandle, databaseDir: string): Sight {
  return { databaseDir, subvolumes: seen(handle) };
}

/**
 * Whether anything is different by now, Refold's own databases apart, which
 * may lie on the filesystem that they are about. Nothing of those: the next
 * look begins here.
 *
 * @param handle opened, or refreshed, after what is asked about was committed
 * @throws NativeError where a tree cannot be read; RefoldError
 */
export function hasNews({ databaseDir, subvolumes }: Sight, handle: VolumeHandle): boolean {
  const now = seen(handle);
  for (const id of subvolumes.keys()) if (!now.has(id)) return true;
  let own: ReadonlySet<string> | null = null;
  for (const [id, { uuid, readOnly, generation }] of now) {
    const before = subvolumes.get(id);
    if (before?.uuid !== uuid || before.readOnly !== readOnly) return true;
    if (before.generation === generation) continue;
    own ??= ownInodes(handle, databaseDir);
    for (const record of changedInodes(handle, id, before.generation + 1)) {
      if (!own.has(nameOf(id, record[RECORD.ino] ?? 0))) return true;
    }
    subvolumes.set(id, { uuid, readOnly, generation });
  }
  return false;
}

function seen({ subvolumes }: VolumeHandle): Map<number, SeenSubvolume> {
  return new Map(
    subvolumes.map(({ id, uuid, readOnly, generation }) => [id, { uuid, readOnly, generation }]),
  );
}

const nameOf = (subvolume: number, inode: number): string => `${String(subvolume)}:${String(inode)}`;

/**
 * The folder of the databases and what it holds, where it lies on this
 * filesystem. Read from the tree: readdir(2) may write the folder's access time.
 */
function ownInodes(handle: VolumeHandle, databaseDir: string): ReadonlySet<string> {
  const own = new Set<string>();
  const fd = openDirectory(Buffer.from(databaseDir));
  if (fd < 0) return own;
  try {
    if (readFsInfo(fd).uuid !== handle.uuid) return own;
    const subvolume = subvolumeOf(fd);
    const { ino } = statSync(databaseDir);
    own.add(nameOf(subvolume, ino));
    const cursor = new Float64Array(2);
    const dir = Float64Array.of(ino);
    const inos = new Float64Array(MAX_CHILDREN);
    do {
      const count = call("rf_dir_children", handle.dir, subvolume, dir, 1, cursor, inos, MAX_CHILDREN, null);
      for (const child of inos.subarray(0, count)) own.add(nameOf(subvolume, child));
    } while (cursor[0] === 0);
    return own;
  } catch (error) {
    if (error instanceof NativeError) return own; // on no btrfs
    throw error;
  } finally {
    tryCall("rf_close", fd);
  }
}
