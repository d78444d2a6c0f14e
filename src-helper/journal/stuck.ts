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

/**
 * Intents whose files are still immutable; what cannot be told counts as such.
 * The others are forgotten, once a sync has made their state durable: a flag
 * that somebody sets later must not pass for ours. Only for a time when no run
 * is alive.
 */
export function openStuckIntents(volume: Pick<FoldVolume, "dir">, journal: Journal): Intent[] {
  const intents = journal.openIntents();
  const stuck = new Set(intents.filter((intent) => immutableNow(volume, intent) !== 0));
  const over = intents.filter((intent) => !stuck.has(intent));
  if (over.length > 0 && tryCall("rf_syncfs", volume.dir) >= 0) journal.removeIntents(over);
  return [...stuck];
}

/**
 * Files that are immutable and by whom: "refold" where the journal has an
 * intent for them, "unknown" for the others that the scan saw. The caller
 * holds the volume's lock, so no run is alive. See openStuckIntents for what
 * is forgotten on the way.
 */
export function findStuck(
  volume: FoldVolume,
  journal: Journal,
  immutableInodes: () => Iterable<ImmutableInode>,
): StuckFile[] {
  const stuck = openStuckIntents(volume, journal);
  const ours = new Set(stuck.map(fileId));
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
