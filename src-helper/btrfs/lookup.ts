import { FIRST_FREE_OBJECTID, FS_TREE, KEY } from "./constants.ts";
import { itemsOf, searchTree } from "./search.ts";

/** A directory, by the tree that it is in. */
export interface Directory {
  readonly subvolume: number;
  readonly inode: number;
}

/** The top directory of the whole filesystem. */
export const TOP_DIRECTORY: Directory = { subvolume: FS_TREE, inode: FIRST_FREE_OBJECTID };

/* struct btrfs_dir_item: the key that it points to, transid, data_len, name_len, type; then the name */
const LOCATION_TYPE = 8;
const DATA_LENGTH = 25;
const NAME_LENGTH = 27;
const TYPE = 29;
const HEAD = 30;
/** BTRFS_FT_DIR */
const FT_DIR = 2;
const SLASH = 47;

/**
 * Walks down a path in the trees, through subvolumes; nothing is opened and no
 * link is followed.
 *
 * @param fd any open directory of the volume
 * @param path without a slash at its start: "@home/anna"
 * @returns null where there is no such directory
 * @throws NativeError
 */
export function findDirectory(fd: number, start: Directory, path: Buffer): Directory | null {
  let at: Directory | null = start;
  for (const name of partsOf(path)) {
    at = childDirectory(fd, at, name);
    if (at === null) return null;
  }
  return at;
}

function partsOf(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start <= path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

function childDirectory(fd: number, { subvolume, inode }: Directory, name: Buffer): Directory | null {
  const key = { objectid: inode, type: KEY.dirItem, offset: nameHash(name) };
  for (const { data } of searchTree(fd, subvolume, key, key)) {
    // names that hash alike share the item
    for (let at = 0; at + HEAD <= data.length;) {
      const length = data.readUInt16LE(at + NAME_LENGTH);
      const found = data.subarray(at + HEAD, at + HEAD + length);
      if (found.equals(name)) {
        if (data[at + TYPE] !== FT_DIR) return null;
        const location = Number(data.readBigUInt64LE(at));
        return data[at + LOCATION_TYPE] === KEY.rootItem
          ? { subvolume: location, inode: FIRST_FREE_OBJECTID }
          : { subvolume, inode: location };
      }
      at += HEAD + length + data.readUInt16LE(at + DATA_LENGTH);
    }
  }
  return null;
}

/** Transid of an inode's creation; null where there is no such inode. @throws NativeError */
export function generationOf(fd: number, { subvolume, inode }: Directory): number | null {
  for (const { data } of itemsOf(fd, subvolume, inode, KEY.inodeItem)) return Number(data.readBigUInt64LE(0));
  return null;
}

/** Every directory that names an inode, from the trees. @throws NativeError */
export function directoriesNaming(fd: number, subvolume: number, inode: number): number[] {
  const found = new Set<number>();
  for (const { offset } of itemsOf(fd, subvolume, inode, KEY.inodeRef)) found.add(Number(offset));
  for (const { data } of itemsOf(fd, subvolume, inode, KEY.inodeExtref)) {
    // struct btrfs_inode_extref { parent u64, index u64, name_len u16 } and the name
    for (let at = 0; at + 18 <= data.length; at += 18 + data.readUInt16LE(at + 16)) {
      found.add(Number(data.readBigUInt64LE(at)));
    }
  }
  return [...found];
}

const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) !== 0 ? 0x82f63b78 : 0);
  return value;
});

/** btrfs_name_hash: crc32c that begins with ~1 and is not turned over at its end. */
function nameHash(name: Buffer): number {
  let crc = 0xfffffffe;
  for (const byte of name) crc = (CRC32C[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc >>> 0;
}
