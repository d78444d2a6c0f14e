/** Bad arguments get an errno, and no error keeps a descriptor or memory. */
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { constants as os } from "node:os";
import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { call, Control, NativeError, RECORD, tryCall } from "../../src-helper/native/library.ts";
import { LoopVolume } from "../support/volume.ts";
import { SECTOR, tasksOf } from "./support.ts";

const { EBADF, EBADMSG, ECANCELED, EINVAL, EMSGSIZE, ENODEV, ENOENT, ENOTDIR, ENOTTY, ESTALE } = os.errno;
const volume = LoopVolume.create({ size: "512M" });
const top = openSync(volume.path, constants.O_RDONLY);
const path = join(volume.path, "file");
writeFileSync(path, randomBytes(100_000));
volume.sync();
const file = openSync(path, constants.O_RDONLY);
const elsewhere = openSync("/proc/self", constants.O_RDONLY);
afterAll(() => {
  for (const fd of [top, file, elsewhere]) closeSync(fd);
  volume.dispose();
});

const sharedBlob = Buffer.alloc(1 << 17);
const blob = (): Buffer => sharedBlob.subarray(0, 1 << 16);
const cursor = (): Float64Array => new Float64Array(1);
const records = (): Float64Array => new Float64Array(10 * RECORD.fields);
const cancelled = (): Float64Array => {
  const control = new Control();
  control.cancel();
  return control.buffer;
};
const text = (words: string): Buffer => Buffer.from(`${words}\0`);

type Attempt = readonly [string, () => number, number];

function walk(fd: number, tree: number, sectorSize: number): number {
  return tryCall("rf_walk", fd, tree, sectorSize, 0, cursor(), records(), 10, blob(), 1 << 16, null);
}
function readInodes(fd: number, sectorSize: number, room = 10): number {
  const inos = Float64Array.of(257);
  return tryCall("rf_read_inodes", fd, 5, sectorSize, inos, 1, cursor(), records(), room, blob(), 1 << 16, null);
}
function dirChildren(fd: number, control: Float64Array | null): number {
  const [dirs, place] = [Float64Array.of(256), new Float64Array(2)];
  return tryCall("rf_dir_children", fd, 5, dirs, 1, place, new Float64Array(9), 9, control);
}
function csumPrints(fd: number, sectorSize: number, csumSize: number, tasks: Buffer, n: number): number {
  const [sizes, prints, status] = [new Float64Array(n).fill(100_000), Buffer.alloc(16 * n), Buffer.alloc(n)];
  return tryCall("rf_csum_prints", fd, sectorSize, csumSize, tasks, tasks.length, sizes, n, prints, prints, status, null);
}
function readPrints(fd: number, sectorSize: number, control: Float64Array | null): number {
  const files = Float64Array.of(5, 257, 7, 100_000);
  const [prints, strong, errors] = [Buffer.alloc(16), Buffer.alloc(16), new Int32Array(1)];
  return tryCall("rf_read_prints", fd, sectorSize, files, 1, 1, prints, strong, errors, control);
}
function dedupe(fd: number, n: number): number {
  const [fds, offsets] = [new Int32Array(n).fill(file), new Float64Array(n)];
  return tryCall("rf_dedupe", fd, 0, 4096, fds, offsets, n, new Int32Array(n), new Float64Array(n));
}
function search(fd: number, tree: bigint, room: number): number {
  const max = 0xffffffffffffffffn;
  return tryCall("rf_tree_search", fd, tree, 0n, 0, 0n, max, 255, max, 0n, sharedBlob, room);
}

