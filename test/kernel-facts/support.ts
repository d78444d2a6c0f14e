/** What the tests of kernel facts share: files, extents and tree items seen without the engine. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { call, tryCall } from "../../src-helper/native/library.ts";
import { ROOT } from "../support/run.ts";

/** Trees and item types of linux/btrfs_tree.h. */
export const TREE = { root: 1n, extent: 2n, chunk: 3n, csum: 7n } as const;
export const ITEM = {
  inode: 1,
  inodeRef: 12,
  orphan: 48,
  dirIndex: 96,
  extentData: 108,
  extentCsum: 128,
  root: 132,
  extent: 168,
  chunk: 228,
} as const;
export const ORPHAN_OBJECTID = 0xfffffffffffffffbn; // -5
export const CSUM_OBJECTID = 0xfffffffffffffff6n; // -10
/** BTRFS_INODE_* flags of an inode item. */
export const INODE_FLAG = { nodatasum: 1n, nodatacow: 2n, immutable: 64n } as const;
export const U64_MAX = 0xffffffffffffffffn;
export const SECTOR = 4096;

export interface Item {
  readonly transid: number;
  readonly objectid: bigint;
  readonly type: number;
  readonly offset: bigint;
  readonly data: Buffer;
}

export interface Range {
  readonly objectid?: bigint | readonly [bigint, bigint];
  readonly type?: number | readonly [number, number];
  readonly offset?: bigint | readonly [bigint, bigint];
  readonly minTransid?: number;
}

function bounds<T>(value: T | readonly [T, T] | undefined, low: T, high: T): readonly [T, T] {
  if (value === undefined) return [low, high];
  return Array.isArray(value) ? (value as readonly [T, T]) : [value as T, value as T];
}

/** Items of a tree whose keys lie between two keys and whose three parts lie in the ranges given. */
export function treeItems(fd: number, tree: bigint | number, range: Range = {}): Item[] {
  const objectid = bounds(range.objectid, 0n, U64_MAX);
  const type = bounds(range.type, 0, 255);
  const offset = bounds(range.offset, 0n, U64_MAX);
  const buffer = Buffer.alloc(1 << 20);
  const items: Item[] = [];
  let from: [bigint, number, bigint] = [objectid[0], type[0], offset[0]];
  for (;;) {
    const count = call(
      "rf_tree_search",
      fd,
      BigInt(tree),
      from[0],
      from[1],
      from[2],
      objectid[1],
      type[1],
      offset[1],
      BigInt(range.minTransid ?? 0),
      buffer,
      buffer.length,
    );
    if (count === 0) return items;
    let at = 0;
    for (let k = 0; k < count; k++) {
      const length = buffer.readUInt32LE(at + 28);
      const item = {
        transid: Number(buffer.readBigUInt64LE(at)),
        objectid: buffer.readBigUInt64LE(at + 8),
        offset: buffer.readBigUInt64LE(at + 16),
        type: buffer.readUInt32LE(at + 24),
        data: Buffer.from(buffer.subarray(at + 32, at + 32 + length)),
      };
      at += 32 + length;
      from = [item.objectid, item.type, item.offset];
      const inside =
        item.type >= type[0] && item.type <= type[1] && item.offset >= offset[0] && item.offset <= offset[1];
      if (inside) items.push(item);
    }
    if (from[2] < U64_MAX) from[2]++;
    else if (from[1] < 255) from = [from[0], from[1] + 1, 0n];
    else from = [from[0] + 1n, 0, 0n];
  }
}

/** What the inode item of a file says; null where its tree has none. */
export interface InodeItem {
  readonly generation: number;
  readonly transid: number;
  readonly size: number;
  readonly nlink: number;
  readonly flags: bigint;
}

