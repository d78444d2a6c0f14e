import type { PathBytes } from "../engine/contract.ts";

/** A file as the scan found it: identified by subvolume, inode and generation, never by path. */
export interface Member {
  readonly subvolume: number;
  readonly inode: number;
  /** btrfs_inode_item.generation: the transid of its creation. */
  readonly generation: number;
  /** Bytes. */
  readonly size: number;
  /** BTRFS_INODE_* of linux/btrfs_tree.h. */
  readonly flags: number;
  /** Equal for two members exactly when they share all their data. */
  readonly layout: number;
  /** TRAIT of native/library.ts. */
  readonly traits: number;
  /** Packed extents, see btrfs/extents.ts. */
  readonly extents: Uint8Array;
  /** In a read-only subvolume or snapshot. */
  readonly readOnly: boolean;
  /** Subvolumes that it stands for, where they have the same file and nothing else tells them apart; 1 if absent. */
  readonly copies?: number;
  /**
   * How much it is of the row of the index that it is from: where the same file
   * is in ten snapshots, the row counts its references once, and each copy is a
   * tenth of it. 1 if absent.
   */
  readonly share?: number;
}

/** How many files members stand for. */
export function countCopies(members: Iterable<{ readonly copies?: number }>): number {
  let count = 0;
  for (const { copies = 1 } of members) count += copies;
  return count;
}

/** What a plan is made from: of the extents, only how much there is of them. */
export type PlanMember = Omit<Member, "extents"> & { readonly extents: { readonly length: number } };

/** Members of one content, what each is folded onto, and what stays out. */
export interface FoldPlan<M extends PlanMember = Member> {
  readonly groupId: string;
  readonly size: number;
  readonly source: M;
  readonly destinations: readonly M[];
  /** Members that are left alone although they do not share the source's data, and why. */
  readonly left: readonly { readonly member: M; readonly reason: "immutable" | "nocow" }[];
}

/** What the fold needs of an open volume. */
export interface FoldVolume {
  readonly uuid: string;
  /** A directory of the volume, on a writable mount: for rf_open_inode, rf_tree_search, rf_syncfs. */
  readonly dir: number;
  readonly sectorSize: number;
  /** A path to show for an inode; absolute where it can be reached. Never throws. */
  pathOf(subvolume: number, inode: number): PathBytes;
  /** Generation of the filesystem now (FS_INFO). */
  generation(): number;
}
