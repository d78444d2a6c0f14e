/** Files that somebody writes, has mapped, or begins to write while they are folded. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startChild, type Child } from "../kernel-facts/support.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import type { DedupVolume } from "../support/refold-json.ts";
import { Commands } from "./support.ts";

const SIZE = 200_000;
const volume = LoopVolume.create({ size: "2G" });
const commands = new Commands(volume);
const running = new Set<Child>();
let folder = 0;
let pair: [string, string];

beforeEach(() => {
  const directory = join(volume.path, `folder ${folder++}`);
  mkdirSync(directory);
  const content = randomBytes(SIZE);
  pair = [join(directory, "one"), join(directory, "other")];
  for (const path of pair) writeFileSync(path, content);
  volume.sync();
});
afterAll(() => {
  for (const child of running) child.process.kill("SIGKILL");
  volume.dispose();
});

async function start(script: string, ...args: string[]): Promise<Child> {
  const child = await startChild(script, ...args);
  running.add(child);
  void child.ended.then(() => running.delete(child));
  return child;
}

async function end(child: Child): Promise<void> {
  child.process.stdin?.end();
  await child.ended;
}

async function dedup(code: number, words: readonly string[] = []): Promise<DedupVolume> {
  const run = await commands.dedup(["--json", ...words]);
  const [result] = (run.expectCode(code).json() as { volumes: DedupVolume[] }).volumes;
  if (result === undefined) throw new Error("no volume in the answer");
  return result;
}

const HOLDERS: readonly [string, string][] = [
  ["open for writing", `fs.openSync(args[0], "r+"); ready();`],
  ["open for appending", `fs.openSync(args[0], "a"); ready();`],
  [
    "mapped writable with its descriptor closed",
    `const mmap = koffi.load("libc.so.6").func("void *mmap(void *, size_t, int, int, int, int64_t)");
     const fd = fs.openSync(args[0], "r+");
     mmap(null, 4096, 3, 1, fd, 0); // PROT_READ|PROT_WRITE, MAP_SHARED
     fs.closeSync(fd);
     ready();`,
  ],
];

describe.each(HOLDERS)("a file that is %s", (_, script) => {
  test.each([
    ["+i and lease", []],
    ["lease alone", ["--lock", "lease"]],
  ] as const)("is skipped with the process named, and folded by the next run (%s)", async (_name, words) => {
    const [, path] = pair;
    const holder = await start(script, path);
    const before = readFileSync(path);
    const skipped = await dedup(1, words);
    expect(skipped.files).toBe(0);
    expect(skipped.freedBytes).toBe(0);
    expect(skipped.skipped.map((file) => [file.path, file.reason])).toEqual([[path, "in-use"]]);
    expect(skipped.skipped[0]?.detail).toContain(String(holder.process.pid));
    expect(skipped.skipped[0]?.detail).toMatch(/node/);
    await end(holder);
    expect(readFileSync(path).equals(before)).toBe(true);

    const next = await dedup(0, words);
    expect([next.files, next.skipped]).toEqual([1, []]);
    expect(next.freedBytes).toBe(Math.ceil(SIZE / 4096) * 4096);
  });
});

test("a file that is only read meanwhile is folded", async () => {
  const reader = await start(`fs.openSync(args[0], "r"); ready();`, pair[1]);
  const result = await dedup(0);
  expect([result.files, result.skipped]).toEqual([1, []]);
  await end(reader);
});

test("where both are in use, both are named and nothing is folded", async () => {
  const holder = await start(`for (const path of args) fs.openSync(path, "r+"); ready();`, ...pair);
  const result = await dedup(1);
  expect(result.skipped.map((file) => file.path).toSorted()).toEqual([...pair].toSorted());
  expect(result.files).toBe(0);
  await end(holder);
  expect((await dedup(0)).files).toBe(1);
});

test("dedup-files names the process too", async () => {
  const holder = await start(`fs.openSync(args[0], "r+"); ready();`, pair[1]);
  const { db } = commands;
  const busy = await refold(["dedup-files", ...pair, "--json", "--db", db]);
  const answer = busy.expectCode(1).json() as { files: { path: string; outcome: string; detail: string }[] };
  expect(answer.files.map((file) => [file.path, file.outcome])).toEqual([[pair[1], "in-use"]]);
  expect(answer.files[0]?.detail).toContain(String(holder.process.pid));
  await end(holder);
  const free = await refold(["dedup-files", ...pair, "--json", "--db", db]);
  expect((free.expectCode(0).json() as typeof answer).files.map((file) => file.outcome)).toEqual(["folded"]);
});

describe("files that are written while they are folded", () => {
  const FILES = 40;
  const BYTES = 4 << 20;
  const BLOCK = 4096;
  /** Writes a numbered block to a random file, again and again, and tells at its end what it wrote. */
  const WRITER = `
    const [directory, files, bytes, block] = [args[0], ...args.slice(1).map(Number)];
    const written = [], refused = {};
    let going = true;
    ready();
    process.stdin.removeAllListeners("end");
    process.stdin.on("end", () => { going = false; });
    for (let k = 1; going; k++) {
      const file = Math.floor(Math.random() * files);
      const at = Math.floor(Math.random() * (bytes / block)) * block;
      try {
        const fd = fs.openSync(directory + "/" + file, "r+");
        const data = Buffer.alloc(block);
        data.writeUInt32LE(k, 0);
        data.writeUInt32LE(file, 4);
        fs.writeSync(fd, data, 0, block, at);
        fs.closeSync(fd);
        written.push([file, at, k]);
      } catch (error) {
        refused[error.code] = (refused[error.code] ?? 0) + 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    process.stdout.write(JSON.stringify({ written, refused }) + "\\n");
    process.exit(0);`;

  test.each([
    ["+i and lease", []],
    ["lease alone", ["--lock", "lease"]],
  ] as const)("hold every byte that was written, and no other changes (%s)", async (_name, words) => {
    const directory = join(volume.path, `busy ${folder}`);
    mkdirSync(directory);
    const original = randomBytes(BYTES);
    for (let k = 0; k < FILES; k++) writeFileSync(join(directory, String(k)), original);
    volume.sync();

    const writer = await start(WRITER, directory, String(FILES), String(BYTES), String(BLOCK));
    let output = "";
    writer.process.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const run = await commands.dedup(["--json", ...words]);
    await end(writer);

    const { written, refused } = JSON.parse(output) as {
      written: [file: number, at: number, number: number][];
      refused: Record<string, number>;
    };
    expect(written.length).toBeGreaterThan(10);
    // an immutable file refuses writers; nothing else may
    expect(Object.keys(refused).filter((code) => code !== "EPERM")).toEqual([]);
    const expected = Array.from({ length: FILES }, () => Buffer.from(original));
    for (const [file, at, number] of written) {
      const data = Buffer.alloc(BLOCK);
      data.writeUInt32LE(number, 0);
      data.writeUInt32LE(file, 4);
      expected[file]?.set(data, at);
    }
    expected.forEach((content, k) => {
      expect(readFileSync(join(directory, String(k))).equals(content), `file ${k}`).toBe(true);
    });
    const [result] = (run.expectCode(0, 1).json() as { volumes: DedupVolume[] }).volumes;
    const reasons = new Set(result?.skipped.map((file) => file.reason));
    for (const reason of reasons) expect(["in-use", "changed", "differs"]).toContain(reason);
    expect((await commands.stuck()).filter((file) => file.origin === "refold")).toEqual([]);
  });
});
