/** The writable part of a volume as it is now, to pick victims from. */
import { join } from "node:path";
import { FileFlag, getFlags, getXattrs, withFd } from "../libc.ts";
import type { Random } from "../random.ts";
import { walk } from "../walk.ts";

/** Attribute of files that were written on a nodatasum mount. */
export const NO_CHECKSUMS_MARK = "user.nodatasum";

export interface LiveFile {
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  readonly links: number;
  readonly inode: string;
  readonly noCow: boolean;
  /** Written on a nodatasum mount, maybe: it has the mark. No flag tells, and the kernel clones between like files only. */
  readonly noChecksums: boolean;
  /** Path of its subvolume, relative to the root; "" for the top level. */
  readonly subvolume: string;
}

export interface LiveSubvolume {
  readonly path: string;
  readonly id: number;
  readonly readOnly: boolean;
}

export interface LiveTree {
  readonly files: readonly LiveFile[];
  /** Absolute paths of directories that can be written to. */
  readonly directories: readonly string[];
  /** Relative paths of subvolumes, the top level left out. */
  readonly subvolumes: readonly LiveSubvolume[];
}

/** Names made by the mutations are plain, so paths are text here. Immutable files are left out. */
export function readLiveTree(root: string): LiveTree {
  const files: LiveFile[] = [];
  const directories: string[] = [];
  const subvolumes = new Map<string, LiveSubvolume>();
  walk(root, ({ path, at, stats, subvolume }) => {
    const relative = path.toString();
    if (subvolume.path.length > 0) {
      const { id, readOnly } = subvolume;
      const name = subvolume.path.toString();
      subvolumes.set(name, { path: name, id, readOnly });
    }
    if (subvolume.readOnly) return;
    if (stats.isDirectory()) directories.push(join(root, relative));
    if (!stats.isFile()) return;
    const flags = withFd(at, getFlags);
    if ((flags & FileFlag.immutable) !== 0) return;
    files.push({
      path: join(root, relative),
      size: Number(stats.size),
      links: Number(stats.nlink),
      inode: `${subvolume.id}:${stats.ino}`,
      noCow: (flags & FileFlag.noCow) !== 0,
      noChecksums: getXattrs(at).has(NO_CHECKSUMS_MARK),
      subvolume: subvolume.path.toString(),
    });
  });
  return {
    files,
    directories,
    subvolumes: [...subvolumes.values()],
  };
}

/** A random member, null of none: a mutation without a victim does nothing. */
export function pickOrNull<T>(random: Random, items: readonly T[]): T | null {
  return items.length === 0 ? null : random.pick(items);
}
