/** What a hardened helper has left, as the kernel tells it of a real process. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { capabilityMask, neededCapabilities } from "../../src-helper/hardening/capabilities.ts";
import { cleanEnvironment } from "../../src-helper/hardening/environment.ts";
import { findExcess, parseStatus, readThreads } from "../../src-helper/hardening/process-state.ts";

const CHILD = join(import.meta.dirname, "hardened-child.ts");
const FIXED = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  UV_USE_IO_URING: "0",
};

interface Report {
  readonly environment: Record<string, string>;
  readonly dumpable: number;
  readonly words: string[];
  readonly program: string;
  readonly network: string;
  readonly local: string;
}

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

/** Starts a hardened process and waits for its report. */
async function harden(
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; fds?: readonly number[]; nodeOptions?: readonly string[] } = {},
): Promise<{ pid: number; report: Report; end: () => Promise<number | null> }> {
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), CHILD, ...words], {
    env: options.env ?? {},
    stdio: ["pipe", "pipe", "inherit", ...(options.fds ?? [])],
  });
  children.add(child);
  const exited = once(child, "exit") as Promise<[number | null]>;
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null || child.pid === undefined) throw new Error("no child");
  const line = await Promise.race([
    once(createInterface({ input: stdout }), "line") as Promise<[string]>,
    exited.then(([code]): never => {
      throw new Error(`the child ended with ${String(code)}`);
    }),
  ]);
  return {
    pid: child.pid,
    report: JSON.parse(line[0]) as Report,
    end: async () => {
      stdin.end();
      return (await exited)[0];
    },
  };
}

const proc = (pid: number, name: string): string => readFileSync(`/proc/${pid}/${name}`, "latin1");

describe.each(["manage", "observe"] as const)("a helper that may %s", (mode) => {
  test("has the needed capabilities only, in every thread, also in threads that begin later", async () => {
    const { pid, end } = await harden([mode]);
    const mask = BigInt(capabilityMask(neededCapabilities(mode)));
    const threads = readThreads(pid);
    expect(threads.length).toBeGreaterThan(8);
    for (const thread of threads) {
      expect(thread).toEqual({
        thread: thread.thread,
        inheritable: 0n,
        permitted: mask,
        effective: mask,
        bounding: mask,
        ambient: 0n,
        noNewPrivileges: true,
        seccomp: 2,
      });
    }
    expect(await end()).toBe(0);
  });

  test("leaves no dump, no wide umask and no network", async () => {
    const { pid, report } = await harden([mode]);
    expect(proc(pid, "limits")).toMatch(/^Max core file size +0 +0 /m);
    expect(proc(pid, "status")).toMatch(/^Umask:\s*0077$/m);
    expect(report.dumpable).toBe(0);
    expect(report.network).toBe("EPERM");
    expect(report.local).toBe("connected");
  });

  test("starts programs only where it may manage", async () => {
    const { report } = await harden([mode]);
    expect(report.program).toBe(mode === "manage" ? "ran" : "EPERM");
  });
});

test("a hostile environment is gone, from the process's own memory too", async () => {
  const hostile = {
    NODE_OPTIONS: "--no-warnings",
    NODE_PATH: "/tmp",
    NODE_EXTRA_CA_CERTS: "/tmp/ca",
    LD_LIBRARY_PATH: "/tmp",
    LD_DEBUG_OUTPUT: "/tmp/debug",
    BASH_ENV: "/tmp/rc",
    ENV: "/tmp/rc",
    "BASH_FUNC_cd%%": "() { id; }",
    OPENSSL_CONF: "/tmp/openssl.cnf",
    SQLITE_TMPDIR: "/tmp",
    TMPDIR: "/tmp/elsewhere",
    LOCPATH: "/tmp",
    TZ: ":/tmp/zone",
    IFS: "x",
    PATH: "/tmp",
    LANG: "../../tmp",
    HOME: "/tmp",
    PKEXEC_UID: "1000",
    SUDO_UID: "0; id",
    REFOLD_TEST_DIR: "/tmp",
  };
  const { pid, report } = await harden(["manage"], { env: hostile });
  expect(report.environment).toEqual({ ...FIXED, PKEXEC_UID: "1000" });
  const inMemory = proc(pid, "environ")
    .split("\0")
    .filter((entry) => entry !== "");
  const expected = { ...FIXED, PKEXEC_UID: "1000", REFOLD_HARDENED: "1" };
  expect(inMemory.sort()).toEqual(
    Object.entries(expected)
      .map(([name, value]) => `${name}=${value}`)
      .sort(),
  );
});

