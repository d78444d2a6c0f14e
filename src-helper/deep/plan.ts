import { throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore } from "../store/index-store.ts";
import { chooseVictims } from "./choose.ts";
import type { Placed } from "./index-files.ts";
import { planMoves } from "./moves.ts";
import { findRuns } from "./runs.ts";
import { buildSpace, type IsMovable, type IsSource } from "./space.ts";
import type { DeepOptions } from "../engine/contract.ts";
import type { DeepPlan } from "./types.ts";

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
  const victims = planMoves(space, chooseVictims(space, settings));
  const sum = (field: "diskBytes" | "rewrittenBytes"): number =>
    victims.reduce((total, victim) => total + victim[field], 0);
  return {
    files: space.files,
    victims,
    predictedBytes: sum("diskBytes") - sum("rewrittenBytes"),
    rewrittenBytes: sum("rewrittenBytes"),
    sample: found.sample,
  };
}