const plain = Buffer.from([0, 0, 4, 0x80, 0x08, 0, 4]);
const attempts: readonly Attempt[] = [
  ["rf_walk: a closed fd", () => walk(-1, 5, SECTOR), EBADF],
  ["rf_walk: not btrfs", () => walk(elsewhere, 5, SECTOR), ENOTTY],
  ["rf_walk: no such tree", () => walk(top, 99_999, SECTOR), ENOENT],
  ["rf_walk: sector size 0", () => walk(top, 5, 0), EINVAL],
  ["rf_read_inodes: a closed fd", () => readInodes(-1, SECTOR), EBADF],
  ["rf_read_inodes: sector size 0", () => readInodes(top, 0), EINVAL],
  ["rf_read_inodes: no room", () => readInodes(top, SECTOR, 0), EMSGSIZE],
  [
    "rf_changed_inodes: a closed fd",
    () => tryCall("rf_changed_inodes", -1, 5, 0, cursor(), new Float64Array(9), 9, null),
    EBADF,
  ],
  [
    "rf_changed_inodes: cancelled",
    () => tryCall("rf_changed_inodes", top, 5, 0, cursor(), new Float64Array(9), 9, cancelled()),
    ECANCELED,
  ],
  ["rf_dir_children: a closed fd", () => dirChildren(-1, null), EBADF],
  ["rf_dir_children: cancelled", () => dirChildren(top, cancelled()), ECANCELED],
  ["rf_csum_prints: checksum size 3", () => csumPrints(top, SECTOR, 3, tasksOf([plain]), 1), EINVAL],
  ["rf_csum_prints: checksum size 65", () => csumPrints(top, SECTOR, 65, tasksOf([plain]), 1), EINVAL],
  ["rf_csum_prints: sector size 0", () => csumPrints(top, 0, 4, tasksOf([plain]), 1), EINVAL],
  ["rf_csum_prints: a blob that ends early", () => csumPrints(top, SECTOR, 4, tasksOf([plain.subarray(1)]), 1), EBADMSG],
  ["rf_csum_prints: fewer blobs than files", () => csumPrints(top, SECTOR, 4, tasksOf([plain]), 2), EBADMSG],
  ["rf_csum_prints: a length past the end", () => csumPrints(top, SECTOR, 4, Buffer.from([99, 0, 0, 0]), 1), EBADMSG],
  ["rf_csum_prints: an unknown kind", () => csumPrints(top, SECTOR, 4, tasksOf([Buffer.from([9, 0, 1, 0, 0, 1])]), 1), EBADMSG],
  ["rf_csum_prints: a closed fd", () => csumPrints(-1, SECTOR, 4, tasksOf([plain]), 1), EBADF],
  ["rf_csum_prints: not btrfs", () => csumPrints(elsewhere, SECTOR, 4, tasksOf([plain]), 1), ENOTTY],
  ["rf_read_prints: sector size 0", () => readPrints(top, 0, null), EINVAL],
  ["rf_read_prints: sector size 1 MiB", () => readPrints(top, 1 << 20, null), EINVAL],
  ["rf_read_prints: cancelled", () => readPrints(top, SECTOR, cancelled()), ECANCELED],
  ["rf_open_inode: no such file", () => tryCall("rf_open_inode", top, 5, 1 << 30, 7), ESTALE],
  ["rf_open_inode: a closed fd", () => tryCall("rf_open_inode", -1, 5, 257, 7), EBADF],
  ["rf_identity: not btrfs", () => tryCall("rf_identity", elsewhere, new Float64Array(8)), ENOTTY],
  ["rf_identity: a closed fd", () => tryCall("rf_identity", -1, new Float64Array(8)), EBADF],
  ["rf_is_immutable: a closed fd", () => tryCall("rf_is_immutable", -1), EBADF],
  ["rf_set_immutable: a closed fd", () => tryCall("rf_set_immutable", -1, 1), EBADF],
  ["rf_lease: a directory", () => tryCall("rf_lease", top), EINVAL],
  ["rf_dedupe: no destination", () => dedupe(file, 0), EINVAL],
  ["rf_dedupe: 128 destinations", () => dedupe(file, 128), EINVAL],
  ["rf_dedupe: a closed source", () => dedupe(-1, 1), EBADF],
  ["rf_tree_search: a buffer too small for an item", () => search(top, 5n, 4096), EINVAL],
  ["rf_tree_search: not btrfs", () => search(elsewhere, 5n, 1 << 17), ENOTTY],
  ["rf_fs_info: not btrfs", () => tryCall("rf_fs_info", elsewhere, new Float64Array(7), Buffer.alloc(16)), ENOTTY],
  ["rf_dev_info: no such device", () => tryCall("rf_dev_info", top, 77, new Float64Array(2), Buffer.alloc(1024)), ENODEV],
  ["rf_open_dir: a file", () => tryCall("rf_open_dir", text(path)), ENOTDIR],
  ["rf_open_dir: nothing", () => tryCall("rf_open_dir", text("/no/such/directory")), ENOENT],
  ["rf_mount_top: no such device", () => tryCall("rf_mount_top", "/dev/no-such-device", new Int32Array(1)), ENOENT],
  ["rf_close: a closed fd", () => tryCall("rf_close", -1), EBADF],
  ["rf_extents_alive: a closed fd", () => tryCall("rf_extents_alive", -1, Float64Array.of(4096), 1, 9, Buffer.alloc(1), null), EBADF],
];

describe("bad arguments", () => {
  test.each(attempts)("%s", (_, attempt, errno) => {
    expect(attempt()).toBe(-errno);
  });

  test("call() says which function failed, and how", () => {
    expect(() => call("rf_close", -1)).toThrow(NativeError);
    expect(() => call("rf_close", -1)).toThrow("rf_close: EBADF");
  });
});

describe("after 10,000 errors", () => {
  test("no descriptor and no memory is kept", () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const rounds = Math.ceil(10_000 / attempts.length);
    // addresses, not resident pages: a buffer that was never filled is in no page
    const addresses = (): number =>
      1024 * Number(/VmSize:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
    const run = (): void => {
      for (let round = 0; round < rounds; round++) for (const [, attempt] of attempts) attempt();
    };
    run();
    const before = { fds: descriptors(), memory: addresses() };
    run();
    expect(descriptors()).toBe(before.fds);
    // a walk's buffer is half a mebibyte: the leaks of one such call in the list would be 120 MiB
    expect(addresses() - before.memory).toBeLessThan(48 << 20);
  });

  test("nor of calls that are refused by the kernel half-way", () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const writer = openSync(path, constants.O_RDWR);
    const identity = new Float64Array(8);
    call("rf_identity", file, identity);
    const before = descriptors();
    const out = new Float64Array(6);
    for (let round = 0; round < 2000; round++) {
      // open, set +i, lease refused, clear +i, close
      const files = Float64Array.of(identity[0] ?? 0, identity[1] ?? 0, identity[2] ?? 0, 1);
      call("rf_lock_files", top, files, 1, out);
      expect([...out.subarray(0, 4)]).toEqual([-1, 3, os.errno.EAGAIN, 0]);
      expect(tryCall("rf_mount_top", tmpdir(), new Int32Array(1))).toBeLessThan(0);
    }
    expect(descriptors()).toBe(before);
    expect(tryCall("rf_is_immutable", file)).toBe(0);
    closeSync(writer);
  });
});
