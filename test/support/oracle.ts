/**
 * What the duplicates of a volume really are, found the slow way: walk
 * everything, read everything, compare everything. Shares nothing with the
 * code under test.
 *
 * A group is two or more files of the same content, not smaller than the
 * smallest size asked for, of which at least two do not share all their data
 * on disk. Hard links are one file; the same inode in a snapshot is another.
 * Files with nothing on disk (empty, inline, all hole) share with one another
 * what they have: nothing.
 */
import { closeSync } from "node:fs";
import { hashFile, type HashOf } from "./hash.ts";
import { FileFlag, getFlags, withFd } from "./libc.ts";
import { layoutOf, NO_LAYOUT, readInodes, type InodeOnDisk, type Piece } from "./layout.ts";
import { openDirectory, printable, walk, type Subvolume } from "./walk.ts";

export interface OracleFile {
  readonly subvolume: Subvolume;
  readonly inode: number;
  /** Its names, from the top level. */
  readonly paths: Buffer[];
  readonly size: number;
  readonly sha256: string;
  readonly layout: string;
  readonly pieces: readonly Piece[];
  /** chattr's flags. */
  readonly flags: number;
  /** Some of its data lies in the metadata, where it can be shared with nothing. */
  readonly inline: boolean;
  /** NOCOW, or written on a nodatasum mount. */
  readonly noChecksums: boolean;
}

export interface OracleGroup {
  readonly size: number;
  readonly sha256: string;
  readonly files: readonly OracleFile[];
}

export interface Oracle {
  /** Every regular file of every subvolume. */
  readonly files: readonly OracleFile[];
  readonly subvolumes: readonly Subvolume[];
  groups(minSize: number): OracleGroup[];
}

/** "subvolume id:inode", by which files are compared with Refold's. */
export function fileKey(subvolume: number, inode: number): string {
  return `${subvolume}:${inode}`;
}

function groupFiles(files: readonly OracleFile[], minSize: number): OracleGroup[] {
  const byContent = Map.groupBy(
    files.filter((file) => file.size >= minSize && file.size > 0),
    (file) => `${file.size} ${file.sha256}`,
  );
  const groups: OracleGroup[] = [];
  for (const members of byContent.values()) {
    const [first] = members;
    if (first === undefined || members.every((file) => file.layout === first.layout)) continue;
    groups.push({ size: first.size, sha256: first.sha256, files: members });
  }
  return groups;
}

/** What is known of some files. */
export function oracleOf(files: readonly OracleFile[], subvolumes: readonly Subvolume[]): Oracle {
  return { files, subvolumes, groups: (minSize) => groupFiles(files, minSize) };
}

/**
 * Reads the whole filesystem.
 * @param top where its top level (subvolid 5) is mounted, synced before
 * @param hash of a content; reads the file, where nothing else is said
 */
export function consultOracle(top: string, hash: HashOf = (_key, path) => hashFile(path)): Oracle {
  const fd = openDirectory(top);
  try {
    const files = new Map<string, OracleFile>();
    const subvolumes = new Map<number, Subvolume>();
    const trees = new Map<number, Map<number, InodeOnDisk>>();
    walk(top, ({ path, at, stats, subvolume }) => {
      subvolumes.set(subvolume.id, subvolume);
      if (!stats.isFile()) return;
      const inode = Number(stats.ino);
      const key = fileKey(subvolume.id, inode);
      const known = files.get(key);
      if (known !== undefined) {
        known.paths.push(path);
        return;
      }
      const tree = trees.get(subvolume.id) ?? readInodes(fd, subvolume.id);
      trees.set(subvolume.id, tree);
      const onDisk = tree.get(inode);
      if (onDisk === undefined) throw new Error(`${printable(path)} is not in its tree: sync before asking`);
      const size = Number(stats.size);
      files.set(key, {
        subvolume,
        inode,
        paths: [path],
        size,
        sha256: hash(key, at),
        layout: layoutOf(onDisk.pieces, size),
        pieces: onDisk.pieces,
        inline: onDisk.inline,
        noChecksums: onDisk.noChecksums,
        flags: withFd(at, getFlags),
      });
    });
    return oracleOf([...files.values()], [...subvolumes.values()]);
  } finally {
    closeSync(fd);
  }
}

/** Whether a fold may change where the file's data lies. The rest can be a source all the same. */
export function isFoldable(file: OracleFile, snapshots: boolean): boolean {
  return (file.flags & FileFlag.immutable) === 0 && (snapshots || !file.subvolume.readOnly);
}

/**
 * What of a group is left to fold: one sentence for each file that could still
 * be folded onto another; empty when folding has done all it can. Files with
 * and without checksums cannot share. Where some files of a group cannot be
 * changed, folding frees space only when the others come to share with them.
 * A file with nothing on disk has nothing to give, and onto an inline one
 * nothing can be folded: the kernel writes a new extent instead.
 */
export function unfinished(group: OracleGroup, snapshots: boolean): string[] {
  const complaints: string[] = [];
  for (const noChecksums of [false, true]) {
    const members = group.files.filter((file) => file.noChecksums === noChecksums && !file.inline);
    const fixed = members.filter((file) => !isFoldable(file, snapshots) || file.layout === NO_LAYOUT);
    const loose = members.filter((file) => isFoldable(file, snapshots) && file.layout !== NO_LAYOUT);
    const anchors = fixed.length > 0 ? fixed : loose.slice(0, 1);
    for (const file of loose) {
      if (anchors.some((anchor) => anchor.layout === file.layout)) continue;
      const onto = anchors.map(describeFile).join("\n    or ");
      complaints.push(`${describeFile(file)}\n    could be folded onto ${onto}`);
    }
  }
  return complaints;
}

/** A file for a message. */
export function describeFile(file: OracleFile): string {
  const marks = [
    file.subvolume.readOnly ? "read-only" : "",
    (file.flags & FileFlag.immutable) !== 0 ? "immutable" : "",
    (file.flags & FileFlag.append) !== 0 ? "append-only" : "",
    file.inline ? "inline" : "",
    file.noChecksums ? "no checksums" : "",
    file.pieces.some((piece) => piece.compressed) ? "compressed" : "",
    file.pieces.some((piece) => piece.preallocated) ? "preallocated" : "",
  ].filter((mark) => mark !== "");
  const layout = file.layout.length > 100 ? `${file.layout.slice(0, 100)}...` : file.layout;
  const [path] = file.paths;
  return (
    `${fileKey(file.subvolume.id, file.inode)} ${path === undefined ? "?" : printable(path)} ` +
    `(${file.size} bytes${marks.map((mark) => `, ${mark}`).join("")}; ${layout})`
  );
}
