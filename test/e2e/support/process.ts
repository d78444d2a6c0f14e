/** The main process of an app, in a session of its own making. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../support/run.ts";
import type { Exit } from "./app.ts";

/** Node 24, also where the tests were started by an older one. */
export function nodeProgram(): string {
  const own = join(ROOT, "node_modules", "node", "bin", "node");
  return existsSync(own) ? own : process.execPath;
}

/**
 * Takes every btrfs mount away that is not at or below one of the words before
 * "--", and starts what follows it. A word FROM=TO has the volume moved there first.
 */
const ONLY_VOLUMES = `
keep=
while [ "$1" != -- ]; do
  case $1 in *=*) mount --bind "\${1%%=*}" "\${1#*=}" ;; esac
  keep="$keep \${1#*=}"
  shift
done
shift
while read -r _ _ _ _ at rest; do
  case $rest in *" - btrfs "*) ;; *) continue ;; esac
  kept=
  for path in $keep; do case $at in "$path" | "$path"/*) kept=1 ;; esac; done
  [ -n "$kept" ] || umount --lazy "$at"
done </proc/self/mountinfo
exec "$@"
`;

/** How long a helper may take to finish its step, and a browser to go, after the main process has ended. */
const OUTLIVE_MS = 20_000;

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended since
  }
}

interface Relation {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/** Every process but zombies. */
function allProcesses(): Relation[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        const [state, parent, , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state === "Z" ? [] : [{ pid: Number(name), parent: Number(parent), session: Number(session) }];
      } catch {
        return [];
      }
    });
}

/** The app's own session, and the sessions that its children made of their own, as the helper does. */
function sessionsBelow(main: number): Set<number> {
  const all = allProcesses();
  const sessions = new Set([main]);
  const below = new Set([main]);
  for (let size = 0; size !== below.size;) {
    size = below.size;
    for (const { pid, parent, session } of all) {
      if (!below.has(parent) && !sessions.has(session)) continue;
      below.add(pid);
      sessions.add(session);
    }
  }
  return sessions;
}

/**
 * Waits until nobody of the sessions is left.
 *
 * @throws Error where some are after a while; they are killed then
 */
async function endOf(sessions: ReadonlySet<number>): Promise<void> {
  const deadline = Date.now() + OUTLIVE_MS;
  const alive = (): Relation[] => allProcesses().filter(({ session }) => sessions.has(session));
  for (let left = alive(); left.length > 0; left = alive()) {
    if (Date.now() > deadline) {
      for (const { pid } of left) tryKill(pid);
      throw new Error(`the app left processes behind: ${left.map(({ pid }) => pid).join(", ")}`);
    }
    // they are no children of this process, whose end it would be told
    await sleep(20);
  }
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly logs: () => string;
  /** SIGTERM, or another; waits for it, its browser and its helper. */
  end(signal?: NodeJS.Signals): Promise<Exit>;
}

/** @param volumes see LaunchOptions */
export function run(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  volumes?: readonly string[],
): Running {
  const [program = "", ...args] =
    volumes === undefined
      ? words
      : ["unshare", "--mount", "sh", "-c", ONLY_VOLUMES, "sh", ...volumes, "--", ...words];
  // nothing of the session that the tests run in, but for where programs are
  const { PATH = "", LD_LIBRARY_PATH } = process.env;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH, ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // a session of its own: by it, what outlives the main process is known
    detached: true,
  });
  const session = child.pid ?? -1;
  const onExit = (): void => {
    for (const { pid } of allProcesses().filter((each) => each.session === session)) tryKill(pid);
  };
  process.once("exit", onExit);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", (error) => {
      text += `${program}: ${error.message}\n`;
      resolve({ code: 127, signal: null });
    });
    // not "exit": what it wrote last is read by now
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  return {
    child,
    pid: child.pid ?? 0,
    exited,
    logs: () => text,
    end: async (signal = "SIGTERM") => {
      const sessions = sessionsBelow(session);
      child.kill(signal);
      const exit = await exited;
      await endOf(sessions);
      process.off("exit", onExit);
      return exit;
    },
  };
}
