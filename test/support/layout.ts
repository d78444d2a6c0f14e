/**
 * Where the data of files lies on disk, from the file extent items of their
 * subvolume (BTRFS_IOC_TREE_SEARCH_V2). FIEMAP will not do: for a compressed
 * extent it does not say which part of it a file uses, so two files that share
 * everything look different once the kernel has split the extent of one.
 */
import { ioctl } from "./libc.ts";

const TREE_SEARCH_V2 = 0xc0709411;
const U64_MAX = 0xffffffffffffffffn;
const INODE_ITEM = 1;
const ROOT_TREE = 1;
const ORPHANS = U64_MAX - 4n;
const ORPHAN_ITEM = 48;
const EXTENT_DATA = 108;
const KIND_INLINE = 0;
const BUFFER_BYTES = 1 << 20;
const SEARCH_KEY_BYTES = 104;
const HEADER_BYTES = 32;

/** One file extent item; bytes throughout. */
export interface Piece {
  /** Position in the file. */
  readonly logical: number;
  readonly length: number;
  /** Start of the extent on disk, by which btrfs counts references. */
  readonly diskBytenr: number;
  readonly diskBytes: number;
  /** Where in the extent, uncompressed, the piece begins. */
  readonly offset: number;
  readonly compressed: boolean;
  readonly preallocated: boolean;
}

/** What a subvolume's tree says of one inode. */
export interface InodeOnDisk {
  /** BTRFS_INODE_NODATASUM: its data has no checksums, so it folds only with others of that kind. */
  readonly noChecksums: boolean;
  /** Some of its data lies in the tree itself. */
  inline: boolean;
  readonly pieces: Piece[];
}

interface Key {
  inode: bigint;
  type: number;
  offset: bigint;
}

function parsePiece(inodeOffset: number, body: Buffer): Piece | "inline" | "hole" {
  if (body.readUInt8(20) === KIND_INLINE) return "inline";
  const diskBytenr = Number(body.readBigUInt64LE(21));
  if (diskBytenr === 0) return "hole";
  return {
    logical: inodeOffset,
    diskBytenr,
    diskBytes: Number(body.readBigUInt64LE(29)),
    offset: Number(body.readBigUInt64LE(37)),
    length: Number(body.readBigUInt64LE(45)),
    compressed: body.readUInt8(16) !== 0,
    preallocated: body.readUInt8(20) === 2,
  };
}

/** One search call from `next` on; moves `next` behind the last item. Returns how many items came. */
function searchSome(fd: number, tree: number, next: Key, visit: (key: Key, body: Buffer) => void): number {
  const argument = Buffer.alloc(SEARCH_KEY_BYTES + 8 + BUFFER_BYTES);
  argument.writeBigUInt64LE(BigInt(tree), 0);
  argument.writeBigUInt64LE(next.inode, 8);
  argument.writeBigUInt64LE(U64_MAX, 16);
  argument.writeBigUInt64LE(next.offset, 24);
  argument.writeBigUInt64LE(U64_MAX, 32);
  argument.writeBigUInt64LE(0n, 40);
  argument.writeBigUInt64LE(U64_MAX, 48);
  argument.writeUInt32LE(next.type, 56);
  argument.writeUInt32LE(0xff, 60);
  argument.writeUInt32LE(0xffffffff, 64);
  argument.writeBigUInt64LE(BigInt(BUFFER_BYTES), SEARCH_KEY_BYTES);
  ioctl(fd, TREE_SEARCH_V2, argument);
  const items = argument.readUInt32LE(64);
  let at = SEARCH_KEY_BYTES + 8;
  for (let k = 0; k < items; k++) {
    next.inode = argument.readBigUInt64LE(at + 8);
    next.offset = argument.readBigUInt64LE(at + 16);
    next.type = argument.readUInt32LE(at + 24);
    const length = argument.readUInt32LE(at + 28);
    visit(next, argument.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
    at += HEADER_BYTES + length;
  }
  if (next.offset === U64_MAX) [next.type, next.offset] = [next.type + 1, 0n];
  else next.offset += 1n;
  return items;
}

/** Every inode of a subvolume as its tree has it. fd: anything open on the filesystem; sync before. */
export function readInodes(fd: number, subvolume: number): Map<number, InodeOnDisk> {
  const inodes = new Map<number, InodeOnDisk>();
  const next: Key = { inode: 0n, type: 0, offset: 0n };
  const visit = (key: Key, body: Buffer): void => {
    if (key.type === INODE_ITEM) {
      const flags = body.readUInt32LE(64);
      inodes.set(Number(key.inode), { noChecksums: (flags & 1) !== 0, inline: false, pieces: [] });
    } else if (key.type === EXTENT_DATA) {
      const inode = inodes.get(Number(key.inode));
      if (inode === undefined) throw new Error(`inode ${key.inode} has data, but no item of its own`);
      const piece = parsePiece(Number(key.offset), body);
      if (piece === "inline") inode.inline = true;
      else if (piece !== "hole") inode.pieces.push(piece);
    }
  };
  while (searchSome(fd, subvolume, next, visit) > 0);
  return inodes;
}

/** How many subvolumes are deleted and not yet gone from the disk. fd: as for readInodes. */
export function countDeletedSubvolumes(fd: number): number {
  let count = 0;
  const next: Key = { inode: ORPHANS, type: ORPHAN_ITEM, offset: 0n };
  const visit = ({ inode, type }: Key): void => {
    if (inode === ORPHANS && type === ORPHAN_ITEM) count++;
  };
  while (searchSome(fd, ROOT_TREE, next, visit) > 0);
  return count;
}

/** The layout of a file that has nothing on disk: all hole, or inline. */
export const NO_LAYOUT = "none";

/**
 * A text that is equal for two files of one size exactly when they share all
 * their data: which bytes of which extent stand at which place. How the pieces
 * are split, and what of them lies behind the end of the file, does not count.
 */
export function layoutOf(pieces: readonly Piece[], size: number, sectorSize = 4096): string {
  const end = Math.ceil(size / sectorSize) * sectorSize;
  const runs: { at: number; until: number; source: string; shift: number }[] = [];
  for (const piece of pieces) {
    if (piece.logical >= end) continue;
    const until = Math.min(piece.logical + piece.length, end);
    // Neighbouring plain extents may be one extent in the other file: compare addresses on
    // disk. Those of a compressed extent mean nothing apart from the extent.
    const source = piece.compressed ? `c${piece.diskBytenr}` : "d";
    const shift = (piece.compressed ? 0 : piece.diskBytenr) + piece.offset - piece.logical;
    const last = runs.at(-1);
    if (last?.until === piece.logical && last.source === source && last.shift === shift) last.until = until;
    else runs.push({ at: piece.logical, until, source, shift });
  }
  if (runs.length === 0) return NO_LAYOUT;
  return runs.map((run) => `${run.at}-${run.until}:${run.source}+${run.shift}`).join(" ");
}
