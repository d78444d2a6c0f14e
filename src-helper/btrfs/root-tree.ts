import {
  FIRST_FREE_OBJECTID,
  FS_TREE,
  KEY,
  LAST_FREE_OBJECTID,
  ROOT_READONLY,
  ROOT_TREE,
} from "./constants.ts";
import { searchTree, type TreeItem } from "./search.ts";

/** A subvolume or snapshot, from its ROOT_ITEM and ROOT_BACKREF (linux/btrfs_tree.h). */
export interface Subvolume {
  readonly id: number;
  /** The transaction that last changed it, as of the last commit. */
  readonly generation: number;
  readonly readOnly: boolean;
  readonly uuid: string;
  /** uuid of the subvolume it is a snapshot of; null where it is none. */
  readonly parentUuid: string | null;
  /** The transaction that it was made in; of a snapshot, the one whose state it took. 0 where it is not known. */
  readonly taken: number;
  /** Where it hangs: the subvolume and directory above it, and its name there. null for the top level. */
  readonly parent: { readonly subvolume: number; readonly directory: number; readonly name: Buffer } | null;
}

/* Offsets in btrfs_root_item; native/src/layout.c asserts them. */
const GENERATION = 160;
const FLAGS = 208;
const REFS = 216;
const GENERATION_V2 = 239;
const UUID = 247;
const PARENT_UUID = 263;
const OTRANSID = 303;

/** All subvolumes that exist; those being deleted (no references left) are not among them. */
export function readSubvolumes(fd: number): Subvolume[] {
  const roots = new Map<number, Subvolume>();
  const parents = new Map<number, NonNullable<Subvolume["parent"]>>();
  const isSubvolume = (id: number): boolean => id === FS_TREE || id >= FIRST_FREE_OBJECTID;
  const items = searchTree(
    fd,
    ROOT_TREE,
    { objectid: FS_TREE, type: 0, offset: 0n },
    { objectid: LAST_FREE_OBJECTID, type: 255, offset: 0xffff_ffff_ffff_ffffn },
  );
  for (const item of items) {
    if (!isSubvolume(item.objectid)) continue;
    if (item.type === KEY.rootItem) {
      const root = parseRoot(item);
      if (root === null) roots.delete(item.objectid);
      else roots.set(item.objectid, root);
    } else if (item.type === KEY.rootBackref) {
      parents.set(item.objectid, {
        subvolume: Number(item.offset),
        directory: Number(item.data.readBigUInt64LE(0)),
        name: Buffer.from(item.data.subarray(18, 18 + item.data.readUInt16LE(16))),
      });
    }
  }
  return [...roots.values()].map((root) => ({ ...root, parent: parents.get(root.id) ?? null }));
}

function parseRoot({ objectid, data }: TreeItem): Subvolume | null {
  if (data.readUInt32LE(REFS) === 0 && objectid !== FS_TREE) return null;
  // not on filesystems from before Linux 3.6, and not to be trusted where one of those changed it since
  const hasUuids =
    data.length >= OTRANSID + 8 && data.readBigUInt64LE(GENERATION_V2) === data.readBigUInt64LE(GENERATION);
  const parentUuid = hasUuids ? formatUuid(data.subarray(PARENT_UUID, PARENT_UUID + 16)) : NO_UUID;
  return {
    id: objectid,
    generation: Number(data.readBigUInt64LE(GENERATION)),
    readOnly: (data.readBigUInt64LE(FLAGS) & BigInt(ROOT_READONLY)) !== 0n,
    uuid: hasUuids ? formatUuid(data.subarray(UUID, UUID + 16)) : NO_UUID,
    parentUuid: parentUuid === NO_UUID ? null : parentUuid,
    taken: hasUuids ? Number(data.readBigUInt64LE(OTRANSID)) : 0,
    parent: null,
  };
}

export const NO_UUID = "00000000-0000-0000-0000-000000000000";

export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
