import type { FoldPlan } from "../../dedupe/types.ts";
import type { DeepOptions, Pinned, PinnedRanges, RunContext, Selection } from "../contract.ts";
import { gainOfSnapshots, rangesHeld, whoPinsOf } from "../pinned.ts";
import { planRanges } from "../ranges.ts";
import { metadataPrice } from "../snapshot-price.ts";
import type { GroupColumns } from "./columns.ts";
import type { Loaded } from "./loading.ts";
import { Planner } from "./planner.ts";
import { scanContextOf } from "../scan-context.ts";
import type { ReviewSource } from "./source.ts";

/** Who keeps what a fold of the ticked lets go of in part, and what it would be to fold in snapshots too. */
export interface ReviewPinned extends Pinned {
  /**
   * Bytes of metadata at most: where copies in snapshots are to be folded, of what is ticked; else of
   * everything, as foldedBytes is.
   */
  readonly metadataBytes: number;
}

/**
 * Works it out beside the review, on an index and a volume opened for it.
 * @param selection everything that the review may fold
 * @param gone addresses of extents that ranges free
 * @throws RefoldError "cancelled"; StaleReviewError
 */
export function reviewPinned(
  source: ReviewSource,
  groups: GroupColumns,
  { files }: Pick<Loaded, "files">,
  selection: Selection,
  gone: ReadonlySet<number>,
  ctx: RunContext,
): Promise<ReviewPinned> {
  const ticked = Uint8Array.from(files.ticked, (value, row) =>
    value === 1 && files.excluded[row] === 0 ? 1 : 0,
  );
  return source.withState(async (state) => {
    const planner = new Planner(groups, files, state.store, state.handle.sectorSize, selection.snapshots);
    function* plans(): Generator<FoldPlan> {
      for (let group = 0; group < groups.count; group++) {
        yield* planner.withExtents(planner.plan(group, (row) => ticked[row] === 1));
      }
    }
    const sums = await whoPinsOf(state, plans, gone, ctx);
    const foldedBytes = Math.max(0, await gainOfSnapshots(state, selection, ctx));
    const priced = selection.snapshots ? plans() : state.plans({ ...selection, snapshots: true });
    return { ...sums, foldedBytes, metadataBytes: await metadataPrice(state, priced, ctx) };
  });
}

/** What read-only snapshots keep in parts of files. */
export interface ReviewPinnedRanges extends PinnedRanges {
  /** What parts of files would give back more if ranges of snapshots were moved, too: bytes, negative where less. */
  readonly foldedBytes: number;
}

/**
 * Searches for ranges twice, as if everything that the review may fold were folded: without snapshots and with them.
 * @param selection everything that the review may fold; without snapshots
 * @throws RefoldError "cancelled"; StaleReviewError
 */
export function reviewPinnedRanges(
  source: ReviewSource,
  selection: Selection,
  deep: DeepOptions,
  ctx: RunContext,
): Promise<ReviewPinnedRanges> {
  return source.withState(async (state) => {
    const context = scanContextOf(state.handle, ctx);
    const planned = (of: Selection) => planRanges(state, of, deep, state.plans(of), context);
    const without = await planned(selection);
    const folded = await planned({ ...selection, snapshots: true });
    const foldedBytes = folded.predictedBytes - without.predictedBytes;
    return { ...rangesHeld(state, { without, folded }), foldedBytes };
  });
}
