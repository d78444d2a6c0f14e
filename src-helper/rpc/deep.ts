import { DEEP_DEFAULTS, type DeepOptions, type DeepTotals } from "../engine/contract.ts";
import type { Deep, ScanTotalsInfo } from "./protocol.ts";

/** What a client asks for, and what it cannot choose. */
export function deepOptions({ memory, maxRewrite, read = false }: Deep): DeepOptions {
  return { ...DEEP_DEFAULTS, memory, maxRewrite, ...(read ? { read } : {}) };
}

/** What a client is told of a search. */
export function deepTotals(totals: DeepTotals): NonNullable<ScanTotalsInfo["deep"]> {
  const { extents, files, reclaimableBytes, rewrittenBytes } = totals;
  return { extents, files, reclaimableBytes, rewrittenBytes };
}
