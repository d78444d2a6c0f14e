/** Drives the command line as a person would: a process, its output and its exit code. */
import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** The program under test: REFOLD_PROGRAM, or the one built here. */
export const REFOLD = process.env["REFOLD_PROGRAM"] ?? join(ROOT, "bin", "refold");

export interface RunOptions {
  /** The process is killed, and the run rejected, after so long. Default 120,000. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Sends `killSignal` (default SIGKILL) so long after the start. */
  readonly killAfterMs?: number;
  readonly killSignal?: NodeJS.Signals;
  /** Run as another user. */
  readonly uid?: number;
  readonly gid?: number;
  /** Called with the child as soon as it is there. */
  readonly onStart?: (child: ChildProcess) => void;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Decoded as UTF-8; stdoutBytes has the bytes as they came. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
  readonly elapsedMs: number;
  /** stdout as one JSON document. @throws Error with all output where it is none */
  json(): unknown;
  /** stdout as one JSON document a line. */
  jsonLines(): unknown[];
  /** This result. @throws Error with all output where the exit code is not among those given */
  expectCode(...codes: number[]): this;
}

function describe(
  args: readonly string[],
  result: Omit<RunResult, "json" | "jsonLines" | "expectCode">,
): string {
  const how = result.signal ?? `exit code ${String(result.code)}`;
  return `refold ${args.join(" ")}: ${how}\n--- stdout\n${result.stdout.slice(0, 4000)}\n--- stderr\n${result.stderr.slice(0, 4000)}`;
}

function toResult(
  args: readonly string[],
  base: Omit<RunResult, "json" | "jsonLines" | "expectCode">,
): RunResult {
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`not JSON: ${describe(args, base)}`, { cause: error });
    }
  };
  return {
    ...base,
    json: () => parse(base.stdout),
    jsonLines: () =>
      base.stdout
        .split("\n")
        .filter((line) => line !== "")
        .map(parse),
    expectCode(...codes: number[]) {
      if (base.code === null || !codes.includes(base.code)) {
        throw new Error(`expected exit code ${codes.join(" or ")}: ${describe(args, base)}`);
      }
      return this;
    },
  };
}

/** Runs bin/refold with the given words. Rejects only when it cannot be started or takes too long. */
export function refold(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return runProgram(REFOLD, args, options);
}

/** The same for any program, e.g. strace around refold. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timeout = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs ?? 120_000);
    const killer =
      options.killAfterMs === undefined
        ? undefined
        : setTimeout(() => child.kill(options.killSignal ?? "SIGKILL"), options.killAfterMs);
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A program that ends without reading its input is no failure of the test.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    child.on("error", (error) => {
      clearTimeout(timeout);
      clearTimeout(killer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timeout);
      clearTimeout(killer);
      const stdoutBytes = Buffer.concat(stdout);
      const base = {
        code,
        signal,
        stdout: stdoutBytes.toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
        stdoutBytes,
        elapsedMs: Date.now() - started,
      };
      if (timedOut)
        reject(
          new Error(`took longer than ${String(options.timeoutMs ?? 120_000)} ms: ${describe(args, base)}`),
        );
      else resolve(toResult(args, base));
    });
    options.onStart?.(child);
  });
}
