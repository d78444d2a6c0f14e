/**
 * Every way in which a file can be refused: the reason, that it stays as it
 * was, that the others are folded all the same, and that nothing is left
 * behind: no flag, no intent, no descriptor.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import koffi from "koffi";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { FoldResult } from "../../src-helper/engine/contract.ts";
import { exec } from "../support/exec.ts";
import { changeFlags, FileFlag, getFlags, withFd } from "../support/libc.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import {
  blockAddresses,
  fileExtents,
  inodeOf,
  physicalAddress,
  subvolumeOf,
} from "../kernel-facts/support.ts";
import { descriptorsBelow, FoldBench, reasonsOf, sharesAll } from "./support.ts";

const SIZE = 256 * 1024;
const bench = FoldBench.create();
afterAll(() => {
  bench[Symbol.dispose]();
});

let count = 0;
let descriptors = 0;
/** Set by a test that asks for it: what must not change. */
let state: TreeState | null = null;

/** Copies of one content; the first is the source. */
function copies(n: number, content = randomBytes(SIZE)): string[] {
  count++;
  return Array.from({ length: n }, (_, k) => bench.write(`${count}-${k}`, content));
}

function isImmutable(path: string): boolean {
  return (withFd(path, getFlags) & FileFlag.immutable) !== 0;
}

function detailOf(result: FoldResult, path: string): string {
  return result.skipped.find((skipped) => skipped.path.toString() === path)?.detail ?? "";
}

/** Three sharing files are left where one of four was refused. */
function expectRestFolded(result: FoldResult, rest: readonly string[]): void {
  bench.loop.sync();
  const [first = "", ...others] = rest;
  for (const path of others) expect(sharesAll(bench, first, path)).toBe(true);
  expect(result.files).toBe(others.length);
}

beforeEach(() => {
  state = null;
  descriptors = descriptorsBelow(bench.root);
});

afterEach(() => {
  expect(bench.journal.openIntents()).toEqual([]);
  expect(descriptorsBelow(bench.root)).toBe(descriptors);
  if (state !== null) expect(diffStates(state, snapshotState(bench.root))).toEqual([]);
});

function keepState(): void {
  bench.loop.sync();
  state = snapshotState(bench.root);
}

