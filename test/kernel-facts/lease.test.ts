/** Read leases (fcntl F_SETLEASE): the cheap and complete answer to "does anybody write this file?". */
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { call, tryCall } from "../../src-helper/native/library.ts";
import { LoopVolume } from "../support/volume.ts";
import { dedupe, startChild, twins, until, withOpen, type Child } from "./support.ts";

const EAGAIN = -11;
const volume = LoopVolume.create({ size: "1G" });
const running = new Set<Child>();
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

function newFile(name: string, size = 65536): string {
  const path = join(volume.path, name);
  writeFileSync(path, randomBytes(size));
  return path;
}

/** A shell that appends a line; its pid, whether it has ended, and its end. */
function appender(path: string): { ended: () => boolean; end: Promise<number | null> } {
  const child = spawn("sh", ["-c", 'echo more >> "$1"', "sh", path], { stdio: "ignore" });
  let ended = false;
  const end = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      ended = true;
      resolve(code);
    });
  });
  return { ended: () => ended, end };
}

describe("when a read lease is refused", () => {
  test("while this or another process has the file open for writing, in one call", async () => {
    const path = newFile("open");
    const own = openSync(path, constants.O_RDWR);
    await withOpen(path, async (fd) => {
      expect(tryCall("rf_lease", fd)).toBe(EAGAIN);
      closeSync(own);
      const writer = await start(`fs.openSync(args[0], "r+"); ready();`, path);
      expect(tryCall("rf_lease", fd)).toBe(EAGAIN);
      writer.process.stdin?.end();
      await writer.ended;
      expect(tryCall("rf_lease", fd)).toBe(0);
    });
  });

  test("while it is mapped writable, though the descriptor is closed; /proc/PID/fd shows nothing then", async () => {
    const path = newFile("mapped");
    const writer = await start(
      `const libc = koffi.load("libc.so.6");
       const mmap = libc.func("void *mmap(void *, size_t, int, int, int, int64_t)");
       const fd = fs.openSync(args[0], "r+");
       mmap(null, 4096, 3, 1, fd, 0); // PROT_READ|PROT_WRITE, MAP_SHARED
       fs.closeSync(fd);
       ready();`,
      path,
    );
    const pid = String(writer.process.pid);
    await withOpen(path, async (fd) => {
      expect(tryCall("rf_lease", fd)).toBe(EAGAIN);
      expect(readFileSync(`/proc/${pid}/maps`, "latin1")).toMatch(new RegExp(`rw-s .*${path}`));
      writer.process.stdin?.end();
      await writer.ended;
      expect(tryCall("rf_lease", fd)).toBe(0);
    });
  });

  test("not while it is open for reading or mapped privately", async () => {
    const path = newFile("readers");
    const reader = await start(
      `const libc = koffi.load("libc.so.6");
       const mmap = libc.func("void *mmap(void *, size_t, int, int, int, int64_t)");
       const fd = fs.openSync(args[0], "r");
       mmap(null, 4096, 3, 2, fd, 0); // MAP_PRIVATE
       ready();`,
      path,
    );
    withOpen(path, (fd) => {
      expect(tryCall("rf_lease", fd)).toBe(0);
    });
    reader.process.kill("SIGKILL");
    await reader.ended;
  });
});

describe("while a read lease is held", () => {
  test("a later writer waits, and goes on when the lease is given up", async () => {
    const path = newFile("waits");
    await withOpen(path, async (fd) => {
      call("rf_lease", fd);
      expect(tryCall("rf_lease_broken", fd)).toBe(0);
      const writer = appender(path);
      await until("the lease is being broken", () => tryCall("rf_lease_broken", fd) === 1);
      expect(writer.ended()).toBe(false);
      expect(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)).toThrow(/EAGAIN/);
      call("rf_unlease", fd);
      expect(await writer.end).toBe(0);
      expect(readFileSync(path).subarray(65536).toString()).toBe("more\n");
    });
  });

  test("readers, further read leases and a dedupe in both roles go on", () => {
    const [source, destination] = twins(volume.path, "dedupe", randomBytes(65536));
    withOpen(source, (from) => {
      withOpen(destination, (to) => {
        withOpen(destination, (again) => {
          call("rf_lease", from);
          call("rf_lease", to);
          call("rf_lease", again);
          expect(readFileSync(destination)).toHaveLength(65536);
          expect(dedupe(from, to, 65536)).toEqual({ call: 0, status: 0, bytes: 65536 });
        });
      });
    });
  });

  test("the writer's wait ends by itself after fs.lease-break-time, which is not less than 10 s", () => {
    // what the longest atomic step of a fold must stay below
    expect(Number(readFileSync("/proc/sys/fs/lease-break-time", "latin1"))).toBeGreaterThanOrEqual(10);
  });
});

describe("how a lease ends", () => {
  test("with the process that holds it, however that dies", async () => {
    const path = newFile("dies");
    const holder = await start(
      `const fd = fs.openSync(args[0], "r"); native.call("rf_lease", fd); ready();`,
      path,
    );
    const writer = appender(path);
    const locks = (): string => readFileSync("/proc/locks", "latin1");
    await until("the lease is being broken", () =>
      new RegExp(`LEASE +BREAKING +\\w+ +${String(holder.process.pid)} `).test(locks()),
    );
    expect(writer.ended()).toBe(false);
    holder.process.kill("SIGKILL");
    expect(await writer.end).toBe(0);
  });

  test("the kernel's default signal kills the holder; with SIGURG it lives", async () => {
    const path = newFile("signal");
    const hold = `
      const libc = koffi.load("libc.so.6");
      const fcntl = libc.func("int fcntl(int, int, ...)");
      const fd = fs.openSync(args[0], "r");
      if (fcntl(fd, 1024, "int", 0) !== 0) throw new Error("F_SETLEASE F_RDLCK"); `;
    const careless = await start(`${hold} ready();`, path);
    expect(await appender(path).end).toBe(0);
    expect((await careless.ended).signal).toMatch(/^SIG(IO|POLL)$/);

    const careful = await start(
      `const fd = fs.openSync(args[0], "r");
       native.call("rf_lease", fd);
       setInterval(() => { if (native.tryCall("rf_lease_broken", fd) === 1) native.call("rf_unlease", fd); }, 10);
       ready();`,
      path,
    );
    expect(await appender(path).end).toBe(0);
    expect(careful.process.exitCode).toBeNull();
    careful.process.stdin?.end();
    expect(await careful.ended).toEqual({ code: 0, signal: null });
  });

  test("closing the descriptor gives it up", () => {
    const path = newFile("close");
    withOpen(path, (fd) => call("rf_lease", fd));
    const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    expect(writeSync(writer, "text")).toBe(4);
    closeSync(writer);
  });
});
