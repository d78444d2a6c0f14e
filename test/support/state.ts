/** Everything of a tree that Refold must leave as it was, and the exact difference of two such states. */
import { readlinkSync } from "node:fs";
import { hashFile, type HashOf } from "./hash.ts";
import { getFlags, getXattrs, withFd } from "./libc.ts";
import { printable, walk } from "./walk.ts";

/** Name of a property -> its value as text, for one path. */
export type PathState = ReadonlyMap<string, string>;
/** Paths (latin1, so that every byte counts) -> their state. */
export type TreeState = ReadonlyMap<string, PathState>;

export interface StateOptions {
  /** false leaves out what reads file data. */
  readonly contents?: boolean;
  /** Default: reads the file, each time. */
  readonly hash?: HashOf;
}

/**
 * Records all paths below a directory: kind, mode, owner, size, link count,
 * inode, mtime to the nanosecond, sha256, extended attributes (ACLs, trusted.*
 * and btrfs.compression among them) and chattr's flags. ctime and atime are
 * not recorded: locking sets ctime, and reading sets atime.
 */
export function snapshotState(root: string, options: StateOptions = {}): TreeState {
  const { contents = true } = options;
  const hash: HashOf = options.hash ?? ((_key, path) => hashFile(path));
  const tree = new Map<string, PathState>();
  walk(root, ({ path, at, stats, subvolume }) => {
    const state = new Map<string, string>();
    state.set("mode", stats.mode.toString(8));
    state.set("owner", `${stats.uid}:${stats.gid}`);
    state.set("size", stats.isDirectory() ? "" : String(stats.size));
    state.set("links", String(stats.nlink));
    const key = `${subvolume.id}:${stats.ino}`;
    state.set("inode", key);
    state.set("mtime", `${stats.mtimeNs} ns`);
    if (stats.isSymbolicLink()) state.set("target", readlinkSync(at, "latin1"));
    if (stats.isFile() || stats.isDirectory()) state.set("flags", `0x${withFd(at, getFlags).toString(16)}`);
    if (stats.isFile() && contents) state.set("sha256", hash(key, at));
    for (const [name, value] of getXattrs(at)) state.set(`xattr ${name}`, value.toString("hex"));
    tree.set(path.toString("latin1"), state);
  });
  return tree;
}

/** One sentence for each thing that is different; empty when the states are equal. */
export function diffStates(before: TreeState, after: TreeState): string[] {
  const differences: string[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(path), after.get(path)];
    const shown = printable(Buffer.from(path, "latin1"));
    if (old === undefined) differences.push(`${shown} appeared`);
    else if (now === undefined) differences.push(`${shown} vanished`);
    else {
      for (const name of new Set([...old.keys(), ...now.keys()])) {
        const [was, is] = [old.get(name), now.get(name)];
        if (was !== is) differences.push(`${shown}: ${name} was ${was ?? "absent"}, is ${is ?? "absent"}`);
      }
    }
  }
  return differences;
}
