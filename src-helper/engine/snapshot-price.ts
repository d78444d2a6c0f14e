import { FIRST_FREE_OBJECTID, FS_TREE, KEY, LAST_FREE_OBJECTID, ROOT_TREE } from "../btrfs/constants.ts";
import { unpackExtents } from "../btrfs/extents.ts";
import { searchTree } from "../btrfs/search.ts";
import type { Member } from "../dedupe/types.ts";
import { call } from "../native/library.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import type { RunContext } from "./contract.ts";
import { eachPlan } from "./each-plan.ts";
import type { VolumeState } from "./volume-state.ts";

/** btrfs_root_item.bytes_used: bytes of all nodes of the tree. */
const BYTES_USED = 192;
/** Bytes in a leaf that are no items: its header. */
const LEAF_HEADER = 101;
/** Bytes of an extent item of a file, and of its inode item with name and a short attribute, with their keys. */
const EXTENT_ITEM = 78;
const INODE_ITEMS = 512;
/**
 * Nodes of the extent tree that a leaf stored anew can take: each of its extents,
 * 208 at most, gets a reference of the old leaf's and one of the new one's, 42
 * bytes together, in nodes that are at least half full.
 */
const REFERENCES = 1;
/** Nodes above the leaves: one for as many leaves as it has room for; where few leaves are touched, one each. */
const LEVELS = 2;

/**
 * How many bytes of metadata a fold of some plans can take at most. A snapshot
 * shares the leaves of its tree with its origin; a leaf of which a file is
 * folded, on either side, is stored anew. Of a small file that can be more than
 * its data: of many snapshots of many small files it is.
 * @throws RefoldError "cancelled"
 */
export async function metadataPrice(
  state: VolumeState,
  plans: Iterable<FoldPlan>,
  ctx: RunContext,
): Promise<number> {
  const { dir, subvolumes } = state.handle;
  const nodeSize = readNodeSize(dir);
  const origins = new Set(subvolumes.map(({ parentUuid }) => parentUuid));
  const sharing = new Set(
    subvolumes.filter(({ uuid, parentUuid }) => parentUuid !== null || origins.has(uuid)).map(({ id }) => id),
  );
  const touched = new Map<number, number>();
  let added = 0;
  await eachPlan(plans, ctx, (plan) => {
    const count = (member: Member): number => unpackExtents(member.extents, state.handle.sectorSize).length;
    const pieces = plan.destinations.length === 0 ? 0 : count(plan.source);
    for (const member of plan.destinations) {
      const before = count(member);
      added += Math.max(0, pieces - before) * EXTENT_ITEM;
      if (!sharing.has(member.subvolume)) continue;
      const leaves = 1 + Math.ceil((INODE_ITEMS + before * EXTENT_ITEM) / (nodeSize - LEAF_HEADER));
      touched.set(member.subvolume, (touched.get(member.subvolume) ?? 0) + leaves);
    }
  });
  const sizes = treeBytes(dir);
  let nodes = 0;
  for (const [subvolume, leaves] of touched) {
    const all = Math.ceil((sizes.get(subvolume) ?? Infinity) / nodeSize);
    nodes += Math.min(all, LEVELS * leaves) * (1 + REFERENCES);
  }
  // items are added in leaves that may be split for them, and each has its reference
  return nodes * nodeSize + (added === 0 ? 0 : Math.ceil((4 * added) / nodeSize) * nodeSize);
}

function readNodeSize(dir: number): number {
  const out = new Float64Array(7);
  call("rf_fs_info", dir, out, Buffer.alloc(16));
  return out[1] ?? 0;
}

/** Bytes of the trees of all subvolumes, as of the last commit. */
function treeBytes(dir: number): Map<number, number> {
  const sizes = new Map<number, number>();
  const items = searchTree(
    dir,
    ROOT_TREE,
    { objectid: FS_TREE, type: 0, offset: 0n },
    { objectid: LAST_FREE_OBJECTID, type: 255, offset: 0xffff_ffff_ffff_ffffn },
  );
  for (const { objectid, type, data } of items) {
    if (type !== KEY.rootItem || (objectid !== FS_TREE && objectid < FIRST_FREE_OBJECTID)) continue;
    sizes.set(objectid, Number(data.readBigUInt64LE(BYTES_USED)));
  }
  return sizes;
}
