import { call } from "../native/library.ts";

/** BTRFS_BLOCK_GROUP_* of linux/btrfs_tree.h. */
const DATA = 1;
const PROFILES = [
  [8, "RAID0"],
  [16, "RAID1"],
  [32, "DUP"],
  [64, "RAID10"],
  [128, "RAID5"],
  [256, "RAID6"],
  [512, "RAID1C3"],
  [1024, "RAID1C4"],
] as const;
/** Kinds and profiles are few; while a balance runs there are two of each. */
const MAX_SPACES = 32;

/**
 * The profile of the data, as `btrfs filesystem df` names it: "single",
 * "RAID1". While a balance converts it, the one that holds most.
 * @param fd any open file of the filesystem
 * @throws NativeError
 */
export function readDataProfile(fd: number): string {
  const out = new Float64Array(3 * MAX_SPACES);
  const spaces = call("rf_space_info", fd, out, MAX_SPACES);
  let profile = "single";
  let most = -1;
  for (let k = 0; k < spaces; k++) {
    const [flags = 0, total = 0] = out.subarray(3 * k, 3 * k + 2);
    if ((flags & DATA) === 0 || total <= most) continue;
    most = total;
    profile = PROFILES.find(([bit]) => (flags & bit) !== 0)?.[1] ?? "single";
  }
  return profile;
}
