/**
 * Visits every name below a directory, across subvolumes. Names are bytes, and
 * a path may be longer than the kernel takes in one piece: each directory is
 * held open and its entries are reached as /proc/self/fd/N/name.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, type BigIntStats } from "node:fs";
import { ioctl } from "./libc.ts";

/** Inode number of the root directory of every subvolume. */
const SUBVOLUME_ROOT_INODE = 256n;
/**
 * A snapshot's stand-in for a nested subvolume: an empty directory that the
 * kernel makes up, with the present time as its times. Not visited.
 */
const EMPTY_SUBVOLUME_INODE = 2n;

export interface Subvolume {
  readonly id: number;
  /** From the directory where the walk began; empty for that directory's own subvolume. */
  readonly path: Buffer;
  readonly readOnly: boolean;
}

export interface Entry {
  /** From the directory where the walk began. */
  readonly path: Buffer;
  /** Opens it for as long as the visit lasts, however long the path is. */
  readonly at: Buffer;
  readonly stats: BigIntStats;
  readonly subvolume: Subvolume;
}

/** BTRFS_IOC_INO_LOOKUP with tree 0: the id of the subvolume that an open file lies in. */
export function subvolumeId(fd: number): number {
  const argument = Buffer.alloc(4096);
  argument.writeBigUInt64LE(SUBVOLUME_ROOT_INODE, 8);
  ioctl(fd, 0xd0009412, argument);
  return Number(argument.readBigUInt64LE(0));
}

/** BTRFS_IOC_SUBVOL_GETFLAGS; fd: the subvolume's root directory. */
export function isReadOnlySubvolume(fd: number): boolean {
  const flags = Buffer.alloc(8);
  ioctl(fd, 0x80089419, flags);
  return (flags.readUInt32LE(0) & 2) !== 0;
}

/** A path to a child of an open directory that does not grow with depth. */
export function childPath(directory: number, name: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.from(`/proc/self/fd/${directory}/`),
    typeof name === "string" ? Buffer.from(name) : name,
  ]);
}

/** Opens a directory without following a symlink. */
export function openDirectory(path: Buffer | string): number {
  return openSync(
    path,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NOATIME,
  );
}

function join(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, Buffer.from("/"), name]);
}

/** Calls `visit` for the root directory and everything below it, parents first. */
export function walk(root: string, visit: (entry: Entry) => void): void {
  const visitDirectory = (fd: number, path: Buffer, subvolume: Subvolume): void => {
    for (const name of readdirSync(childPath(fd, "."), { encoding: "buffer" })) {
      const at = childPath(fd, name);
      const stats = lstatSync(at, { bigint: true });
      if (stats.isDirectory() && stats.ino === EMPTY_SUBVOLUME_INODE) continue;
      const childFd = stats.isDirectory() ? openDirectory(at) : -1;
      try {
        const own = join(path, name);
        const inner =
          childFd >= 0 && stats.ino === SUBVOLUME_ROOT_INODE
            ? { id: subvolumeId(childFd), path: own, readOnly: isReadOnlySubvolume(childFd) }
            : subvolume;
        visit({ path: own, at, stats, subvolume: inner });
        if (childFd >= 0) visitDirectory(childFd, own, inner);
      } finally {
        if (childFd >= 0) closeSync(childFd);
      }
    }
  };
  const fd = openDirectory(root);
  try {
    const empty = Buffer.alloc(0);
    const readOnly = fstatSync(fd).ino === Number(SUBVOLUME_ROOT_INODE) && isReadOnlySubvolume(fd);
    const subvolume = { id: subvolumeId(fd), path: empty, readOnly };
    const stats = fstatSync(fd, { bigint: true });
    visit({ path: empty, at: childPath(fd, "."), stats, subvolume });
    visitDirectory(fd, empty, subvolume);
  } finally {
    closeSync(fd);
  }
}

/** A path for a message: printable, and telling every byte apart. */
export function printable(path: Buffer): string {
  const text = path.toString("utf8").includes("\ufffd") ? path.toString("latin1") : path.toString("utf8");
  const quoted = JSON.stringify(text);
  return quoted.length > 160 ? `${quoted.slice(0, 80)}...${quoted.slice(-60)}` : quoted;
}
