/** How long a fold will take, judged by the last one on the same volume. */
import type { HistoryRunInfo } from "../../../src-helper/rpc/protocol.ts";

const TOO_SHORT_MS = 1000; // start-up and syncs outweigh the work

/**
 * @param bytes - that the fold at hand promises
 * @returns milliseconds, rounded as a guess is; null where no run can be judged by
 */
export function estimateMs(runs: readonly HistoryRunInfo[], bytes: number): number | null {
  let best: { at: number; perByte: number } | null = null;
  for (const run of runs) {
    if (run.state !== "done" || run.finishedAt === null || run.predictedBytes <= 0) continue;
    const elapsed = run.finishedAt - run.startedAt;
    if (elapsed < TOO_SHORT_MS) continue;
    if (best === null || run.startedAt > best.at) {
      best = { at: run.startedAt, perByte: elapsed / run.predictedBytes };
    }
  }
  return best === null || bytes <= 0 ? null : rough(best.perByte * bytes);
}

/** It is a guess, and should look like one: minutes, below two of them tens of seconds, below twenty seconds as it is. */
function rough(ms: number): number {
  const step = ms >= 120_000 ? 60_000 : ms >= 20_000 ? 10_000 : 1;
  return Math.round(ms / step) * step;
}
