import { readdirSync, readFileSync } from "node:fs";

/** One thread's rights, from /proc/PID/task/TID/status (proc_pid_status(5)). */
export interface ThreadState {
  readonly thread: string;
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
  readonly noNewPrivileges: boolean;
  /** 0 none, 1 strict, 2 a filter. */
  readonly seccomp: number;
}

function field(status: string, name: string): string {
  const value = new RegExp(`^${name}:\\s*(\\S+)$`, "m").exec(status)?.[1];
  if (value === undefined) throw new Error(`/proc has no ${name}`);
  return value;
}

/** @param status the text of a status file */
export function parseStatus(thread: string, status: string): ThreadState {
  const set = (name: string): bigint => BigInt(`0x${field(status, name)}`);
  return {
    thread,
    inheritable: set("CapInh"),
    permitted: set("CapPrm"),
    effective: set("CapEff"),
    bounding: set("CapBnd"),
    ambient: set("CapAmb"),
    noNewPrivileges: field(status, "NoNewPrivs") === "1",
    seccomp: Number(field(status, "Seccomp")),
  };
}

/** Every thread of a process; one that ends in the meantime is left out. */
export function readThreads(pid: number | "self" = "self"): ThreadState[] {
  const directory = `/proc/${pid}/task`;
  return readdirSync(directory).flatMap((thread) => {
    try {
      return [parseStatus(thread, readFileSync(`${directory}/${thread}/status`, "latin1"))];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ESRCH") return [];
      throw error;
    }
  });
}

/**
 * What the threads have that they should not have; empty where all is well.
 * Fewer capabilities than allowed are no fault: a container may lack some.
 *
 * @param allowed bit mask of capabilities
 */
export function findExcess(threads: readonly ThreadState[], allowed: bigint): string[] {
  const found = new Set<string>();
  for (const thread of threads) {
    if ((thread.effective & ~allowed) !== 0n) found.add("effective capabilities");
    if ((thread.permitted & ~allowed) !== 0n) found.add("permitted capabilities");
    if ((thread.bounding & ~allowed) !== 0n) found.add("bounding capabilities");
    if (thread.inheritable !== 0n) found.add("inheritable capabilities");
    if (thread.ambient !== 0n) found.add("ambient capabilities");
    if (!thread.noNewPrivileges) found.add("new privileges");
  }
  return [...found];
}
