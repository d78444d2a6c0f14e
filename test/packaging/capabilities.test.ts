/**
 * The set of capabilities in src-helper/hardening/capabilities.ts is enough for
 * all that Refold does with files of other people, and none in it is idle:
 * without each one something definite fails.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { Readable } from "node:stream";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Capability,
  type HelperMode,
  neededCapabilities,
} from "../../src-helper/hardening/capabilities.ts";
import { exec } from "../support/exec.ts";
import { immutablePaths } from "../support/immutable.ts";
import type { DedupVolume, GroupLine, ScanVolume } from "../support/refold-json.ts";
import { REFOLD, runProgram, type RunResult } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";

const SIZE = 150_000;
const SOMEBODY = 12_345;
const HARDENED = join(import.meta.dirname, "hardened-refold.ts");

const volume = LoopVolume.create({ size: "1G" });
const children = new Set<ChildProcess>();
let folder = "";
let pair: [string, string];
let count = 0;

beforeEach(() => {
  folder = join(volume.path, `folder-${++count}`);
  mkdirSync(folder);
  pair = [join(folder, "one"), join(folder, "other")];
  const content = randomBytes(SIZE);
  for (const path of pair) {
    writeFileSync(path, content);
    chmodSync(path, 0o400);
    chownSync(path, SOMEBODY, SOMEBODY);
  }
  chmodSync(folder, 0o700);
  chownSync(folder, SOMEBODY, SOMEBODY);
  volume.sync();
});
afterEach(async () => {
  for (const child of children) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  children.clear();
  rmSync(folder, { recursive: true });
});
afterAll(() => {
  volume.dispose();
});

const target = (): string[] => [volume.path, "--db", volume.beside(`db-${count}`), "--json"];

/** Through hardenHelper. */
const hardened = (mode: HelperMode, words: readonly string[]): Promise<RunResult> =>
  runProgram(process.execPath, [HARDENED, mode, ...words]);

/** With exactly these, set from outside by setpriv(1). */
function restricted(
  capabilities: readonly Capability[],
  words: readonly string[],
  program = REFOLD,
): Promise<RunResult> {
  const names = capabilities.map((name) => `+${name.slice("CAP_".length).toLowerCase()}`);
  const set = [
    "--no-new-privs",
    "--inh-caps=-all",
    "--ambient-caps=-all",
    `--bounding-set=${["-all", ...names].join(",")}`,
  ];
  return runProgram("setpriv", [...set, "--", program, ...words]);
}

const without = (mode: HelperMode, left: Capability): readonly Capability[] =>
  neededCapabilities(mode).filter((capability) => capability !== left);

const dedupWords = (): string[] => ["dedup", ...target(), "--yes"];
function dedupOf(run: RunResult): DedupVolume {
  const [result] = (run.json() as { volumes: DedupVolume[] }).volumes;
  if (result === undefined) throw new Error("no volume in the answer");
  return result;
}
const reasonsOf = (run: RunResult): string[] => dedupOf(run).skipped.map((file) => file.reason);

/** NOCOW files have no checksums, so that a scan must read them. */
function makeUnchecked(): void {
  chmodSync(folder, 0o777);
  exec("chattr", ["+C", folder]);
  const content = randomBytes(SIZE);
  for (const name of ["three", "four"]) {
    const path = join(folder, name);
    writeFileSync(path, content);
    chmodSync(path, 0o400);
    chownSync(path, SOMEBODY, SOMEBODY);
  }
  volume.sync();
}

async function groupsOfFolder(mode: HelperMode): Promise<string[][]> {
  const run = await hardened(mode, ["groups", ...target()]);
  return (run.expectCode(0).jsonLines() as GroupLine[])
    .map((group) => group.files.map((file) => file.path).filter((path) => path.startsWith(`${folder}/`)))
    .filter((paths) => paths.length > 0);
}

/** A process of somebody who is not root, which has a file open for writing. */
async function holdOpen(path: string): Promise<number> {
  const fd = openSync(path, "r+");
  const user = [`--reuid=${SOMEBODY}`, `--regid=${SOMEBODY}`, "--clear-groups"];
  const child = spawn("setpriv", [...user, "sh", "-c", "echo ready; read -r line"], {
    stdio: ["pipe", "pipe", "inherit", fd],
  });
  closeSync(fd);
  children.add(child);
  await once(child.stdio[1] as Readable, "data");
  if (child.pid === undefined) throw new Error("no child");
  return child.pid;
}