export function inodeItem(fd: number, tree: bigint | number, ino: number): InodeItem | null {
  const [item] = treeItems(fd, tree, { objectid: BigInt(ino), type: ITEM.inode });
  if (item === undefined) return null;
  return {
    generation: Number(item.data.readBigUInt64LE(0)),
    transid: Number(item.data.readBigUInt64LE(8)),
    size: Number(item.data.readBigUInt64LE(16)),
    nlink: item.data.readUInt32LE(40),
    flags: item.data.readBigUInt64LE(64),
  };
}

/** One EXTENT_DATA item that refers to an extent on disk, bytes throughout. */
export interface FileExtent {
  readonly fileOffset: number;
  readonly compression: number;
  /** 1 data, 2 preallocated. */
  readonly type: number;
  readonly bytenr: number;
  readonly diskBytes: number;
  readonly offset: number;
  readonly length: number;
}

/** Extents on disk of a file, holes and inline data left out. Sync first. */
export function fileExtents(fd: number, tree: bigint | number, ino: number): FileExtent[] {
  return treeItems(fd, tree, { objectid: BigInt(ino), type: ITEM.extentData })
    .filter((item) => item.data.readUInt8(20) !== 0)
    .map((item) => ({
      fileOffset: Number(item.offset),
      compression: item.data.readUInt8(16),
      type: item.data.readUInt8(20),
      bytenr: Number(item.data.readBigUInt64LE(21)),
      diskBytes: Number(item.data.readBigUInt64LE(29)),
      offset: Number(item.data.readBigUInt64LE(37)),
      length: Number(item.data.readBigUInt64LE(45)),
    }))
    .filter((extent) => extent.bytenr !== 0);
}

/** Whether the file has inline data. */
export function isInline(fd: number, tree: bigint | number, ino: number): boolean {
  return treeItems(fd, tree, { objectid: BigInt(ino), type: ITEM.extentData }).some(
    (item) => item.data.readUInt8(20) === 0,
  );
}

/** Address on disk of each 4 KiB block of a file of plain extents; null where there is none. */
export function blockAddresses(extents: readonly FileExtent[], size: number): (number | null)[] {
  const blocks = new Array<number | null>(Math.ceil(size / SECTOR)).fill(null);
  for (const extent of extents)
    for (let k = 0; k < extent.length; k += SECTOR) {
      const block = (extent.fileOffset + k) / SECTOR;
      if (block < blocks.length) blocks[block] = extent.bytenr + extent.offset + k;
    }
  return blocks;
}

/** Checksums that the volume keeps of a range on disk, one Buffer a sector; absent where it keeps none. */
export function checksums(fd: number, bytenr: number, length: number, size = 4): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  const first = BigInt(Math.max(0, bytenr - (65536 / size) * SECTOR));
  const last = BigInt(bytenr + length - 1);
  const range = { objectid: CSUM_OBJECTID, type: ITEM.extentCsum, offset: [first, last] } as const;
  for (const item of treeItems(fd, TREE.csum, range))
    for (let k = 0; k * size < item.data.length; k++) {
      const address = Number(item.offset) + k * SECTOR;
      if (address >= bytenr && address < bytenr + length)
        found.set(address, item.data.subarray(k * size, (k + 1) * size));
    }
  return found;
}

/** Where on the first device a logical address lies (single profile). */
export function physicalAddress(fd: number, bytenr: number): number {
  for (const item of treeItems(fd, TREE.chunk, { objectid: 256n, type: ITEM.chunk })) {
    const [start, length] = [Number(item.offset), Number(item.data.readBigUInt64LE(0))];
    if (bytenr >= start && bytenr < start + length)
      return Number(item.data.readBigUInt64LE(56)) + bytenr - start;
  }
  throw new Error(`no chunk holds ${bytenr}`);
}

/** Id of the subvolume that an open file lies in. */
export function subvolumeOf(fd: number): number {
  const out = new Float64Array(8);
  call("rf_identity", fd, out);
  return out[0] ?? 0;
}

