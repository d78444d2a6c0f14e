/** What the lock does to files, to those who want to write to them, and in which order. */
import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exec, sleepSync } from "../support/exec.ts";
import { changeFlags, FileFlag, getFlags, setXattr, withFd } from "../support/libc.ts";
import { ROOT } from "../support/run.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { descriptorsBelow, FoldBench, reasonsOf, sharesAll, TestContext } from "./support.ts";

const MIB = 1 << 20;

/** Whether somebody waits for a lease on the inode to be given up. */
function someoneWaits(path: string): boolean {
  const { ino } = statSync(path);
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .some((line) => line.includes("BREAKING") && line.includes(`:${ino} `));
}

test.each(["immutable", "lease"] as const)(
  "properties, attributes, flags, times and contents stay as they were, lock mode %s",
  async (lock) => {
    using bench = FoldBench.create({ mountOptions: ["compress=zstd"] });
    const content = Buffer.alloc(MIB, "text to compress ");
    const paths = Array.from({ length: 8 }, (_, k) => bench.write(`f${k}`, Buffer.alloc(0)));
    const [plain = "", lzo = "", none = "", noDump = "", noAtime = "", acl = "", attribute = "", old = ""] =
      paths;
    exec("btrfs", ["property", "set", lzo, "compression", "lzo"]);
    exec("btrfs", ["property", "set", none, "compression", "none"]);
    changeFlags(noDump, FileFlag.noDump);
    changeFlags(noAtime, FileFlag.noAtime);
    exec("setfacl", ["-m", "u:65534:r", acl]);
    setXattr(attribute, "user.note", "kept");
    setXattr(attribute, "trusted.note", "kept too");
    for (const path of paths) writeFileSync(path, content);
    utimesSync(old, 1, 1_000_000_000.123);
    bench.loop.sync();
    const before = snapshotState(bench.root);
    const ctimes = paths.map((path) => statSync(path, { bigint: true }).ctimeNs);
    const result = await bench.foldPaths([paths], { lock });
    expect(result.skipped).toEqual([]);
    expect(result.files).toBe(7);
    expect(diffStates(before, snapshotState(bench.root))).toEqual([]);
    const after = paths.map((path) => statSync(path, { bigint: true }).ctimeNs);
    if (lock === "lease") expect(after).toEqual(ctimes);
    else expect(after.every((ctime, k) => ctime > (ctimes[k] ?? 0n))).toBe(true);
    bench.loop.sync();
    for (const path of paths.slice(1)) expect(sharesAll(bench, plain, path)).toBe(true);
  },
);

test("lock mode lease sets no flag and writes no intent; immutable does both", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(80 * MIB);
  const seen: Record<string, { flags: boolean[]; intents: number }> = {};
  for (const lock of ["lease", "immutable"] as const) {
    const [a, b] = [bench.write(`${lock}-a`, content), bench.write(`${lock}-b`, content)];
    const ctx = new TestContext();
    ctx.onProgress = ({ phase }) => {
      if (phase !== "fold") return;
      seen[lock] ??= {
        flags: [a, b].map((path) => (withFd(path, getFlags) & FileFlag.immutable) !== 0),
        intents: bench.journal.openIntents().length,
      };
    };
    await bench.foldPaths([[a, b]], { lock }, ctx);
  }
  expect(seen).toEqual({
    lease: { flags: [false, false], intents: 0 },
    // its destination was released for the kernel, which refuses immutable ones
    immutable: { flags: [true, false], intents: 2 },
  });
  expect(bench.journal.openIntents()).toEqual([]);
});