describe("with the set of each mode", () => {
  test("observe: a scan finds the copies of other people's unreadable files, and reads where it must", async () => {
    makeUnchecked();
    const run = await hardened("observe", ["scan", ...target(), "--flush"]);
    const [totals] = (run.expectCode(0).json() as { volumes: ScanVolume[] }).volumes;
    expect(totals?.bytesRead).toBeGreaterThan(0);
    expect((await groupsOfFolder("observe")).map((paths) => paths.length)).toEqual([2, 2]);
  });

  test("manage: other people's read-only files are folded, and freed as promised", async () => {
    makeUnchecked();
    const before = pair.map((path) => readFileSync(path));
    const result = dedupOf((await hardened("manage", dedupWords())).expectCode(0));
    expect(result.files).toBeGreaterThanOrEqual(2);
    expect(result.freedBytes).toBe(result.predictedBytes);
    expect(result.freedBytes).toBeGreaterThan(SIZE);
    expect(pair.map((path) => readFileSync(path))).toEqual(before);
    expect(immutablePaths(folder)).toEqual([]);
  });

  test("manage: a file in use by somebody is left alone, and the process is named", async () => {
    const pid = await holdOpen(pair[1]);
    const result = dedupOf((await hardened("manage", dedupWords())).expectCode(1));
    expect(result.skipped.map((file) => [file.path, file.reason])).toEqual([[pair[1], "in-use"]]);
    expect(result.skipped[0]?.detail).toContain(`(pid ${pid})`);
  });

  test("manage: files are repaired and a defragmented copy is folded onto", async () => {
    (await hardened("manage", [...dedupWords(), "--defrag", "--lock", "lease"])).expectCode(0);
    exec("chattr", ["+i", pair[0]]);
    volume.sync();
    const stuck = (await hardened("manage", ["stuck", ...target()])).expectCode(0).json() as {
      files: { id: string; path: string }[];
    };
    expect(stuck.files.map((file) => file.path)).toEqual([pair[0]]);
    const id = stuck.files[0]?.id ?? "";
    (await hardened("manage", ["repair", ...target(), "--id", id])).expectCode(0);
    expect(immutablePaths(pair[0])).toEqual([]);
  });

  test("observe cannot fold: nothing is changed", async () => {
    const before = exec("lsattr", ["-R", volume.path]);
    const result = await hardened("observe", dedupWords());
    expect(result.code).not.toBe(0);
    expect(dedupOf(result).files).toBe(0);
    expect(exec("lsattr", ["-R", volume.path])).toBe(before);
  });
});

describe("each of them is needed", () => {
  test("CAP_SYS_ADMIN: else no tree can be read", async () => {
    const run = await restricted(without("observe", "CAP_SYS_ADMIN"), ["scan", ...target(), "--flush"]);
    expect(run.code).toBe(3);
  });

  test("CAP_DAC_READ_SEARCH: else no file can be opened by its handle", async () => {
    const run = await restricted(without("manage", "CAP_DAC_READ_SEARCH"), dedupWords());
    const answer = run.expectCode(1, 3).json() as { volumes: unknown[]; errors?: { code: string }[] };
    expect(answer.volumes).toEqual([]);
    expect(answer.errors).toHaveLength(1);
  });

  test("CAP_FOWNER: else other people's files cannot be opened without touching their atime", async () => {
    const run = await restricted(without("manage", "CAP_FOWNER"), dedupWords());
    expect(run.code).not.toBe(0);
    expect(dedupOf(run).files).toBe(0);
  });

  test("CAP_LINUX_IMMUTABLE: else nothing is locked", async () => {
    const run = await restricted(without("manage", "CAP_LINUX_IMMUTABLE"), dedupWords());
    expect(run.expectCode(1).code).toBe(1);
    expect(dedupOf(run).files).toBe(0);
    expect(reasonsOf(run).length).toBeGreaterThan(0);
  });

  test("CAP_LEASE: else nobody else's file can be held", async () => {
    const run = await restricted(without("manage", "CAP_LEASE"), dedupWords());
    expect(run.expectCode(1).code).toBe(1);
    expect(dedupOf(run).files).toBe(0);
    expect(reasonsOf(run).length).toBeGreaterThan(0);
  });

  test("CAP_SYS_PTRACE: else the process that has a file in use cannot be named", async () => {
    const pid = await holdOpen(pair[1]);
    const run = await restricted(without("manage", "CAP_SYS_PTRACE"), dedupWords());
    const [skipped] = dedupOf(run.expectCode(1)).skipped;
    expect(skipped?.reason).toBe("in-use");
    expect(skipped?.detail).not.toContain(String(pid));
  });

  test("CAP_CHOWN: else the demo's files cannot be given to anybody", async () => {
    const mine = volume.beside(`mine-${count}`);
    writeFileSync(mine, "");
    const give = [`${SOMEBODY}`, mine];
    expect((await restricted(without("manage", "CAP_CHOWN"), give, "chown")).code).toBe(1);
    expect((await restricted(neededCapabilities("manage"), give, "chown")).code).toBe(0);
  });
});
