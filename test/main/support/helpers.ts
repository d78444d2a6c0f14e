/** Roads to helpers that tests write, and a log that can be read. */
import { join } from "node:path";
import type { Log } from "../../../src-main/app/log.ts";
import { spawnHelper, type Elevator } from "../../../src-main/helper/elevator.ts";

const SCRIPTED = join(import.meta.dirname, "scripted-helper.mjs");

/** Starts scripted-helper.mjs with a scenario; the last of the list for every start after. */
export function scripted(...scenarios: readonly string[]): Elevator & { readonly starts: () => number } {
  let starts = 0;
  return {
    road: "scripted",
    asks: false,
    start: () => {
      const scenario = scenarios[Math.min(starts, scenarios.length - 1)] ?? "good";
      starts += 1;
      return Promise.resolve(spawnHelper(process.execPath, [SCRIPTED, scenario], process.env));
    },
    explain: () => null,
    starts: () => starts,
  };
}

export interface MemoryLog extends Log {
  /** "warn: text", in order. */
  readonly lines: readonly string[];
}

/** A log in memory. */
export function memoryLog(): MemoryLog {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return { lines, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** Waits until a condition holds. Rejects by the test's own time limit, which names the test. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