async function holdOpen(path: string, flags: number, use: (pid: number) => Promise<void>): Promise<void> {
  const fd = openSync(path, flags);
  const child = spawn("sleep", ["600"], { stdio: ["ignore", "ignore", "ignore", fd] });
  try {
    await new Promise((resolve) => child.once("spawn", resolve));
    closeSync(fd);
    await use(child.pid ?? 0);
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}

test("a file open for writing: in-use, the process named; the rest is folded", async () => {
  const [a = "", b = "", c = "", d = ""] = copies(4);
  keepState();
  await holdOpen(b, constants.O_RDWR, async (pid) => {
    const result = await bench.foldPaths([[a, b, c, d]]);
    expect(reasonsOf(result)).toEqual({ [b]: "in-use" });
    expect(detailOf(result, b)).toContain(`sleep (pid ${pid})`);
    expectRestFolded(result, [a, c, d]);
  });
  // not in use any more: the next run takes it
  expect((await bench.foldPaths([[a, b, c, d]])).files).toBe(1);
});

test("the source open for writing: another copy takes its place", async () => {
  const [a = "", b = "", c = "", d = ""] = copies(4);
  keepState();
  await holdOpen(a, constants.O_WRONLY | constants.O_APPEND, async (pid) => {
    const result = await bench.foldPaths([[a, b, c, d]]);
    expect(reasonsOf(result)).toEqual({ [a]: "in-use" });
    expect(detailOf(result, a)).toContain(`sleep (pid ${pid})`);
    expectRestFolded(result, [b, c, d]);
  });
});

test("a file open for reading only is folded", async () => {
  const [a = "", b = ""] = copies(2);
  await holdOpen(b, constants.O_RDONLY, async () => {
    expectRestFolded(await bench.foldPaths([[a, b]]), [a, b]);
  });
});

test("a file mapped writable with its descriptor closed: in-use, the process named", async () => {
  const [a = "", b = "", c = "", d = ""] = copies(4);
  keepState();
  const libc = koffi.load("libc.so.6");
  const mmap = libc.func("intptr_t mmap(intptr_t, size_t, int, int, int, int64_t)") as (
    ...a: unknown[]
  ) => number;
  const munmap = libc.func("int munmap(intptr_t, size_t)") as (...a: unknown[]) => number;
  const fd = openSync(c, "r+");
  const address = mmap(0, SIZE, 3, 1, fd, 0);
  closeSync(fd);
  descriptors = descriptorsBelow(bench.root);
  try {
    expect(address).toBeGreaterThan(0);
    const result = await bench.foldPaths([[a, b, c, d]]);
    expect(reasonsOf(result)).toEqual({ [c]: "in-use" });
    expect(detailOf(result, c)).toContain(`(pid ${process.pid})`);
    expectRestFolded(result, [a, b, d]);
  } finally {
    expect(munmap(address, SIZE)).toBe(0);
  }
});

test("a copy that differs in its last byte: differs; the rest is folded", async () => {
  const content = randomBytes(SIZE - 5);
  const [a = "", b = "", c = ""] = copies(3, content);
  const other = Buffer.from(content);
  other.writeUInt8(other.readUInt8(other.length - 1) ^ 1, other.length - 1);
  const odd = bench.write("odd", other);
  keepState();
  const result = await bench.foldPaths([[a, odd, b, c]]);
  expect(reasonsOf(result)).toEqual({ [odd]: "differs" });
  expectRestFolded(result, [a, b, c]);
  expect(readFileSync(odd).equals(other)).toBe(true);
});

test("copies that were rewritten, cut or deleted since the scan: changed", async () => {
  const [a = "", b = "", rewritten = "", cut = "", deleted = ""] = copies(5);
  bench.loop.sync();
  const plan = bench.plan([a, b, rewritten, cut, deleted]);
  writeFileSync(rewritten, randomBytes(SIZE));
  truncateSync(cut, SIZE - 1);
  rmSync(deleted);
  keepState();
  const result = await bench.fold([plan]);
  expect(reasonsOf(result)).toEqual({ [rewritten]: "changed", [cut]: "changed", [deleted]: "changed" });
  expectRestFolded(result, [a, b]);
  expect(existsSync(deleted)).toBe(false);
});

test("a source that was cut since the scan: another copy takes its place", async () => {
  const [a = "", b = "", c = ""] = copies(3);
  bench.loop.sync();
  const plan = bench.plan([a, b, c]);
  truncateSync(a, SIZE - 1);
  const result = await bench.fold([plan]);
  expect(reasonsOf(result)).toEqual({ [a]: "changed" });
  expectRestFolded(result, [b, c]);
});

test("a copy that was immutable before: immutable, and still so; as a source it serves", async () => {
  const [a = "", b = "", c = ""] = copies(3);
  const [fixed = "", d = "", e = ""] = copies(3);
  changeFlags(b, FileFlag.immutable);
  changeFlags(fixed, FileFlag.immutable);
  keepState();
  const intended: number[] = [];
  const { journal } = bench;
  const advance = journal.advance.bind(journal);
  journal.advance = (run, intents, ended) => {
    intended.push(...intents.map((intent) => intent.inode));
    advance(run, intents, ended);
  };
  try {
    const result = await bench.foldPaths([
      [a, b, c],
      [fixed, d, e],
    ]);
    // were Refold killed now, it would claim none of those that are not its own
    expect(intended.sort()).toEqual([a, c, d, e].map(inodeOf).sort());
    expect(reasonsOf(result)).toEqual({ [b]: "immutable" });
    expect(detailOf(result, b)).not.toContain("repair");
    bench.loop.sync();
    expect(sharesAll(bench, a, c)).toBe(true);
    expect(sharesAll(bench, fixed, d)).toBe(true);
    expect(sharesAll(bench, fixed, e)).toBe(true);
    expect([b, fixed].map(isImmutable)).toEqual([true, true]);
    expect(diffStates(state ?? new Map(), snapshotState(bench.root))).toEqual([]);
  } finally {
    state = null;
    journal.advance = advance;
    for (const path of [b, fixed]) changeFlags(path, 0, FileFlag.immutable);
  }
});

test("one side NOCOW and the other not: nocow", async () => {
  const content = randomBytes(SIZE);
  const [a = "", b = ""] = copies(2, content);
  const odd = bench.write("nocow", Buffer.alloc(0));
  changeFlags(odd, FileFlag.noCow);
  writeFileSync(odd, content, { flag: "r+" });
  keepState();
  const result = await bench.foldPaths([[a, odd, b]]);
  expect(reasonsOf(result)).toEqual({ [odd]: "nocow" });
  expectRestFolded(result, [a, b]);
});

test("an active swap file: swap-file", async () => {
  const content = Buffer.alloc(4 << 20);
  const swap = bench.write("swap", Buffer.alloc(0));
  const others = ["like-swap-1", "like-swap-2"].map((name) => bench.write(name, Buffer.alloc(0)));
  for (const path of [swap, ...others]) {
    changeFlags(path, FileFlag.noCow);
    writeFileSync(path, content, { flag: "r+" });
    chmodSync(path, 0o600);
  }
  bench.loop.sync();
  exec("mkswap", [swap]);
  for (const path of others) writeFileSync(path, readFileSync(swap), { flag: "r+" });
  keepState();
  exec("swapon", [swap]);
  try {
    const [a = "", b = ""] = others;
    const result = await bench.foldPaths([[a, swap, b]]);
    expect(reasonsOf(result)).toEqual({ [swap]: "swap-file" });
    expectRestFolded(result, [a, b]);
  } finally {
    exec("swapoff", [swap]);
  }
});

test("a copy in a read-only snapshot is folded where the plan says so, and otherwise refused by the kernel", async () => {
  bench.loop.createSubvolume("origin");
  const content = randomBytes(SIZE);
  const [a = ""] = copies(1, content);
  writeFileSync(bench.path("origin/x"), content);
  writeFileSync(bench.path("origin/y"), content);
  const frozen = bench.loop.snapshot("origin", "frozen", { readOnly: true });
  bench.loop.sync();
  keepState();
  const inside = `${frozen}/x`;
  // the scan took the subvolume for writable: the flag cannot be set
  const refused = await bench.fold([bench.plan([a, inside])]);
  expect(reasonsOf(refused)).toEqual({ [inside]: "read-only" });
  const result = await bench.fold([bench.plan([a, inside], (path) => path.startsWith(frozen))]);
  expect(result.skipped).toEqual([]);
  expectRestFolded(result, [a, inside]);
});

/** Flips a byte of a file's data behind the filesystem's back. */
function rot(path: string, block: number): void {
  bench.loop.sync();
  const physical = withFd(bench.root, (fd) => {
    const blocks = blockAddresses(fileExtents(fd, withFd(path, subvolumeOf), inodeOf(path)), SIZE);
    return physicalAddress(fd, blocks[block] ?? 0);
  });
  const image = openSync(bench.loop.images[0] ?? "", constants.O_RDWR);
  try {
    const byte = Buffer.alloc(1);
    readSync(image, byte, 0, 1, physical + 100);
    byte.writeUInt8(byte.readUInt8(0) ^ 0xff);
    writeSync(image, byte, 0, 1, physical + 100);
  } finally {
    closeSync(image);
  }
  exec("sync", []);
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}

test("a copy whose data is rotten: io-error; the rest is folded", async () => {
  const [a = "", b = "", c = "", d = ""] = copies(4);
  rot(b, 3);
  const result = await bench.foldPaths([[a, b, c, d]]);
  expect(reasonsOf(result)).toEqual({ [b]: "io-error" });
  expectRestFolded(result, [a, c, d]);
  rmSync(b);
});

test("a source whose data is rotten: io-error for it alone, another copy takes its place", async () => {
  const content = randomBytes(SIZE);
  const [a = "", b = "", c = "", d = ""] = copies(4, content);
  rot(a, 9);
  const result = await bench.foldPaths([[a, b, c, d]]);
  expect(reasonsOf(result)).toEqual({ [a]: "io-error" });
  expectRestFolded(result, [b, c, d]);
  for (const path of [b, c, d]) expect(readFileSync(path).equals(content)).toBe(true);
  rmSync(a);
});

test("a full disk: no-space, everything as it was", async () => {
  using full = FoldBench.create({ size: "128M" });
  const groups = Array.from({ length: 20 }, (_, k) => {
    const content = randomBytes(65_536);
    return [full.write(`a${k}`, content), full.write(`b${k}`, content)];
  });
  full.loop.sync();
  const plans = groups.map((paths) => full.plan(paths));
  const fill = openSync(full.path("fill"), "w");
  expect(() => {
    for (;;) writeSync(fill, randomBytes(65_536));
  }).toThrow(/ENOSPC/);
  closeSync(fill);
  exec("sync", []);
  const before = snapshotState(full.root);
  const open = descriptorsBelow(full.root);
  const result = await full.fold(plans);
  expect(new Set(Object.values(reasonsOf(result)))).toEqual(new Set(["no-space"]));
  expect(result.files).toBe(0);
  expect(diffStates(before, snapshotState(full.root))).toEqual([]);
  expect(full.journal.openIntents()).toEqual([]);
  expect(descriptorsBelow(full.root)).toBe(open);
});

test("files named one by one: an outcome for each, and no other source than the one named", async () => {
  const [a = "", b = "", c = ""] = copies(3);
  const short = bench.write("short", readFileSync(a).subarray(1));
  const odd = bench.write("other", randomBytes(SIZE));
  await bench.foldPaths([[a, c]]);
  const { files, freedBytes } = await bench.foldNamed(a, [b, c, short, odd, a]);
  expect(files.map(({ path, outcome }) => [path.toString(), outcome])).toEqual([
    [b, "folded"],
    [c, "already-shared"],
    [short, "differs"],
    [odd, "differs"],
    [a, "already-shared"],
  ]);
  expect(freedBytes).toBe(SIZE);
  const [d = "", e = "", f = ""] = copies(3);
  await holdOpen(d, constants.O_RDWR, async (pid) => {
    const refused = await bench.foldNamed(d, [e, f]);
    expect(refused.files.map(({ outcome }) => outcome)).toEqual(["in-use", "in-use"]);
    expect(refused.files[0]?.detail).toContain(`sleep (pid ${pid})`);
    bench.loop.sync();
    expect(sharesAll(bench, e, f)).toBe(false);
  });
});
