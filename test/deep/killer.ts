/** refold, killed at one of the operations of a fold (kill-at.c), and what it left. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Journal } from "../../src-helper/journal/store.ts";
import { exec } from "../support/exec.ts";
import { REFOLD, refold, ROOT } from "../support/run.ts";
import type { TreeState } from "../support/state.ts";
import type { LoopVolume } from "../support/volume.ts";

/**
 * Where in a fold to kill: at its n-th operation from the journal's first write
 * on, before it is made or right after it, or when the letters of its operations end so.
 */
export type KillPoint = { readonly operation: number; readonly before: boolean } | { readonly after: string };

/** What a killed run left in the journal. */
export interface Left {
  /** Its run was begun and not ended. */
  readonly open: boolean;
  /** Ranges of extents that it may have moved in part. */
  readonly rewrites: number;
}

export class Killer {
  readonly #volume: LoopVolume;
  readonly #shim: string;
  readonly #log: string;

  constructor(volume: LoopVolume) {
    this.#volume = volume;
    this.#shim = volume.beside("kill-at.so");
    this.#log = volume.beside("operations");
    const source = join(ROOT, "test/deep/kill-at.c");
    exec("gcc", ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", this.#shim, source]);
  }

  /**
   * Runs a command, to its end where there is no point to kill it at.
   * @returns how it ended, and a letter for each operation that it came to
   */
  async run(
    words: readonly string[],
    point: KillPoint | null,
  ): Promise<{ signal: NodeJS.Signals | null; operations: string }> {
    rmSync(this.#log, { force: true });
    const result = await refold(this.#wordsOf(words), { env: this.#environment(point) });
    if (result.signal === null) result.expectCode(0, 1);
    const operations = existsSync(this.#log) ? readFileSync(this.#log, "latin1") : "";
    return { signal: result.signal, operations };
  }

  #wordsOf(words: readonly string[]): string[] {
    return [...words, "--json", "--db", this.#volume.beside("db"), this.#volume.path];
  }

  #environment(point: KillPoint | null): Record<string, string> {
    return {
      LD_PRELOAD: this.#shim,
      KILL_LOG: this.#log,
      ...(point !== null && "operation" in point ? { KILL_AT: String(point.operation) } : {}),
      ...(point !== null && "before" in point && point.before ? { KILL_BEFORE: "1" } : {}),
      ...(point !== null && "after" in point ? { KILL_AFTER: point.after } : {}),
    };
  }

  /**
   * Starts a command that stands still at a point, and kills it when `use` is through.
   * @throws Error where it ends before
   */
  async standStill(words: readonly string[], point: KillPoint, use: () => void): Promise<void> {
    const child = spawn(REFOLD, this.#wordsOf(words), {
      stdio: "ignore",
      env: { ...process.env, ...this.#environment(point), STOP: "1" },
    });
    const ended = once(child, "exit");
    try {
      while (stateOf(child.pid) !== "T") {
        if (child.exitCode !== null) throw new Error("it was over before it came to stand still");
        await sleep(2);
      }
      use();
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
  }

  /** Of the newest run. */
  left(): Left {
    const { uuid } = this.#volume;
    using journal = Journal.open(this.#volume.beside("db"), uuid, (message) => {
      throw new Error(message);
    });
    const [newest] = journal.history(uuid);
    return {
      open: newest?.state === "interrupted" && newest.finishedAt === null,
      rewrites: journal.openRewrites().length,
    };
  }
}

/** "T" for a process that is stopped; "" where there is none. */
function stateOf(pid: number | undefined): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  } catch {
    return "";
  }
}

/**
 * Inodes and subvolumes without a name that wait for a mount to be removed, by
 * what is on the disk of a filesystem that is not mounted.
 */
export function orphansOnDisk(device: string): string[] {
  const items = exec("btrfs", ["inspect-internal", "dump-tree", "--noscan", device]);
  return items.split("\n").filter((line) => line.includes("ORPHAN_ITEM"));
}

/** What a run that was killed may have left immutable aside. */
export function withoutFlags(state: TreeState): TreeState {
  return new Map(
    [...state].map(([path, one]) => [path, new Map([...one].filter(([name]) => name !== "flags"))]),
  );
}
