import { breathe, throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore } from "../store/index-store.ts";
import { chooseVictims } from "./choose.ts";
import type { Placed } from "./index-files.ts";
import { planMoves } from "./moves.ts";
import { findRuns } from "./runs.ts";
import { buildSpace, type IsMovable, type IsSource, type Space } from "./space.ts";
import type { DeepOptions } from "../engine/contract.ts";
import type { DeepPlan, Victim } from "./types.ts";

export interface DeepSource {
  /** csumType: BTRFS_CSUM_TYPE_*. */
  readonly context: ScanContext & { readonly csumType: number };
  readonly store: IndexStore;
  /** Where files will lie after whole files are folded. */
  readonly placed: Placed;
  readonly isMovable: IsMovable;
  /** Files for which it says no are neither changed nor shared with, nor locked; absent: any may be shared with. */
  readonly isSource?: IsSource;
  readonly readOnlySubvolumes: ReadonlySet<number>;
}

/**
 * Finds ranges that occur more than once and plans which extents go. The index
 * is to be fresh: what it does not know of an extent keeps that extent.
 *
 * @throws RefoldError "cancelled", NativeError
 */
export async function planDeep(source: DeepSource, settings: DeepOptions): Promise<DeepPlan> {
  const { context, store, placed, isMovable, isSource = () => true, readOnlySubvolumes } = source;
  const found = await findRuns(context, store, placed, settings);
  const space = await buildSpace(
    store,
    context.sectorSize,
    placed,
    found,
    { isMovable, isSource },
    readOnlySubvolumes,
    () => {
      throwIfCancelled(context.run);
    },
  );
  const victims = await planVictims(space, settings, () => breathe(context));
  const rewrittenBytes = sumOf(victims, "rewrittenBytes");
  return {
    files: space.files,
    victims,
    predictedBytes: sumOf(victims, "diskBytes") - rewrittenBytes,
    rewrittenBytes,
    sample: found.sample,
  };
}

function sumOf(victims: readonly Victim[], field: "diskBytes" | "rewrittenBytes"): number {
  return victims.reduce((total, victim) => total + victim[field], 0);
}

/** Extents are chosen by shares of blocks; a plan counts whole ones, and may so come out a little dearer. */
async function planVictims(
  space: Space,
  { maxRewrite }: DeepOptions,
  breathe: () => Promise<void>,
): Promise<Victim[]> {
  for (let allowed = maxRewrite; ; allowed = allowed < maxRewrite / 2 ? 0 : allowed * 0.95) {
    const victims = planMoves(space, await chooseVictims(space, allowed, breathe));
    const written = sumOf(victims, "rewrittenBytes");
    if (allowed === 0 || written <= maxRewrite * sumOf(victims, "diskBytes")) return victims;
  }
}
