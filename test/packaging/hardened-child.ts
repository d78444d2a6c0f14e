/**
 * A hardened process for a test to look at: hardened-child.ts MODE. Prints one
 * line of JSON once it is hardened, and ends with its standard input.
 */
import { spawnSync } from "node:child_process";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import koffi from "koffi";
import type { HelperMode } from "../../src-helper/hardening/capabilities.ts";
import { hardenHelper } from "../../src-helper/hardening/harden.ts";

const PR_GET_DUMPABLE = 3;

hardenHelper({ mode: process.argv[2] as HelperMode, programDirectory: import.meta.dirname });

/** The error code of connecting somewhere, or "connected". */
async function tryConnect(options: { port: number } | { path: string }): Promise<string> {
  const socket = connect({ host: "127.0.0.1", ...options } as never);
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

const prctl = koffi.load("libc.so.6").func("int prctl(int, long, long, long, long)") as (
  ...values: number[]
) => number;
// threads that begin after the hardening: the pool's, and a worker's
await readFile("/proc/self/status");
const worker = new Worker("setInterval(() => {}, 1000)", { eval: true });
await once(worker, "online");

const path = `\0refold-hardened-${process.pid}`;
const server = createServer().listen(path);
await once(server, "listening");
const report = {
  environment: process.env,
  dumpable: prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
  words: process.argv.slice(2),
  program: (spawnSync("/bin/true").error as NodeJS.ErrnoException | undefined)?.code ?? "ran",
  network: await tryConnect({ port: 9 }),
  local: await tryConnect({ path }),
};
server.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
process.stdin.resume();
await once(process.stdin, "end");
process.exit(0);
