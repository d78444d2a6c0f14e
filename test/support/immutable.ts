/** The immutable flag, as chattr and lsattr have it: what a fold sets while it holds a file. */
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "./exec.ts";

/** Paths that have the flag: of a file, or of all below a folder. */
export function immutablePaths(root: string): string[] {
  return (
    exec("lsattr", ["-R", "-a", root])
      .split("\n")
      // a folder's name stands above what is in it, and may have an i before its first space
      .filter((line) => /^[^ /]*i[^ /]* /.test(line))
      .map((line) => line.slice(line.indexOf(" ") + 1))
  );
}

/** @param change "+i" or "-i" */
export function chattr(change: string, path: string): void {
  exec("chattr", [change, path]);
}

/**
 * Stops a process that folds again and again until it holds files, since between two batches nothing
 * is locked. It is left standing still.
 * @throws Error where it holds none for half a minute
 */
export async function stopWhileLocked(pid: number, root: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    process.kill(pid, "SIGSTOP");
    if (immutablePaths(root).length > 0) return;
    process.kill(pid, "SIGCONT");
    await sleep(5);
  }
  throw new Error(`process ${String(pid)} never stood still with a file of ${root} locked`);
}
