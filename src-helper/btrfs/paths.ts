import { FIRST_FREE_OBJECTID, KEY } from "./constants.ts";
import type { Subvolume } from "./root-tree.ts";
import { itemsBetween } from "./search.ts";

const SLASH = Buffer.from("/");
const MAX_DEPTH = 100_000; // a damaged tree must not hold us forever

/** One name of an inode. */
interface Name {
  readonly directory: number;
  readonly name: Buffer;
}

/**
 * Names of inodes, resolved when asked for and never stored, so that a rename
 * makes nothing stale. Directories are remembered for the life of the object:
 * make a new one for each listing.
 *
 * BTRFS_IOC_INO_LOOKUP is not used: it fails beyond 4080 bytes and for names
 * kept in INODE_EXTREF items.
 */
export class PathResolver {
  readonly #fd: number;
  readonly #subvolumes: ReadonlyMap<number, Subvolume>;
  readonly #directories = new Map<string, Buffer | null>();

  constructor(fd: number, subvolumes: ReadonlyMap<number, Subvolume>) {
    this.#fd = fd;
    this.#subvolumes = subvolumes;
  }

  /** Path of a subvolume from the top level, "" for the top level; null where it is not to be found. */
  subvolume(id: number): Buffer | null {
    const subvolume = this.#subvolumes.get(id);
    if (subvolume === undefined) return null;
    if (subvolume.parent === null) return id === 5 ? Buffer.alloc(0) : null;
    const { subvolume: above, directory, name } = subvolume.parent;
    const start = this.#directory(above, directory);
    const top = this.subvolume(above);
    return start === null || top === null ? null : join(join(top, start), name);
  }

  /** One path of an inode from the root of its subvolume; null where it has no name any more. */
  inSubvolume(subvolume: number, inode: number): Buffer | null {
    if (inode === FIRST_FREE_OBJECTID) return Buffer.alloc(0);
    for (const { directory, name } of this.#names(subvolume, inode)) {
      const start = this.#directory(subvolume, directory);
      if (start !== null) return join(start, name);
    }
    return null;
  }

  #directory(subvolume: number, inode: number): Buffer | null {
    // walked up in a loop: deep trees would overflow the stack
    const key = `${subvolume}:${inode}`;
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const chain: { key: string; name: Buffer }[] = [];
    let base: Buffer | null = Buffer.alloc(0);
    for (let at = inode; at !== FIRST_FREE_OBJECTID;) {
      const atKey = `${subvolume}:${at}`;
      const cached = this.#directories.get(atKey);
      if (cached !== undefined) {
        base = cached;
        break;
      }
      const name = this.#firstName(subvolume, at);
      if (name === undefined || chain.length > MAX_DEPTH) {
        base = null;
        break;
      }
      chain.push({ key: atKey, name: name.name });
      at = name.directory;
    }
    for (const { key: atKey, name } of chain.reverse()) {
      base = base === null ? null : join(base, name);
      this.#directories.set(atKey, base);
    }
    return base;
  }

  #firstName(subvolume: number, inode: number): Name | undefined {
    for (const name of this.#names(subvolume, inode)) return name;
    return undefined;
  }

  *#names(subvolume: number, inode: number): Generator<Name> {
    for (const item of itemsBetween(this.#fd, subvolume, inode, KEY.inodeRef, KEY.inodeExtref)) {
      if (item.type === KEY.inodeRef) {
        // struct btrfs_inode_ref { index u64, name_len u16 } and the name, several in one item
        for (let at = 0; at + 10 <= item.data.length;) {
          const length = item.data.readUInt16LE(at + 8);
          yield {
            directory: Number(item.offset),
            name: Buffer.from(item.data.subarray(at + 10, at + 10 + length)),
          };
          at += 10 + length;
        }
      } else if (item.type === KEY.inodeExtref) {
        // struct btrfs_inode_extref { parent u64, index u64, name_len u16 } and the name
        for (let at = 0; at + 18 <= item.data.length;) {
          const length = item.data.readUInt16LE(at + 16);
          yield {
            directory: Number(item.data.readBigUInt64LE(at)),
            name: Buffer.from(item.data.subarray(at + 18, at + 18 + length)),
          };
          at += 18 + length;
        }
      }
    }
  }
}

/** "a" + "b" = "a/b"; an empty side adds nothing. */
export function join(a: Buffer, b: Buffer): Buffer {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return a.at(-1) === 47 ? Buffer.concat([a, b]) : Buffer.concat([a, SLASH, b]);
}
