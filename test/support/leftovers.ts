/**
 * Volumes of test runs that were killed leave mounts, loop devices and image
 * files. Each run keeps its own in a directory that names its owner, so that
 * they can be told from those of a run going on beside this one.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "./exec.ts";

/** Start of the name of every directory that a test volume lives in. */
export const VOLUME_DIRECTORY_PREFIX = "refold-test-volume-";

/** Where test volumes are kept: REFOLD_TEST_DIR, or the system's temporary directory. */
export function volumesDirectory(): string {
  return process.env["REFOLD_TEST_DIR"] ?? tmpdir();
}

/** Start time of a process in clock ticks since boot, null where there is none: tells reused ids apart. */
function startTime(pid: string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** A new directory owned by this process. */
export function createOwnedDirectory(): string {
  const directory = mkdtempSync(join(volumesDirectory(), VOLUME_DIRECTORY_PREFIX));
  writeFileSync(join(directory, "owner"), `${process.pid} ${String(startTime(String(process.pid)))}`);
  return directory;
}

function isAbandoned(directory: string): boolean {
  try {
    const [pid, started] = readFileSync(join(directory, "owner"), "latin1").split(" ");
    return pid === undefined || startTime(pid) === null || startTime(pid) !== started;
  } catch {
    // Written a moment after the directory is made: an empty one may be somebody's beginning.
    return existsSync(directory) && readdirSync(directory).length > 0;
  }
}

/** Mount points at or below a directory, deepest first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mountinfo", "latin1")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .reverse();
}

interface LoopList {
  readonly loopdevices: readonly { readonly name: string; readonly "back-file": string }[];
}

/** Loop devices whose backing file lies, or lay before it was deleted, in a directory. */
export function loopDevicesBelow(directory: string): string[] {
  const output = exec("losetup", ["--list", "--json", "--output", "NAME,BACK-FILE"]);
  if (output.trim() === "") return [];
  return (JSON.parse(output) as LoopList).loopdevices
    .filter((device) => device["back-file"].startsWith(`${directory}/`))
    .map((device) => device.name);
}

/** Unmounts, detaches and deletes everything of one volume directory. */
export function removeVolumeDirectory(directory: string): void {
  for (const path of mountsBelow(directory)) exec("umount", ["--lazy", path]);
  for (const device of loopDevicesBelow(directory)) exec("losetup", ["--detach", device]);
  rmSync(directory, { recursive: true, force: true });
}

/** As the kernel names it; "" where another run has detached the device meanwhile. */
function backingFile(device: string): string {
  try {
    return readFileSync(`/sys/block/${device.slice(5)}/loop/backing_file`, "latin1").trim();
  } catch {
    return "";
  }
}

/** Removes what killed runs left. Returns the directories removed. */
export function removeLeftovers(): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(volumesDirectory())) {
    const directory = join(volumesDirectory(), name);
    if (!name.startsWith(VOLUME_DIRECTORY_PREFIX) || !isAbandoned(directory)) continue;
    removeVolumeDirectory(directory);
    removed.push(directory);
  }
  // Loop devices whose directory is gone already (somebody emptied /tmp).
  for (const device of loopDevicesBelow(volumesDirectory())) {
    const backing = backingFile(device);
    if (backing.includes(VOLUME_DIRECTORY_PREFIX) && backing.endsWith("(deleted)")) {
      exec("losetup", ["--detach", device]);
    }
  }
  return removed;
}
