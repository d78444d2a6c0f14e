import { readFileSync } from "node:fs";

/** How far a mounted btrfs is with its transactions. */
export interface Transactions {
  /**
   * The number of the transaction that runs, or of the last one where none runs. It rises when a transaction begins, at
   * the first change after a commit.
   */
  readonly generation: number;
  /** How many were committed since it was mounted; null before Linux 6.1, which does not tell. */
  readonly commits: number | null;
}

/**
 * The kernel tells the generation to everybody, by BTRFS_IOC_FS_INFO and, the same number, in a file of sysfs, which
 * costs no native code and no second process. Read in one go: what is in memory makes nobody wait, and a promise for
 * each of these few bytes took most of the time of a look.
 *
 * @returns null where it is not told: not mounted (any more), or a kernel before 5.11
 */
export function readTransactions(uuid: string): Transactions | null {
  // first: a transaction that ends between the two must not make it look as if the one after it had
  const commits = numberIn(`/sys/fs/btrfs/${uuid}/commit_stats`, /^commits (\d+)$/mu);
  const generation = numberIn(`/sys/fs/btrfs/${uuid}/generation`, /^(\d+)$/mu);
  return generation === null ? null : { generation, commits };
}

/** The first group of the pattern in a file, as a number; null where there is no such file or number. */
function numberIn(path: string, pattern: RegExp): number | null {
  try {
    const number = Number(pattern.exec(readFileSync(path, "utf8"))?.[1]);
    return Number.isSafeInteger(number) ? number : null;
  } catch {
    return null;
  }
}
