import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { ErrorData, Mode } from "../../src-helper/rpc/protocol.ts";

export type { Mode };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A helper that was started; it may still be waiting for a password. */
export interface HelperProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process is gone and its output was read, or when it could not be started. */
  readonly exited: Promise<Exit | Error>;
  /** Asks it to end by SIGTERM, which it answers as the end of its input; not where it is another user's. */
  terminate(): void;
}

/** One way to start the helper. */
export interface Elevator {
  /** For the log. */
  readonly road: string;
  /** A person may be asked for a password first: nobody may be hurried. */
  readonly asks: boolean;
  /** @throws AppError where this road does not lead anywhere */
  start(mode: Mode): Promise<HelperProcess>;
  /**
   * What an end before the first answer means; null: nothing special. "dismissed": the person said no.
   * @param said the last lines on its standard error
   */
  explain(exit: Exit, said: readonly string[]): ErrorData | "dismissed" | null;
}

/** Program and arguments that start the helper's server. */
export interface HelperCommand {
  /** Absolute path of bin/refold. */
  readonly program: string;
  /** Directory of the databases; null for the helper's own choice. */
  readonly database: string | null;
  /** The file of rules; absent for the machine's own. */
  readonly rules?: string | undefined;
}

/** The words after the program's name. */
export function helperArguments(command: HelperCommand): string[] {
  const { database, rules } = command;
  return [
    "rpc",
    ...(database === null ? [] : ["--db", database]),
    ...(rules === undefined ? [] : ["--rules", rules]),
  ];
}

/** Starts a program with pipes; in a session of its own, so that Ctrl+C in a terminal reaches only the app. */
export function spawnHelper(program: string, args: readonly string[], env: NodeJS.ProcessEnv): HelperProcess {
  const child: ChildProcess = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true, env });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("the helper has no pipes");
  // a helper that died is told of by `exited`; the write that came too late must not end the app
  stdin.on("error", () => undefined);
  const exited = new Promise<Exit | Error>((resolve) => {
    child.on("error", resolve);
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  return {
    stdin,
    stdout,
    stderr,
    exited,
    terminate: () => {
      try {
        // not child.kill: of a process that became root's it makes an error event
        if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, "SIGTERM");
      } catch {
        // root's: the end of its input tells it the same
      }
    },
  };
}
