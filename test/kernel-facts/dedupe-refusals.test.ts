/** What FIDEDUPERANGE takes and what it refuses, and with which errno. */
import {
  constants,
  copyFileSync,
  openSync,
  closeSync,
  mkdirSync,
  readSync,
  writeFileSync,
  writeSync,
  chmodSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { constants as os } from "node:os";
import { afterAll, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import { tryCall } from "../../src-helper/native/library.ts";
import {
  blockAddresses,
  dedupe,
  fileExtents,
  inodeOf,
  physicalAddress,
  SECTOR,
  subvolumeOf,
  twins,
  withOpen,
  type FileExtent,
} from "./support.ts";

const errno = os.errno;
const SIZE = 16 * SECTOR;
const SHARED = { call: 0, status: 0, bytes: SIZE };
const volume = LoopVolume.create({ size: "1G" });
afterAll(() => {
  volume.dispose();
});

function extentsOf(fd: number, path: string): FileExtent[] {
  return fileExtents(fd, withOpen(path, subvolumeOf), inodeOf(path));
}

function refusal(code: number): { call: number; status: number; bytes: number } {
  return { call: 0, status: -code, bytes: 0 };
}

test("root may dedupe into a file that is open for reading only", () => {
  const [a, b] = twins(volume.path, "rdonly", randomBytes(SIZE));
  expect(dedupe(a, b, SIZE)).toEqual(SHARED);
});

test("another user may not dedupe into a file that is neither his own nor open for writing", () => {
  const [a, b] = twins(volume.path, "foreign", randomBytes(SIZE));
  const script = `
    import koffi from "koffi";
    import fs from "node:fs";
    const ioctl = koffi.load("libc.so.6").func("int ioctl(int, unsigned long, void *)");
    const [source, destination] = process.argv.slice(1).map((path) => fs.openSync(path, "r"));
    const range = Buffer.alloc(24 + 32);
    range.writeBigUInt64LE(${SIZE}n, 8);
    range.writeUInt16LE(1, 16);
    range.writeBigInt64LE(BigInt(destination), 24);
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    if (ioctl(source, 0xc0189436, range) !== 0) throw new Error("FIDEDUPERANGE");
    console.log(range.readInt32LE(48));`;
  const status = exec(process.execPath, ["--input-type=module", "-e", script, "--", a, b]);
  expect(Number(status)).toBe(-errno.EPERM);
});

test("into a file of a read-only snapshot, where opening for writing is EROFS", () => {
  volume.createSubvolume("origin");
  const [a, b] = twins(join(volume.path, "origin"), "x", randomBytes(SIZE));
  const snapshot = volume.snapshot("origin", "frozen", { readOnly: true });
  const inside = join(snapshot, "x.b");
  expect(() => openSync(inside, constants.O_RDWR)).toThrow(/EROFS/);
  expect(dedupe(a, inside, SIZE)).toEqual(SHARED);
  expect(dedupe(join(snapshot, "x.a"), b, SIZE)).toEqual(SHARED);
});

test("into a running executable, where opening for writing is ETXTBSY", async () => {
  const program = join(volume.path, "program");
  copyFileSync("/bin/sleep", program);
  chmodSync(program, 0o755);
  const copy = join(volume.path, "copy");
  copyFileSync(program, copy);
  const child = spawn(program, ["600"], { stdio: "ignore" });
  try {
    await new Promise((resolve) => child.once("spawn", resolve));
    expect(() => openSync(program, constants.O_RDWR)).toThrow(/ETXTBSY/);
    expect(dedupe(copy, program, SECTOR)).toEqual({ call: 0, status: 0, bytes: SECTOR });
  } finally {
    child.kill("SIGKILL");
  }
});

test("EROFS through a read-only mount, whatever the volume's other mounts are", () => {
  const [a, b] = twins(volume.path, "ro", randomBytes(SIZE));
  const other = volume.beside("read-only");
  mkdirSync(other);
  exec("mount", ["--bind", volume.path, other]);
  try {
    exec("mount", ["-o", "remount,ro,bind", other]);
    const result = dedupe(a, join(other, "ro.b"), SIZE);
    expect(result).toEqual(refusal(errno.EROFS));
    // as a source it will do
    expect(dedupe(join(other, "ro.a"), b, SIZE)).toEqual(SHARED);
  } finally {
    volume.unmount(other);
  }
});

test("ETXTBSY with an active swap file", () => {
  const swap = join(volume.path, "swap");
  const other = join(volume.path, "like-swap");
  for (const path of [swap, other]) {
    writeFileSync(path, "");
    changeFlags(path, FileFlag.noCow);
    writeFileSync(path, Buffer.alloc(4 << 20), { flag: "r+" });
    chmodSync(path, 0o600);
  }
  volume.sync();
  exec("mkswap", [swap]);
  exec("swapon", [swap]);
  try {
    expect(dedupe(other, swap, SIZE)).toEqual(refusal(errno.ETXTBSY));
    expect(dedupe(swap, other, SIZE)).toEqual(refusal(errno.ETXTBSY));
  } finally {
    exec("swapoff", [swap]);
  }
});

test("EINVAL where one side is NOCOW and the other is not; two of a kind are fine", () => {
  const content = randomBytes(SIZE);
  const [a, b] = twins(volume.path, "cow", content);
  const noCow = ["one", "other"].map((name) => {
    const path = join(volume.path, `nocow.${name}`);
    writeFileSync(path, "");
    changeFlags(path, FileFlag.noCow);
    writeFileSync(path, content, { flag: "r+" });
    return path;
  });
  const [one = "", other = ""] = noCow;
  expect(dedupe(a, one, SIZE)).toEqual(refusal(errno.EINVAL));
  expect(dedupe(one, b, SIZE)).toEqual(refusal(errno.EINVAL));
  expect(dedupe(one, other, SIZE)).toEqual(SHARED);
});

test("EXDEV on another filesystem", () => {
  using second = LoopVolume.create({ size: "256M" });
  const content = randomBytes(SIZE);
  const [a] = twins(volume.path, "here", content);
  const [b] = twins(second.path, "there", content);
  expect(dedupe(a, b, SIZE)).toEqual(refusal(errno.EXDEV));
});

test("across subvolumes and across mounts of one filesystem", () => {
  const content = randomBytes(SIZE);
  const left = volume.createSubvolume("left");
  const right = volume.createSubvolume("right");
  const [a] = twins(left, "x", content);
  const [b, c] = twins(right, "x", content);
  const mount = volume.beside("right-alone");
  volume.mount(["subvol=right"], mount);
  try {
    expect(dedupe(a, b, SIZE)).toEqual(SHARED);
    expect(dedupe(a, join(mount, "x.b"), SIZE)).toEqual(SHARED);
    volume.sync();
    withOpen(volume.path, (fd) => {
      const addresses = [a, b, c].map((path) => extentsOf(fd, path)[0]?.bytenr);
      expect(new Set(addresses).size).toBe(1);
    });
  } finally {
    volume.unmount(mount);
  }
});

test("compressed with uncompressed data, and one algorithm with another", () => {
  const content = Buffer.alloc(32 * SECTOR, "compressible ");
  const paths = ["none", "zstd", "lzo", "zlib"].map((algorithm) => {
    const path = join(volume.path, `encoded.${algorithm}`);
    writeFileSync(path, "");
    if (algorithm !== "none") exec("btrfs", ["property", "set", path, "compression", algorithm]);
    writeFileSync(path, content);
    return path;
  });
  volume.sync();
  withOpen(volume.path, (fd) => {
    expect(paths.map((path) => extentsOf(fd, path)[0]?.compression)).toEqual([0, 3, 2, 1]);
    const [none = "", zstd = "", lzo = "", zlib = ""] = paths;
    const whole = { call: 0, status: 0, bytes: content.length };
    expect(dedupe(none, zstd, content.length)).toEqual(whole);
    expect(dedupe(lzo, none, content.length)).toEqual(whole);
    expect(dedupe(zlib, lzo, content.length)).toEqual(whole);
    volume.sync();
    expect(extentsOf(fd, zstd)[0]?.compression).toBe(0);
    expect(extentsOf(fd, none)[0]?.compression).toBe(2);
  });
});

test("differing bytes are status 1 and share nothing, wherever the difference lies", () => {
  const content = randomBytes(SIZE);
  for (const at of [0, SIZE / 2, SIZE - 1]) {
    const [a, b] = twins(volume.path, `differ-${at}`, content);
    const changed = Buffer.from(content);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    writeFileSync(b, changed);
    expect(dedupe(a, b, SIZE)).toEqual({ call: 0, status: 1, bytes: 0 });
    volume.sync();
    withOpen(volume.path, (fd) => {
      expect(extentsOf(fd, a)[0]?.bytenr).not.toBe(extentsOf(fd, b)[0]?.bytenr);
    });
  }
});

test("EINVAL for an offset that is not on a block, and for a range behind the end", () => {
  const [a, b] = twins(volume.path, "unaligned", randomBytes(SIZE));
  expect(dedupe(a, b, SECTOR, [512, 512]).status).toBe(-errno.EINVAL);
  expect(dedupe(a, b, SECTOR, [0, 512]).status).toBe(-errno.EINVAL);
  // a source offset behind the end fails the whole call
  expect(dedupe(a, b, SECTOR, [2 * SIZE, 0])).toEqual({
    call: -errno.EINVAL,
    status: -errno.EINVAL,
    bytes: 0,
  });
  expect(dedupe(a, b, SECTOR, [0, 2 * SIZE])).toEqual(refusal(errno.EINVAL));
});

test("within one file, but not onto an overlapping range", () => {
  const path = join(volume.path, "self");
  const block = randomBytes(SECTOR);
  writeFileSync(path, Buffer.concat([block, block, block, block]));
  expect(dedupe(path, path, SECTOR, [0, 2 * SECTOR])).toEqual({ call: 0, status: 0, bytes: SECTOR });
  expect(dedupe(path, path, 2 * SECTOR, [0, SECTOR]).status).toBe(-errno.EINVAL);
});

test("directories are refused: EISDIR", () => {
  const directory = join(volume.path, "directory");
  mkdirSync(directory);
  const [a] = twins(volume.path, "for-directory", randomBytes(SIZE));
  expect(dedupe(a, directory, SIZE)).toMatchObject({ status: -errno.EISDIR });
});

test("one call takes 127 destinations; rf_dedupe refuses more, and one bad one does not stop the rest", () => {
  const content = randomBytes(SECTOR);
  const [source] = twins(volume.path, "many", content);
  const fds: number[] = [];
  try {
    for (let k = 0; k < 128; k++) {
      const path = join(volume.path, `many.${k}`);
      writeFileSync(path, k === 64 ? randomBytes(SECTOR) : content);
      fds.push(openSync(path, constants.O_RDONLY));
    }
    const run = (n: number): { result: number; status: Int32Array } => {
      const status = new Int32Array(n).fill(99);
      const targets = Int32Array.from(fds.slice(0, n));
      const result = withOpen(source, (fd) =>
        tryCall("rf_dedupe", fd, 0, SECTOR, targets, new Float64Array(n), n, status, new Float64Array(n)),
      );
      return { result, status };
    };
    expect(run(128).result).toBe(-errno.EINVAL);
    const { result, status } = run(127);
    expect(result).toBe(0);
    expect([...status].map((value, k) => (k === 64 ? value === 1 : value === 0)).every(Boolean)).toBe(true);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
});

test("a block whose checksum does not fit its data: EIO, and the blocks before it are fine", () => {
  const [a, b] = twins(volume.path, "rotten", randomBytes(SIZE));
  volume.sync();
  const physical = withOpen(volume.path, (fd) =>
    physicalAddress(fd, blockAddresses(extentsOf(fd, b), SIZE)[3] ?? 0),
  );
  volume.unmount();
  try {
    const byte = Buffer.alloc(1);
    const image = openSync(volume.images[0] ?? "", constants.O_RDWR);
    readSync(image, byte, 0, 1, physical + 100);
    byte.writeUInt8(byte.readUInt8(0) ^ 0xff);
    writeSync(image, byte, 0, 1, physical + 100);
    closeSync(image);
  } finally {
    volume.mount();
  }
  expect(dedupe(a, b, SIZE)).toEqual(refusal(errno.EIO));
  expect(dedupe(a, b, SECTOR)).toEqual({ call: 0, status: 0, bytes: SECTOR });
});
