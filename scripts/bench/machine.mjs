/** What the figures were measured on. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

const output = (command, ...args) => execFileSync(command, args, { encoding: "utf8" }).trim();

/**
 * @param {string} folder where the images lie
 * @returns {{ cpu: string, cores: number, memory: number, kernel: string, system: string, btrfs: string,
 *   below: string, node: string, date: string }}
 */
export function describeMachine(folder) {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memory: totalmem(),
    // A packager's suffix says nothing of the kernel.
    kernel: /^[\d.]+/.exec(release())?.[0] ?? release(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown",
    btrfs: output("btrfs", "--version").split("\n")[0],
    below: output("findmnt", "-n", "-o", "FSTYPE", "-T", folder),
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/**
 * How fast the storage below gives a file that is not cached, from its beginning on.
 * @param {string} path a file of a gibibyte or more that is not in the page cache
 * @returns {number} bytes a second
 */
export function readRate(path) {
  const buffer = Buffer.allocUnsafe(4 << 20);
  const fd = openSync(path, "r");
  const start = performance.now();
  let bytes = 0;
  try {
    for (let n = 1; n > 0 && bytes < 2 ** 30; bytes += n) n = readSync(fd, buffer);
  } finally {
    closeSync(fd);
  }
  return bytes / ((performance.now() - start) / 1000);
}
