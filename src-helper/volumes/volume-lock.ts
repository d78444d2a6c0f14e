import { readFileSync } from "node:fs";
import { RefoldError } from "../engine/errors.ts";
import { errnoName, NativeError, tryCall } from "../native/library.ts";

/**
 * Takes the volume for this process: flock(2) on the top-level directory, the
 * same inode through every mount, so that runs with different databases or
 * mount points exclude each other too. Given up when dir is closed.
 *
 * @param dir fd of the top-level directory, opened for this alone
 * @param device "major:minor" of the superblock, to name the holder
 * @throws RefoldError "busy", naming the process that holds it
 */
export function lockVolume(dir: number, device: string, what: string): void {
  const result = tryCall("rf_flock", dir);
  if (result === 0) return;
  if (errnoName(-result) !== "EAGAIN") throw new NativeError("rf_flock", -result);
  throw new RefoldError("busy", `${what} is in use by another Refold: ${holder(device)}`, {
    kept: "Nothing was changed.",
    next: "Wait until it is done, or end it, and try again.",
  });
}

const TOP_LEVEL_INODE = 256;

/** /proc/locks: "1: FLOCK ADVISORY WRITE 2310 00:27:256 0 EOF", the device in hexadecimal. */
function holder(device: string): string {
  const [major, minor] = device.split(":").map((part) => Number(part).toString(16).padStart(2, "0"));
  for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
    const [, kind, , , pid, where] = line.trim().split(/\s+/);
    if (kind !== "FLOCK" || pid === undefined) continue;
    if (where !== `${major}:${minor}:${TOP_LEVEL_INODE}`) continue;
    return `${commandOf(pid)} (process ${pid})`;
  }
  return "a process that cannot be seen from here";
}

function commandOf(pid: string): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
    const script = words.findIndex((word) => word.endsWith("refold.cjs"));
    const shown = script < 0 ? words : ["refold", ...words.slice(script + 1)];
    // a command line may hold anything: keep the terminal safe
    return shown
      .join(" ")
      .replaceAll(/[^\x20-\x7e]/g, "?")
      .slice(0, 200);
  } catch {
    return "a process";
  }
}
