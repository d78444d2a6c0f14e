/** What was promised and did not come back is told by cause, to the byte. */
import { spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEngine } from "../../src-helper/engine/engine.ts";
import type {
  Difference,
  DifferenceCause,
  FoldOptions,
  FoldResult,
  RunContext,
  Selection,
  Volume,
} from "../../src-helper/engine/contract.ts";
import { collidingBlock } from "../support/crc32c.ts";
import { changeFlags, FileFlag } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { LoopVolume } from "../support/volume.ts";
import { MIB, overwrite, reflink, write } from "./support.ts";

const SELECTION: Selection = {
  minSize: 4096,
  exclude: [],
  pathGlob: null,
  crossVolume: true,
  snapshots: false,
};
const OPTIONS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };
const DEEP = { ...OPTIONS, deep: { memory: 16 * MIB, maxRewrite: 0.5, minRun: 16 * 1024 } };

let loop: LoopVolume;
let volume: Volume;
const random = new Random(12);

beforeEach(() => {
  loop = LoopVolume.create();
  for (const name of ["one", "two"]) loop.createSubvolume(name);
  const [opened] = createEngine({ databaseDir: loop.beside("db") }).open([loop.uuid]);
  if (opened === undefined) throw new Error("no volume");
  volume = opened;
});
afterEach(() => {
  volume.close();
  loop.dispose();
});

function path(relative: string): string {
  return join(loop.path, relative);
}

/** Files of one content. @returns their paths */
function copies(bytes: number, ...names: string[]): string[] {
  const data = random.bytes(bytes);
  for (const name of names) write(path(name), data);
  return names.map(path);
}

function context(signal = new AbortController().signal): RunContext {
  return { signal, progress: () => undefined, log: () => undefined };
}

/** Scans, lets something happen, folds; the sum of the differences is what is missing, measured from outside too. */
async function foldAfter(
  happens: () => void,
  options: FoldOptions = OPTIONS,
  ctx: RunContext = context(),
): Promise<{
  result: FoldResult;
  by: Partial<Record<DifferenceCause, number>>;
  list: readonly Difference[];
}> {
  const deep = options.deep === undefined ? {} : { deep: options.deep };
  await volume.scan({ minSize: 4096, flush: true, selection: SELECTION, ...deep }, context());
  // worked out before, as a preview does
  const { predictedBytes } = await volume.preview(SELECTION, options);
  happens();
  loop.settle();
  const before = loop.usage().dataUsed;
  const result = await volume.fold(SELECTION, options, ctx);
  loop.settle();
  expect(result.predictedBytes).toBe(predictedBytes);
  expect(result.freedBytes).toBe(before - loop.usage().dataUsed);
  const list = result.differences ?? [];
  const sum = list.reduce((total, { bytes }) => total + bytes, 0);
  expect(result.predictedBytes - result.freedBytes).toBe(sum);
  const [run] = volume.history();
  expect(run).toMatchObject({ id: result.runId, differences: list });
  return { result, by: Object.fromEntries(list.map(({ cause, bytes }) => [cause, bytes])), list };
}

