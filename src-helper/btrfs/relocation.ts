import { NativeError } from "../native/library.ts";
import { DATA_RELOC_TREE, FIRST_FREE_OBJECTID, KEY } from "./constants.ts";
import { searchTree } from "./search.ts";

/** Inodes by which data is being moved just now; the one before is the tree's own directory. */
const UNDER_WAY = { objectid: FIRST_FREE_OBJECTID + 1, type: 0, offset: 0 };
const END = { objectid: 0xffff_ffff_ffff_ffffn, type: 255, offset: 0xffff_ffff_ffff_ffffn };

/**
 * Whether data may lie elsewhere since a generation without a change of the
 * inodes that it is of. What moves data so (a balance, a device that is taken
 * away, a block group that is reclaimed) copies it by way of an inode in a tree
 * of its own, which nothing else writes to: that inode is there before the
 * first extent item is changed, and goes after the last (fs/btrfs/relocation.c).
 *
 * @param fd any open directory of the volume
 */
export function mayHaveMovedData(fd: number, generation: number): boolean {
  const begin = { objectid: 0, type: 0, offset: 0 };
  try {
    return (
      has(searchTree(fd, DATA_RELOC_TREE, begin, END, generation + 1)) ||
      has(searchTree(fd, DATA_RELOC_TREE, UNDER_WAY, END))
    );
  } catch (error) {
    // mounted to rescue what is there: nobody can tell
    if (error instanceof NativeError && error.code === "ENOENT") return true;
    throw error;
  }
}

/**
 * The generation since which data is being moved just now; null where none is.
 * A leaf with moved data takes its place in a subvolume's tree last of all, and
 * has the generation of when it was made, before: what was read of a tree
 * meanwhile is complete up to the generation before this one only.
 *
 * @param fd any open directory of the volume
 */
export function movingDataSince(fd: number): number | null {
  try {
    for (const { type, data } of searchTree(fd, DATA_RELOC_TREE, UNDER_WAY, END)) {
      // btrfs_inode_item.generation: its creation
      if (type === KEY.inodeItem) return Number(data.readBigUInt64LE(0));
    }
  } catch (error) {
    if (!(error instanceof NativeError) || error.code !== "ENOENT") throw error;
  }
  return null;
}

function has(items: Generator): boolean {
  const found = items.next().done !== true;
  items.return(undefined);
  return found;
}
