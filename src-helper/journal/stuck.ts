import type { StuckFile } from "../engine/contract.ts";
import { tryCall } from "../native/library.ts";
import type { FoldVolume } from "../dedupe/types.ts";
import { fileId, type FileIdentity, type Intent, type Journal } from "./store.ts";

/** An inode that the scan saw with the immutable flag. */
export interface ImmutableInode extends FileIdentity {
  /** Milliseconds since the epoch; null where that is not known. */
  readonly firstSeen: number | null;
}

/**
 * @returns 1 where the file is there and immutable, 0 where it is gone or not
 *   immutable, -errno where that cannot be told
 */
export function immutableNow(volume: Pick<FoldVolume, "dir">, file: FileIdentity): number {
  const fd = tryCall("rf_open_inode", volume.dir, file.subvolume, file.inode, file.generation);
  if (fd === -ESTALE || fd === -ENOENT) return 0;
  if (fd < 0) return fd;
  try {
    return tryCall("rf_is_immutable", fd);
  } finally {
    tryCall("rf_close", fd);
  }
}
const ENOENT = 2;
const ESTALE = 116;

/** Of the intents of runs that are over, those whose files are still immutable. What cannot be told counts as stuck. */
export function stillStuck(volume: Pick<FoldVolume, "dir">, intents: readonly Intent[]): Intent[] {
  return intents.filter((intent) => immutableNow(volume, intent) !== 0);
}

/**
 * Files that are immutable and by whom: "refold" where the journal has an
 * intent for them, "unknown" for the others that the scan saw. The caller
 * holds the volume's lock, so no run is alive.
 *
 * Intents of files that are gone, or not immutable any more, are forgotten,
 * once a sync has made that state durable.
 */
export function findStuck(
  volume: FoldVolume,
  journal: Journal,
  immutableInodes: () => Iterable<ImmutableInode>,
): StuckFile[] {
  const intents = journal.openIntents();
  const stuck = stillStuck(volume, intents);
  const ours = new Set(stuck.map(fileId));
  const over = intents.filter((intent) => !ours.has(fileId(intent)));
  if (over.length > 0 && tryCall("rf_syncfs", volume.dir) >= 0) journal.removeIntents(over);

  const found: StuckFile[] = stuck.map((intent) => describe(volume, intent, "refold", intent.setAt));
  for (const file of immutableInodes()) {
    if (ours.has(fileId(file)) || immutableNow(volume, file) !== 1) continue;
    found.push(describe(volume, file, "unknown", file.firstSeen));
  }
  return found;
}

function describe(
  volume: FoldVolume,
  file: FileIdentity,
  origin: StuckFile["origin"],
  since: number | null,
): StuckFile {
  return {
    id: fileId(file),
    volume: volume.uuid,
    path: volume.pathOf(file.subvolume, file.inode),
    inode: file.inode,
    origin,
    since,
  };
}
