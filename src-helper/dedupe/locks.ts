import { callAsync, LOCK, LOCK_STAGE, tryCall, tryCallAsync } from "../native/library.ts";
import type { FileIdentity } from "../journal/store.ts";
import { stageOfLock, type Stage } from "./reasons.ts";
import type { FoldVolume } from "./types.ts";

/** rf_lock_flags */
const SET_IMMUTABLE = 1;

/** A file under lock, or why it is not. */
export interface FileLock {
  readonly file: FileIdentity;
  /** -1 where the file is not locked (any more). */
  fd: number;
  /** Our immutable flag is on the file. */
  flagged: boolean;
  readonly wasImmutable: boolean;
  /** Bytes. */
  readonly size: number;
  /** 0, or the errno and the stage of what was refused. */
  readonly errno: number;
  readonly stage: Stage;
}

/**
 * Locks files in the order given: the immutable flag where `flag` says so, then
 * a read lease. One refused never stops the rest and stays as it was. The flag
 * of a file that was immutable before is not touched.
 *
 * Whoever calls this gives every lock to releaseLocks, on every road.
 */
export async function lockFiles(
  volume: FoldVolume,
  files: readonly { readonly file: FileIdentity; readonly flag: boolean }[],
): Promise<FileLock[]> {
  const input = Float64Array.from(
    files.flatMap(({ file, flag }) => [
      file.subvolume,
      file.inode,
      file.generation,
      flag ? SET_IMMUTABLE : 0,
    ]),
  );
  const out = new Float64Array(files.length * LOCK.fields);
  await callAsync("rf_lock_files", volume.dir, input, files.length, out);
  return files.map(({ file }, k) => {
    const field = (index: number): number => out[k * LOCK.fields + index] ?? 0;
    const stage = field(LOCK.stage);
    return {
      file,
      fd: field(LOCK.fd),
      flagged: field(LOCK.setImmutable) === 1,
      wasImmutable: field(LOCK.wasImmutable) === 1,
      size: field(LOCK.size),
      errno: stage === LOCK_STAGE.done ? 0 : field(LOCK.error),
      stage: stageOfLock(stage),
    };
  });
}

/**
 * Clears our immutable flags, gives the leases up and closes the files. Files
 * that are released already are passed over.
 * @returns the locks whose flag could not be cleared, even after a sync that
 *   may have made room for it
 */
export async function releaseLocks(volume: FoldVolume, locks: readonly FileLock[]): Promise<FileLock[]> {
  const held = locks.filter((lock) => lock.fd >= 0);
  const failed = locks.filter((lock) => lock.fd < 0 && lock.flagged);
  if (held.length > 0) {
    const fds = Int32Array.from(held, (lock) => lock.fd);
    const clear = Uint8Array.from(held, (lock) => (lock.flagged ? 1 : 0));
    const errors = new Int32Array(held.length);
    await callAsync("rf_unlock_files", fds, clear, held.length, errors);
    held.forEach((lock, k) => {
      lock.fd = -1;
      if (errors[k] === 0) lock.flagged = false;
      else failed.push(lock);
    });
  }
  if (failed.length > 0) {
    await tryCallAsync("rf_syncfs", volume.dir);
    for (const lock of failed) if (clearFlag(volume, lock.file) === 0) lock.flagged = false;
  }
  return failed.filter((lock) => lock.flagged);
}

/**
 * Clears the immutable flag of a file that is not open.
 * @returns 0, or -errno
 */
export function clearFlag(volume: Pick<FoldVolume, "dir">, file: FileIdentity): number {
  const fd = tryCall("rf_open_inode", volume.dir, file.subvolume, file.inode, file.generation);
  if (fd < 0) return fd;
  try {
    return tryCall("rf_set_immutable", fd, 0);
  } finally {
    tryCall("rf_close", fd);
  }
}
