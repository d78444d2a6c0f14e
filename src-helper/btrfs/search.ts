import { call } from "../native/library.ts";

/** One item of a tree; data is a view that is valid only until the search goes on or ends. */
export interface TreeItem {
  readonly objectid: number;
  readonly type: number;
  readonly offset: bigint;
  readonly data: Buffer;
}

interface Key {
  readonly objectid: bigint | number;
  readonly type: number;
  readonly offset: bigint | number;
}

const BUFFER_SIZE = 128 * 1024;
const HEADER_SIZE = 32;
const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * Items of a key range, in key order (BTRFS_IOC_TREE_SEARCH_V2). Meant for the
 * small trees and single objects; the walks of whole trees are in native/.
 *
 * @param fd any open directory of the volume
 * @param minTransid leaves that are older are passed over
 * @throws NativeError (EPERM without CAP_SYS_ADMIN, ENOENT for no such tree)
 */
export function* searchTree(
  fd: number,
  tree: number | bigint,
  min: Key,
  max: Key,
  minTransid = 0,
): Generator<TreeItem> {
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_SIZE);
  try {
    yield* searchInto(buffer, fd, tree, min, max, minTransid);
  } finally {
    spare.push(buffer);
  }
}

/** Buffers not in use: look-ups are many and short. */
const spare: Buffer[] = [];

function* searchInto(
  buffer: Buffer,
  fd: number,
  tree: number | bigint,
  min: Key,
  max: Key,
  minTransid: number,
): Generator<TreeItem> {
  let next = { objectid: BigInt(min.objectid), type: min.type, offset: BigInt(min.offset) };
  for (;;) {
    const count = call(
      "rf_tree_search",
      fd,
      tree,
      next.objectid,
      next.type,
      next.offset,
      max.objectid,
      max.type,
      max.offset,
      minTransid,
      buffer,
      BUFFER_SIZE,
    );
    if (count === 0) return;
    let position = 0;
    let objectid = 0n;
    let offset = 0n;
    let type = 0;
    for (let k = 0; k < count; k++) {
      objectid = buffer.readBigUInt64LE(position + 8);
      offset = buffer.readBigUInt64LE(position + 16);
      type = buffer.readUInt32LE(position + 24);
      const length = buffer.readUInt32LE(position + 28);
      const start = position + HEADER_SIZE;
      position = start + length;
      yield { objectid: Number(objectid), type, offset, data: buffer.subarray(start, position) };
    }
    if (BUFFER_SIZE - position > 65536 + HEADER_SIZE) return; // it stopped for want of items, not of room
    if (offset < MAX_U64) next = { objectid, type, offset: offset + 1n };
    else if (type < 255) next = { objectid, type: type + 1, offset: 0n };
    else next = { objectid: objectid + 1n, type: 0, offset: 0n };
  }
}

/** All items of one object and type. */
export function itemsOf(fd: number, tree: number, objectid: number, type: number): Generator<TreeItem> {
  return searchTree(fd, tree, { objectid, type, offset: 0n }, { objectid, type, offset: MAX_U64 });
}

/** All items of the types first..last of one object. */
export function itemsBetween(
  fd: number,
  tree: number,
  objectid: number,
  first: number,
  last: number,
): Generator<TreeItem> {
  return searchTree(
    fd,
    tree,
    { objectid, type: first, offset: 0n },
    { objectid, type: last, offset: MAX_U64 },
  );
}
