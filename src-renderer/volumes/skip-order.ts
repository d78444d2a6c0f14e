import type { SkipReason } from "../../src-helper/engine/contract.ts";

export type SkipCounts = Readonly<Partial<Record<SkipReason, number>>>;

const ALL: Readonly<Record<SkipReason, true>> = {
  "in-use": true,
  changed: true,
  differs: true,
  immutable: true,
  nocow: true,
  "swap-file": true,
  "read-only": true,
  "no-space": true,
  "io-error": true,
  "not-permitted": true,
  "send-running": true,
  "ruled-out": true,
  cancelled: true,
  other: true,
};
/** Every reason, the usual ones first. The record above does not compile when one is missing. */
export const SKIP_ORDER = Object.keys(ALL) as readonly SkipReason[];

/** Files skipped for any reason. */
export function countSkipped(counts: SkipCounts): number {
  return SKIP_ORDER.reduce((sum, reason) => sum + (counts[reason] ?? 0), 0);
}