test("a process that begins to write to a destination is let through, and its data is intact", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(160 * MIB);
  const [a, b, c] = ["a", "b", "c"].map((name) => bench.write(name, content)) as [string, string, string];
  const ctx = new TestContext();
  let writer: Promise<number | null> | null = null;
  ctx.onProgress = ({ phase }) => {
    if (phase !== "fold" || writer !== null) return;
    // in the middle of the fold: it has to wait in open(2), and this thread waits for that
    const child = spawn("dd", [`of=${b}`, "bs=1", `seek=${100 * MIB}`, "conv=notrunc", "status=none"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end("written during the fold");
    writer = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 20_000;
    while (!someoneWaits(b) && Date.now() < deadline);
    expect(someoneWaits(b)).toBe(true);
  };
  const result = await bench.foldPaths([[a, b, c]], {}, ctx);
  expect(reasonsOf(result)).toEqual({ [b]: "in-use" });
  expect(result.files).toBe(1);
  expect(await (writer as unknown as Promise<number>)).toBe(0);
  const patched = Buffer.from(content);
  patched.write("written during the fold", 100 * MIB);
  expect(readFileSync(b).equals(patched)).toBe(true);
  for (const path of [a, c]) expect(readFileSync(path).equals(content)).toBe(true);
  expect(bench.journal.openIntents()).toEqual([]);
});

test("in lock mode lease a writer of the source is let through too, and another copy takes its place", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(160 * MIB);
  const [a, b, c] = ["a", "b", "c"].map((name) => bench.write(name, content)) as [string, string, string];
  const ctx = new TestContext();
  let writer: Promise<number | null> | null = null;
  ctx.onProgress = ({ phase }) => {
    if (phase !== "fold" || writer !== null) return;
    const child = spawn("dd", [`of=${a}`, "bs=1", "conv=notrunc", "status=none"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end("new");
    writer = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 20_000;
    while (!someoneWaits(a) && Date.now() < deadline);
  };
  const result = await bench.foldPaths([[a, b, c]], { lock: "lease" }, ctx);
  expect(reasonsOf(result)).toEqual({ [a]: "in-use" });
  expect(result.files).toBe(1);
  expect(await (writer as unknown as Promise<number>)).toBe(0);
  expect(readFileSync(a).equals(Buffer.concat([Buffer.from("new"), content.subarray(3)]))).toBe(true);
  bench.loop.sync();
  expect(sharesAll(bench, b, c)).toBe(true);
});

test("a destination whose turn has not come gives way before it comes", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(300 * MIB);
  const [a, b] = [bench.write("a", content), bench.write("b", content)];
  // it shares a part with the source already, so it is folded by steps of its own, after those of b
  const late = bench.write("late", content.subarray(0, 0));
  exec("cp", ["--reflink=always", a, late]);
  writeFileSync(late, content.subarray(0, 200 * MIB), { flag: "r+" });
  const ctx = new TestContext();
  let writer: Promise<number | null> | null = null;
  const waited: boolean[] = [];
  ctx.onProgress = ({ phase, done }) => {
    if (phase !== "fold") return;
    if (writer !== null) {
      if (done < content.length) waited.push(someoneWaits(late));
      return;
    }
    const child = spawn("dd", [`of=${late}`, "bs=1", "conv=notrunc", "status=none"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end("new");
    writer = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 20_000;
    while (!someoneWaits(late) && Date.now() < deadline);
    expect(someoneWaits(late)).toBe(true);
    // progress is told at most every 100 ms: so long, and the next window's is told for certain
    sleepSync(150);
  };
  const result = await bench.foldPaths([[a, b, late]], { lock: "lease" }, ctx);
  expect(waited.length).toBeGreaterThan(0);
  expect(waited).not.toContain(true);
  expect(reasonsOf(result)).toEqual({ [late]: "in-use" });
  expect(await (writer as unknown as Promise<number>)).toBe(0);
  expect(readFileSync(late).subarray(0, 3).toString()).toBe("new");
});

test("a cancelled fold ends the step at hand, unlocks everything and measures what it freed", async () => {
  using bench = FoldBench.create({ size: "4G" });
  const content = randomBytes(120 * MIB);
  const paths = ["a", "b", "c"].map((name) => bench.write(name, content));
  const small = Array.from({ length: 50 }, (_, k) => {
    const data = randomBytes(65_536);
    return [bench.write(`s${k}-a`, data), bench.write(`s${k}-b`, data)];
  });
  bench.loop.sync();
  const before = { state: snapshotState(bench.root), used: bench.loop.usage().dataUsed };
  const descriptors = descriptorsBelow(bench.root);
  const ctx = new TestContext();
  ctx.onProgress = ({ phase }) => {
    if (phase === "fold") ctx.controller.abort();
  };
  const result = await bench.foldPaths([paths, ...small], {}, ctx);
  expect(result).toMatchObject({ cancelled: true, files: 0, skipped: [] });
  bench.loop.sync();
  expect(result.freedBytes).toBe(before.used - bench.loop.usage().dataUsed);
  expect(diffStates(before.state, snapshotState(bench.root))).toEqual([]);
  expect(bench.journal.openIntents()).toEqual([]);
  expect(bench.journal.history(bench.uuid)[0]).toMatchObject({
    state: "cancelled",
    freedBytes: result.freedBytes,
  });
  expect(descriptorsBelow(bench.root)).toBe(descriptors);
  // and the next one finishes the job
  const rest = await bench.foldPaths([paths, ...small]);
  expect(rest).toMatchObject({ cancelled: false, files: 52, skipped: [] });
});

test("an error in the middle of a fold unlocks everything and closes the run as interrupted", async () => {
  using bench = FoldBench.create({ size: "3G" });
  const content = randomBytes(120 * MIB);
  const paths = ["a", "b"].map((name) => bench.write(name, content));
  bench.loop.sync();
  const before = snapshotState(bench.root);
  const descriptors = descriptorsBelow(bench.root);
  const ctx = new TestContext();
  ctx.onProgress = () => {
    throw new Error("a fault of the caller");
  };
  await expect(bench.foldPaths([paths], {}, ctx)).rejects.toThrow("a fault of the caller");
  expect(diffStates(before, snapshotState(bench.root))).toEqual([]);
  expect(bench.journal.openIntents()).toEqual([]);
  expect(bench.journal.history(bench.uuid)[0]?.state).toBe("interrupted");
  expect(descriptorsBelow(bench.root)).toBe(descriptors);
});

test("the order: journal on disk, +i, lease; -i before the share; sync before the journal forgets", () => {
  using bench = FoldBench.create();
  const content = randomBytes(MIB);
  const paths = ["a", "b"].map((name) => bench.write(name, content));
  bench.loop.sync();
  const trace = bench.loop.beside("trace");
  const child = join(ROOT, "test/fold/fold-child.ts");
  const calls = "trace=fdatasync,fsync,ioctl,fcntl,syncfs";
  const words = [bench.root, bench.uuid, bench.loop.beside("child-db"), "immutable", JSON.stringify([paths])];
  exec("strace", ["-f", "-y", "-e", calls, "-o", trace, process.execPath, child, ...words]);
  const lines = readFileSync(trace, "utf8").split("\n");
  const first = (pattern: RegExp, from = 0): number => {
    const at = lines.findIndex((line, k) => k >= from && pattern.test(line));
    if (at < 0)
      throw new Error(`not in the trace from line ${from}: ${String(pattern)}\n${lines.join("\n")}`);
    return at;
  };
  const last = (pattern: RegExp): number => lines.findLastIndex((line) => pattern.test(line));
  // older straces do not know FS_IOC_FSSETXATTR by name
  const setFlag = /FS_IOC_FSSETXATTR|0x401c5820/;
  const plusI = first(setFlag);
  const journaled = lines.findLastIndex((line, k) => k < plusI && /(fdatasync|fsync)\(.*journal/.test(line));
  expect(journaled).toBeGreaterThanOrEqual(0);
  const lease = first(/F_SETLEASE, F_RDLCK/);
  const share = first(/FIDEDUPERANGE/);
  expect(plusI).toBeLessThan(lease);
  expect(lease).toBeLessThan(share);
  // both files are flagged and leased before anything is shared: 2 flags on, 1 off (the destination's)
  const flagsBefore = lines.slice(0, share).filter((line) => setFlag.test(line)).length;
  expect(flagsBefore).toBe(3);
  expect(lines.slice(0, share).filter((line) => /F_SETLEASE, F_RDLCK/.test(line)).length).toBe(2);
  const unflag = last(setFlag);
  expect(unflag).toBeGreaterThan(share);
  expect(last(/F_SETLEASE, F_UNLCK/)).toBeGreaterThan(unflag);
  const synced = first(/syncfs\(/, unflag);
  first(/(fdatasync|fsync)\(.*journal/, synced);
});
