import { readFile } from "node:fs/promises";

/**
 * The generation of a mounted btrfs: the number of the transaction that runs, or of the last one where none runs. It
 * rises when a transaction begins, at the first change after a commit. The kernel tells it to everybody, by
 * BTRFS_IOC_FS_INFO and, the same number, in this file of sysfs, which costs no native code and no second process.
 *
 * @returns null where it is not told: not mounted (any more), or a kernel before 5.11
 */
export async function readGeneration(uuid: string): Promise<number | null> {
  try {
    const generation = Number.parseInt(await readFile(`/sys/fs/btrfs/${uuid}/generation`, "utf8"), 10);
    return Number.isSafeInteger(generation) ? generation : null;
  } catch {
    return null;
  }
}
