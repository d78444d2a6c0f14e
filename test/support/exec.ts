import { spawnSync } from "node:child_process";

/** Nothing that the tests run takes nearly so long: what does, waits for something that never comes. */
const TIMEOUT_MS = 90_000;

/**
 * Runs a program to its end and returns its standard output.
 * @throws Error with the program's own words when it fails, hangs or is missing
 */
export function exec(program: string, args: readonly string[], input?: string): string {
  const result = spawnSync(program, args, {
    encoding: "utf8",
    input,
    maxBuffer: 64 << 20,
    timeout: TIMEOUT_MS,
  });
  if (result.error !== undefined) throw new Error(`${program} ${args.join(" ")}: ${result.error.message}`);
  if (result.status !== 0) {
    const how = result.signal ?? `exit ${String(result.status)}`;
    throw new Error(`${program} ${args.join(" ")}: ${how}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}

/** Blocks this thread for so many milliseconds. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
