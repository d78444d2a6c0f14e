import type { RepairResult, RunContext, StuckFile } from "../engine/contract.ts";
import { errnoName, tryCallAsync } from "../native/library.ts";
import { clearFlag } from "../dedupe/locks.ts";
import type { FoldVolume } from "../dedupe/types.ts";
import { fileId, type FileIdentity, type Journal } from "./store.ts";

/**
 * Clears the immutable flag of stuck files: all of ours, and of the unknown
 * ones those that are named. Nothing else of a file changes but its ctime.
 * Intents are removed once a sync has made that durable.
 *
 * @param stuck what findStuck found, under the same hold of the volume's lock
 * @param ids unknown files to mend too, as StuckFile.id
 */
export async function repairStuck(
  volume: FoldVolume,
  journal: Journal,
  stuck: readonly StuckFile[],
  ids: readonly string[],
  ctx: RunContext,
): Promise<RepairResult> {
  const named = new Set(ids);
  const todo = stuck.filter((file) => file.origin === "refold" || named.has(file.id));
  const failed: { id: string; path: Buffer; reason: string }[] = [];
  let mended: StuckFile[] = [];
  for (const id of named) {
    if (!stuck.some((file) => file.id === id)) {
      failed.push({ id, path: Buffer.alloc(0), reason: "There is no immutable file of this id." });
    }
  }
  for (const [k, file] of todo.entries()) {
    if (ctx.signal.aborted) break;
    const result = clearFlag(volume, parseFileId(file.id));
    if (result < 0) failed.push({ id: file.id, path: file.path, reason: sentence(-result) });
    else mended.push(file);
    ctx.progress({ phase: "repair", done: k + 1, total: todo.length, unit: "files", volume: volume.uuid });
  }
  if (mended.length > 0) {
    const synced = await tryCallAsync("rf_syncfs", volume.dir);
    if (synced < 0) {
      const reason = `Its flag was cleared, but that could not be written to the disk (${errnoName(-synced)}). Run \`refold repair\` again.`;
      failed.push(...mended.map(({ id, path }) => ({ id, path, reason })));
      mended = [];
    }
    journal.removeIntents(
      mended.filter(({ origin }) => origin === "refold").map(({ id }) => parseFileId(id)),
    );
  }
  return { repaired: mended.map((file) => file.id), failed };
}

/** The reverse of fileId. @throws Error where it is no such text */
export function parseFileId(id: string): FileIdentity {
  const match = /^(\d+):(\d+):(\d+)$/.exec(id);
  if (match === null) throw new Error(`not the id of a file: ${id}`);
  const file = { subvolume: Number(match[1]), inode: Number(match[2]), generation: Number(match[3]) };
  if (fileId(file) !== id) throw new Error(`not the id of a file: ${id}`);
  return file;
}

function sentence(errno: number): string {
  const name = errnoName(errno);
  switch (name) {
    case "ESTALE":
    case "ENOENT":
      return "It was deleted in the meantime.";
    case "EROFS":
      return "Its subvolume or mount is read-only. Make it writable and run `refold repair` again.";
    case "ENOSPC":
    case "EDQUOT":
      return "There is no room for the change. Free a little space and run `refold repair` again.";
    case "EPERM":
    case "EACCES":
      return "The kernel does not permit it: a security policy, or a missing capability (CAP_LINUX_IMMUTABLE).";
    default:
      return `Its flag could not be cleared (${name}).`;
  }
}