/** Opens, runs, closes (after the end of a promise, where `use` gives one). flags: O_RDONLY unless said. */
export function withOpen<T>(path: string, use: (fd: number) => T, flags = constants.O_RDONLY): T {
  const fd = openSync(path, flags);
  let result: T;
  try {
    result = use(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (result instanceof Promise) {
    return result.finally(() => {
      closeSync(fd);
    }) as T;
  }
  closeSync(fd);
  return result;
}

export interface DedupeOutcome {
  /** What the call as a whole said: 0, or -errno. */
  readonly call: number;
  /** Of the destination: 0 shared, 1 differs, -errno. */
  readonly status: number;
  readonly bytes: number;
}

/** One FIDEDUPERANGE onto one destination; through O_RDONLY fds unless they are given. */
export function dedupe(
  source: string | number,
  destination: string | number,
  length: number,
  offsets: readonly [number, number] = [0, 0],
): DedupeOutcome {
  const open: number[] = [];
  const fdOf = (file: string | number): number => {
    if (typeof file === "number") return file;
    const fd = openSync(file, constants.O_RDONLY);
    open.push(fd);
    return fd;
  };
  const status = new Int32Array(1);
  const bytes = new Float64Array(1);
  try {
    const result = tryCall(
      "rf_dedupe",
      fdOf(source),
      offsets[0],
      length,
      Int32Array.of(fdOf(destination)),
      Float64Array.of(offsets[1]),
      1,
      status,
      bytes,
    );
    return { call: result, status: status[0] ?? NaN, bytes: bytes[0] ?? NaN };
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** Writes the same bytes to two new files of a directory; returns their paths. */
export function twins(directory: string, name: string, content: Buffer): [string, string] {
  const pair: [string, string] = [join(directory, `${name}.a`), join(directory, `${name}.b`)];
  for (const path of pair) writeFileSync(path, content);
  return pair;
}

/** Inode number of a path. */
export function inodeOf(path: string): number {
  return statSync(path).ino;
}

/** Generation of the filesystem (FS_INFO). */
export function fsGeneration(fd: number): number {
  const out = new Float64Array(7);
  call("rf_fs_info", fd, out, Buffer.alloc(16));
  return out[5] ?? 0;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it wrote to its standard output before "ready". */
  readonly said: string;
  /** Resolves with how it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Runs a script (an ES module; `native` is src-helper/native/library.ts, `libc`
 * test/support/libc.ts, `args` the words given) in a Node of its own and waits
 * until it calls ready(). It lives until its standard input ends or it is killed.
 */
export async function startChild(script: string, ...args: string[]): Promise<Child> {
  const prelude = `
    import * as fs from "node:fs";
    import koffi from "koffi";
    const native = await import(${JSON.stringify(join(ROOT, "src-helper/native/library.ts"))});
    const args = process.argv.slice(1);
    const ready = () => { process.stdout.write("ready\\n"); process.stdin.resume(); process.stdin.on("end", () => process.exit(0)); };
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", prelude + script, "--", ...args], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("ready\n")) resolve();
    });
    void ended.then(({ code, signal }) => {
      reject(new Error(`the child ended before it was ready (${String(code ?? signal)}): ${complaint}`));
    });
  });
  return { process: child, said, ended };
}

/** The top level of a filesystem through fsopen/fsmount while `use` runs. */
export function withTop<T>(device: string, use: (dir: number) => T): T {
  const mount = new Int32Array(1);
  const dir = call("rf_mount_top", device, mount);
  try {
    return use(dir);
  } finally {
    call("rf_close", dir);
    call("rf_close", mount[0]);
  }
}

/** Waits until a condition holds. @throws Error after so many milliseconds */
export async function until(what: string, condition: () => boolean, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What a process waits for in the kernel, from /proc/PID/wchan; "0" while it runs. */
export function waitsIn(pid: number): string {
  return readFileSync(`/proc/${pid}/wchan`, "latin1");
}