test("descriptors that it was started with are closed, low and high ones", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "refold-hardening-"));
  const secret = join(scratch, "secret");
  const fd = openSync(secret, "w");
  try {
    // Node marks the first sixteen close-on-exec itself, and leaves the others
    const { pid } = await harden(["manage"], { fds: Array<number>(40).fill(fd) });
    const targets = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
    expect(targets.length).toBeGreaterThan(3);
    expect(targets).not.toContain(secret);
  } finally {
    closeSync(fd);
    rmSync(scratch, { recursive: true });
  }
});

test("it is the same process with the same words and settings of Node, bytes that are no text included", async () => {
  // a shell passes bytes that Node's spawn would have to encode
  const run = spawnSync(
    "sh",
    [
      "-c",
      `exec "$0" --max-semi-space-size=2 "$1" manage "$(printf 'a\\377b')" "" 'c d' </dev/null`,
      process.execPath,
      CHILD,
    ],
    { env: {} },
  );
  expect(run.stderr.toString()).toBe("");
  expect((JSON.parse(run.stdout.toString()) as Report).words).toEqual(["manage", "a\ufffdb", "", "c d"]);
  const { pid } = await harden(["manage"], { nodeOptions: ["--max-semi-space-size=2"] });
  expect(proc(pid, "cmdline").split("\0").slice(1)).toEqual(["--max-semi-space-size=2", CHILD, "manage", ""]);
});

test("one that only claims to be hardened does not start", () => {
  const run = spawnSync(process.execPath, [CHILD, "manage"], {
    env: { REFOLD_HARDENED: "1" },
    encoding: "utf8",
  });
  expect(run.status).not.toBe(0);
  expect(run.stdout).toBe("");
  expect(run.stderr).toMatch(/could not give up its rights \(it kept effective capabilities, permitted/);
});

test("without root it cleans its environment and goes on", () => {
  const script = `
    import { hardenHelper } from ${JSON.stringify(join(import.meta.dirname, "../../src-helper/hardening/harden.ts"))};
    process.setgroups([]); process.setgid(65534); process.setuid(65534);
    hardenHelper({ mode: "manage", programDirectory: "/usr/lib/refold" });
    console.log(JSON.stringify([process.env, process.umask()]));`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { NODE_PATH: "/tmp" },
    encoding: "utf8",
  });
  expect(JSON.parse(run.stdout)).toEqual([FIXED, 0o077]);
});

describe("cleanEnvironment", () => {
  test("lets the caller's ids through only as numbers", () => {
    const clean = cleanEnvironment({ PKEXEC_UID: "12", SUDO_UID: "-1", SUDO_GID: "12345678901" });
    expect(clean).toEqual({ ...FIXED, PKEXEC_UID: "12" });
  });
});

describe("findExcess", () => {
  const status = (changes: Record<string, string> = {}): string =>
    Object.entries({
      CapInh: "0",
      CapPrm: "6",
      CapEff: "6",
      CapBnd: "6",
      CapAmb: "0",
      NoNewPrivs: "1",
      Seccomp: "2",
      ...changes,
    })
      .map(([name, value]) => `${name}:\t${value}\n`)
      .join("");
  const excess = (changes: Record<string, string> = {}): string[] =>
    findExcess([parseStatus("1", status()), parseStatus("2", status(changes))], 0x6n);

  test("finds nothing where no thread has more than it may", () => {
    expect(excess()).toEqual([]);
    expect(excess({ CapEff: "2", CapPrm: "2", CapBnd: "0" })).toEqual([]);
  });

  test.each([
    ["CapEff", "e", "effective capabilities"],
    ["CapPrm", "e", "permitted capabilities"],
    ["CapBnd", "8000000000000000", "bounding capabilities"],
    ["CapInh", "2", "inheritable capabilities"],
    ["CapAmb", "2", "ambient capabilities"],
    ["NoNewPrivs", "0", "new privileges"],
  ])("finds %s in one thread of many", (name, value, words) => {
    expect(excess({ [name]: value })).toEqual([words]);
  });
});
