import { availableParallelism, loadavg } from "node:os";

/** Above it somebody waits for the machine. */
const IDLE_SHARE = 0.5;

/**
 * Whether the machine has hardly anything to do: over the last minute fewer
 * than half of its processors had work, or a wait for a disk (loadavg(5)).
 */
export function isMachineIdle(load = loadavg()[0] ?? 0, processors = availableParallelism()): boolean {
  return load < IDLE_SHARE * processors;
}
