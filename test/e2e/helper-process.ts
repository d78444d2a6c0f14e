import { readdirSync, readFileSync } from "node:fs";
import { stopWhileLocked } from "../support/immutable.ts";

/**
 * The root helper of an app: the descendant of its main process that runs `rpc`.
 * @throws Error where there is none, or more than one
 */
export function helperPid(main: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // it has ended since
    }
  }
  const below = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === main) return true;
    return false;
  };
  const found = [...parents.keys()].filter((pid) => pid !== main && below(pid) && isHelper(pid));
  const [pid] = found;
  if (pid === undefined || found.length > 1)
    throw new Error(`${String(found.length)} helpers below process ${String(main)}`);
  return pid;
}

function isHelper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, "latin1")
      .split("\0")
      .includes("rpc");
  } catch {
    return false;
  }
}

/** Kills the helper while it holds files. */
export async function killWhileLocked(helper: number, root: string): Promise<void> {
  await stopWhileLocked(helper, root);
  process.kill(helper, "SIGKILL");
}