function whileOpen(file: string): { end: () => Promise<void> } {
  const fd = openSync(file, constants.O_RDWR);
  const child = spawn("sleep", ["600"], { stdio: ["ignore", "ignore", "ignore", fd] });
  closeSync(fd);
  return {
    end: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

test("nothing is told where all came back", async () => {
  copies(MIB, "one/a", "two/a");
  const { list, result } = await foldAfter(() => undefined);
  expect(result.freedBytes).toBe(MIB);
  expect(list).toEqual([]);
});

test("in use, a source too; immutable; changed; deleted: each its bytes", async () => {
  const [, busy = ""] = copies(MIB, "one/a", "one/b-busy");
  copies(2 * MIB, "one/source", "one/source-2"); // the source is held: nothing can be folded onto it, nor it
  const [, fixed = ""] = copies(3 * MIB, "one/c", "one/d-fixed");
  const [, changed = ""] = copies(5 * MIB, "one/e", "one/f-changed");
  const [, deleted = ""] = copies(7 * MIB, "one/g", "one/h-deleted");
  copies(11 * MIB, "one/i", "one/j");
  const holders: { end: () => Promise<void> }[] = [];
  try {
    const { by, result } = await foldAfter(() => {
      holders.push(whileOpen(busy), whileOpen(path("one/source")));
      changeFlags(fixed, FileFlag.immutable);
      overwrite(changed, MIB, random.bytes(MIB));
      rmSync(deleted);
    });
    expect(result.freedBytes).toBe(11 * MIB);
    expect(by).toEqual({
      "in-use": 3 * MIB,
      immutable: 3 * MIB,
      changed: 12 * MIB,
    });
  } finally {
    for (const holder of holders) await holder.end();
    changeFlags(fixed, 0, FileFlag.immutable);
  }
});

test("other bytes under the same checksums: what the kernel found to differ", async () => {
  const [, b = ""] = copies(2 * MIB, "one/a", "one/b");
  const bytes = readFileSync(b);
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4096) blocks.push(collidingBlock(bytes.subarray(at, at + 4096)));
  write(path("two/colliding"), Buffer.concat(blocks));
  const { by, result } = await foldAfter(() => undefined);
  expect(result.skipped.map(({ reason }) => reason)).toContain("differs");
  expect(result.predictedBytes).toBe(4 * MIB);
  expect(by).toEqual({ differs: 4 * MIB - result.freedBytes });
});

test("pinned by snapshots that were taken since the scan: which, and how much", async () => {
  copies(MIB, "one/a", "one/b");
  copies(2 * MIB, "two/a", "two/b");
  copies(4 * MIB, "loose/a", "loose/b");
  const { by, list } = await foldAfter(() => {
    loop.snapshot("one", "late", { readOnly: true });
    mkdirSync(path("kept"));
    loop.snapshot("two", "kept/later");
  });
  expect(by).toEqual({ pinned: 3 * MIB });
  const held = list[0]?.subvolumes?.map(({ path: name, bytes }) => [name.toString(), bytes]);
  expect(held).toEqual([
    ["kept/later", 2 * MIB],
    ["late", MIB],
  ]);
});

test("an extent that two files were to let go of, and one of them did not", async () => {
  const [, b = ""] = copies(MIB, "one/a", "one/b");
  loop.sync();
  reflink(path("one/a"), path("one/a-2"));
  reflink(path("one/a"), path("one/a-3"));
  reflink(b, path("one/b-2"));
  let holder: { end: () => Promise<void> } | null = null;
  try {
    const { by } = await foldAfter(() => {
      holder = whileOpen(path("one/b-2"));
    });
    expect(by).toEqual({ "in-use": MIB });
  } finally {
    await (holder as { end: () => Promise<void> } | null)?.end();
  }
});

test("more than was promised, where what else held it went meanwhile", async () => {
  copies(MIB, "one/a", "one/b");
  copies(2 * MIB, "two/a", "two/b");
  loop.sync();
  loop.snapshot("one", "kept", { readOnly: true });
  const { by, result } = await foldAfter(() => {
    loop.deleteSubvolume("kept");
  });
  expect(result.freedBytes).toBe(3 * MIB);
  expect(by).toEqual({ changed: -MIB });
});

test("a cancelled run: what it did not reach", async () => {
  for (let k = 0; k < 40; k++) copies(MIB, `one/${k}-a`, `two/${k}-b`);
  const controller = new AbortController();
  const ctx: RunContext = {
    ...context(controller.signal),
    progress: ({ phase, done }) => {
      if (phase === "fold" && done > 0) controller.abort();
    },
  };
  const { by, result } = await foldAfter(() => undefined, OPTIONS, ctx);
  expect(result.cancelled).toBe(true);
  expect(result.freedBytes).toBeLessThan(40 * MIB);
  expect(by).toEqual({ cancelled: 40 * MIB - result.freedBytes });
});

test("ranges: in use, and what is written anew of compressed data", async () => {
  loop.remount("compress-force=zstd");
  const text = (bytes: number): Buffer => Buffer.from(random.bytes(bytes / 2).toString("hex"));
  for (const [k, size] of [2 * MIB, MIB].entries()) {
    const run = random.bytes(size);
    write(path(`one/${k}-a`), Buffer.concat([random.bytes(20_480), run]));
    write(path(`one/${k}-b`), Buffer.concat([run, text(40_960), random.bytes(4096)]));
  }
  let holder: { end: () => Promise<void> } | null = null;
  try {
    const { by, result } = await foldAfter(() => {
      holder = whileOpen(path("one/0-b"));
    }, DEEP);
    expect(result.skipped.map(({ reason }) => reason)).toContain("in-use");
    expect(by["in-use"]).toBeGreaterThan(1.5 * MIB);
    expect(Object.keys(by).filter((cause) => !["in-use", "rewritten"].includes(cause))).toEqual([]);
  } finally {
    await (holder as { end: () => Promise<void> } | null)?.end();
  }
});
