/**
 * The few system calls that Node has no name for, straight from libc. Kept
 * apart from Refold's own native library on purpose: the tests must not ask
 * the code under test what the truth is.
 */
import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
type Call = (...args: unknown[]) => number;
const ioctlCall = libc.func("int ioctl(int fd, unsigned long request, void *argument)") as Call;
const fallocateCall = libc.func("int fallocate(int fd, int mode, int64_t offset, int64_t length)") as Call;
const listxattrCall = libc.func("intptr_t llistxattr(void *path, void *list, size_t size)") as Call;
const getxattrCall = libc.func(
  "intptr_t lgetxattr(void *path, void *name, void *value, size_t size)",
) as Call;
const setxattrCall = libc.func(
  "int lsetxattr(void *path, void *name, void *value, size_t size, int flags)",
) as Call;
const utimensatCall = libc.func("int utimensat(int dir, void *path, void *times, int flags)") as Call;
const mknodCall = libc.func("int mknod(void *path, uint32_t mode, uint64_t device)") as Call;
const renameat2Call = libc.func(
  "int renameat2(int from, void *old, int to, void *new, unsigned int flags)",
) as Call;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** A system call's failure, with its errno. */
export class SystemCallError extends Error {
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call}: errno ${errno}`);
    this.errno = errno;
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}

function cString(bytes: Buffer | string): Buffer {
  return Buffer.concat([typeof bytes === "string" ? Buffer.from(bytes) : bytes, Buffer.alloc(1)]);
}

/** ioctl(2) with a buffer in and out. @throws SystemCallError */
export function ioctl(fd: number, request: number, argument: Buffer): number {
  return check(`ioctl 0x${request.toString(16)}`, ioctlCall(fd, request, argument));
}

/** Opens a path (bytes) read-only without touching its atime, runs `use`, closes it. */
export function withFd<T>(path: Buffer | string, use: (fd: number) => T, flags = constants.O_RDONLY): T {
  const fd = openSync(path, flags | constants.O_NOATIME);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Flags of chattr(1), as FS_IOC_GETFLAGS has them. */
export const FileFlag = {
  sync: 0x8,
  immutable: 0x10,
  append: 0x20,
  noDump: 0x40,
  noAtime: 0x80,
  compress: 0x4,
  noCompress: 0x400,
  noCow: 0x800000,
} as const;

/** FS_IOC_GETFLAGS. */
export function getFlags(fd: number): number {
  const value = Buffer.alloc(8);
  ioctl(fd, 0x80086601, value);
  return value.readUInt32LE(0);
}

/** FS_IOC_SETFLAGS: sets and clears the given flags, leaves the others. */
export function changeFlags(path: Buffer | string, set: number, clear = 0): void {
  withFd(path, (fd) => {
    const value = Buffer.alloc(8);
    value.writeUInt32LE(((getFlags(fd) | set) & ~clear) >>> 0, 0);
    ioctl(fd, 0x40086602, value);
  });
}

/** fallocate(2). mode: 0, or a sum of FALLOC_FL_* bits; offset and length in bytes. */
export function fallocate(fd: number, mode: number, offset: number, length: number): void {
  check("fallocate", fallocateCall(fd, mode, offset, length));
}
export const FALLOC_KEEP_SIZE = 1;
export const FALLOC_PUNCH_HOLE = 2 | 1;

/** FICLONERANGE: makes `length` bytes of `to` share those of `from`; 0 = to the end. */
export function cloneRange(from: number, offset: number, length: number, to: number, target: number): void {
  const range = Buffer.alloc(32);
  range.writeBigInt64LE(BigInt(from), 0);
  range.writeBigUInt64LE(BigInt(offset), 8);
  range.writeBigUInt64LE(BigInt(length), 16);
  range.writeBigUInt64LE(BigInt(target), 24);
  ioctl(to, 0x4020940d, range);
}

/** FIDEDUPERANGE with one destination. Returns the bytes shared, -1 where the contents differ. */
export function dedupeRange(
  from: number,
  offset: number,
  length: number,
  to: number,
  target: number,
): number {
  const range = Buffer.alloc(56);
  range.writeBigUInt64LE(BigInt(offset), 0);
  range.writeBigUInt64LE(BigInt(length), 8);
  range.writeUInt16LE(1, 16);
  range.writeBigInt64LE(BigInt(to), 24);
  range.writeBigUInt64LE(BigInt(target), 32);
  ioctl(from, 0xc0189436, range);
  const status = range.readInt32LE(48);
  if (status < 0) throw new SystemCallError("FIDEDUPERANGE", -status);
  return status === 1 ? -1 : Number(range.readBigUInt64LE(40));
}

/** Every extended attribute of a path (symlinks not followed), name -> value. */
export function getXattrs(path: Buffer): Map<string, Buffer> {
  const cPath = cString(path);
  const length = check("llistxattr", listxattrCall(cPath, null, 0));
  const list = Buffer.alloc(length);
  const got = length === 0 ? 0 : check("llistxattr", listxattrCall(cPath, list, length));
  const result = new Map<string, Buffer>();
  for (const name of list.toString("latin1", 0, got).split("\0")) {
    if (name === "") continue;
    const cName = cString(Buffer.from(name, "latin1"));
    const size = check(`lgetxattr ${name}`, getxattrCall(cPath, cName, null, 0));
    const value = Buffer.alloc(size);
    if (size > 0) check(`lgetxattr ${name}`, getxattrCall(cPath, cName, value, size));
    result.set(name, value);
  }
  return result;
}

/** lsetxattr(2). */
export function setXattr(path: Buffer | string, name: string, value: Buffer | string): void {
  const bytes = Buffer.from(value);
  check(`lsetxattr ${name}`, setxattrCall(cString(path), cString(name), bytes, bytes.length, 0));
}

/** Sets atime and mtime to the nanosecond (Node's utimes goes through a double). */
export function setTimes(path: Buffer | string, seconds: bigint, nanoseconds: bigint): void {
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(seconds, at);
    times.writeBigInt64LE(nanoseconds, at + 8);
  }
  check("utimensat", utimensatCall(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW));
}

/** mknod(2): fifos, sockets, devices. */
export function makeNode(path: Buffer | string, mode: number): void {
  check("mknod", mknodCall(cString(path), mode, 0));
}

/** renameat2(RENAME_EXCHANGE): swaps what two paths name. */
export function exchange(a: string, b: string): void {
  check("renameat2", renameat2Call(AT_FDCWD, cString(a), AT_FDCWD, cString(b), 2));
}
