/** Calls of the native library's scanning functions, with buffers of any size, for its tests. */
import type { Control} from "../../src-helper/native/library.ts";
import { call, callAsync, RECORD } from "../../src-helper/native/library.ts";

export const SECTOR = 4096;

/** One record of a walk by field, with its own packed extents. */
export interface WalkRecord {
  readonly ino: number;
  readonly generation: number;
  readonly transid: number;
  readonly size: number;
  readonly mode: number;
  readonly nlink: number;
  readonly parent: number;
  readonly extents: number;
  readonly layout: number;
  readonly traits: number;
  readonly diskBytes: number;
  readonly blob: Buffer;
}

export interface Buffers {
  readonly records: number;
  readonly blob: number;
}

export const LARGE: Buffers = { records: 50_000, blob: 8 << 20 };

function toRecords(values: Float64Array, count: number, blob: Buffer): WalkRecord[] {
  return Array.from({ length: count }, (_, k) => {
    const field = (name: Exclude<keyof typeof RECORD, "fields">): number =>
      values[k * RECORD.fields + RECORD[name]] ?? NaN;
    return {
      ino: field("ino"),
      generation: field("generation"),
      transid: field("transid"),
      size: field("size"),
      mode: field("mode"),
      nlink: field("nlink"),
      parent: field("parent"),
      extents: field("extents"),
      layout: field("layout"),
      traits: field("traits"),
      diskBytes: field("diskBytes"),
      blob: Buffer.from(blob.subarray(field("blobOffset"), field("blobOffset") + field("blobLength"))),
    };
  });
}

/** rf_walk from the first inode to the last. @param minTransid only of leaves that are newer */
export async function walkTree(
  fd: number,
  tree: number,
  buffers = LARGE,
  minTransid = 0,
): Promise<WalkRecord[]> {
  const values = new Float64Array(buffers.records * RECORD.fields);
  const blob = Buffer.alloc(buffers.blob);
  const cursor = new Float64Array(1);
  const found: WalkRecord[] = [];
  do {
    const count = await callAsync(
      "rf_walk",
      fd,
      tree,
      SECTOR,
      minTransid,
      cursor,
      values,
      buffers.records,
      blob,
      blob.length,
      null,
    );
    found.push(...toRecords(values, count, blob));
  } while (cursor[0] !== 0);
  return found;
}

/** rf_read_inodes of all the numbers given. */
export async function readInodes(
  fd: number,
  tree: number,
  inos: readonly number[],
  buffers = LARGE,
): Promise<WalkRecord[]> {
  const values = new Float64Array(buffers.records * RECORD.fields);
  const blob = Buffer.alloc(buffers.blob);
  const cursor = new Float64Array(1);
  const found: WalkRecord[] = [];
  while ((cursor[0] ?? 0) < inos.length) {
    const count = await callAsync(
      "rf_read_inodes",
      fd,
      tree,
      SECTOR,
      Float64Array.from(inos),
      inos.length,
      cursor,
      values,
      buffers.records,
      blob,
      blob.length,
      null,
    );
    found.push(...toRecords(values, count, blob));
  }
  return found;
}

/** rf_changed_inodes to the end, so many at a time. */
export function changedInodes(fd: number, tree: number, minTransid: number, room = 10_000): number[] {
  const inos = new Float64Array(room);
  const cursor = new Float64Array(1);
  const found: number[] = [];
  do {
    const count = call("rf_changed_inodes", fd, tree, minTransid, cursor, inos, room, null);
    found.push(...inos.subarray(0, count));
  } while (cursor[0] !== 0);
  return found;
}

/** rf_dir_children to the end, so many at a time. */
export function dirChildren(fd: number, tree: number, dirs: readonly number[], room = 10_000): number[] {
  const inos = new Float64Array(room);
  const cursor = new Float64Array(2);
  const found: number[] = [];
  while ((cursor[0] ?? 0) < dirs.length) {
    const list = Float64Array.from(dirs);
    const count = call("rf_dir_children", fd, tree, list, dirs.length, cursor, inos, room, null);
    found.push(...inos.subarray(0, count));
  }
  return found;
}

export interface Print {
  /** 16 bytes in hex. */
  readonly print: string;
  /** Without a last block that is filled in part only. */
  readonly body: string;
  /** enum rf_print_status. */
  readonly status: number;
}

/** The tasks of rf_csum_prints: each blob behind its length. */
export function tasksOf(blobs: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    blobs.flatMap((blob) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(blob.length);
      return [length, blob];
    }),
  );
}

/** rf_csum_prints of all files in one call. */
export async function csumPrints(
  fd: number,
  files: readonly { readonly blob: Uint8Array; readonly size: number }[],
  csumSize = 4,
): Promise<Print[]> {
  const tasks = tasksOf(files.map((file) => file.blob));
  const prints = Buffer.alloc(16 * files.length);
  const bodies = Buffer.alloc(16 * files.length);
  const status = Buffer.alloc(files.length);
  await callAsync(
    "rf_csum_prints",
    fd,
    SECTOR,
    csumSize,
    tasks,
    tasks.length,
    Float64Array.from(files.map((file) => file.size)),
    files.length,
    prints,
    bodies,
    status,
    null,
  );
  return files.map((_, k) => ({
    print: prints.toString("hex", 16 * k, 16 * k + 16),
    body: bodies.toString("hex", 16 * k, 16 * k + 16),
    status: status[k] ?? NaN,
  }));
}

export interface ReadPrint {
  readonly print: string;
  readonly strong: string;
  readonly error: number;
}

export const MODE = { sample: 0, whole: 1, tail: 2 } as const;

/** rf_read_prints of all files in one call. bodies: what MODE.tail adds the last block to. */
export async function readPrints(
  fd: number,
  tree: number,
  files: readonly { readonly ino: number; readonly generation: number; readonly size: number }[],
  mode: number = MODE.whole,
  control: Control | null = null,
  bodies: readonly string[] = [],
): Promise<ReadPrint[]> {
  const prints = Buffer.alloc(16 * files.length);
  prints.write(bodies.join(""), "hex");
  const strong = Buffer.alloc(16 * files.length);
  const errors = new Int32Array(files.length);
  await callAsync(
    "rf_read_prints",
    fd,
    SECTOR,
    Float64Array.from(files.flatMap((file) => [tree, file.ino, file.generation, file.size])),
    files.length,
    mode,
    prints,
    mode === MODE.whole ? strong : null,
    errors,
    control === null ? null : control.buffer,
  );
  return files.map((_, k) => ({
    print: prints.toString("hex", 16 * k, 16 * k + 16),
    strong: strong.toString("hex", 16 * k, 16 * k + 16),
    error: errors[k] ?? NaN,
  }));
}
