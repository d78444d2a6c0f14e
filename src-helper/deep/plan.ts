import { breathe, throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore } from "../store/index-store.ts";
import { chooseVictims } from "./choose.ts";
import type { Placed } from "./index-files.ts";
import { planMoves } from "./moves.ts";
import { findRuns } from "./runs.ts";
import { Places } from "./places.ts";
import type { ReadExtents } from "./read-extents.ts";
import { buildSpaces } from "./build-space.ts";
import type { IsMovable, IsSource, Space } from "./space.ts";
import type { DeepOptions } from "../engine/contract.ts";
import { Turns } from "./turns.ts";
import type { DeepPlan } from "./types.ts";
import { Victims } from "./victims.ts";

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
  /** true: nothing is shared between subvolumes. */
  readonly apart: boolean;
  /** What was read of compressed data and of files without checksums, where that is asked for. */
  readonly read: ReadExtents;
  /** Of the filesystem, now. */
  readonly generation: number;
}

/**
 * Finds ranges that occur more than once and plans which extents go. The index
 * is to be fresh: what it does not know of an extent keeps that extent.
 *
 * @throws RefoldError "cancelled", NativeError
 */
export async function planDeep(source: DeepSource, settings: DeepOptions): Promise<DeepPlan> {
  const { context, store, placed, isSource = () => true, read } = source;
  const places = new Places(context.sectorSize, settings.read === true ? read : null);
  await places.read?.update(context, store, placed, source.generation);
  const turns = new Turns(() => breathe(context));
  const check = (): void => {
    throwIfCancelled(context.run);
  };
  // the runs are not needed any more when the spaces are there
  const { spaces, sample } = await findRuns(context, store, placed, places, settings, turns).then(
    async (found) => ({
      spaces: await buildSpaces({ ...source, isSource, places }, found, check, turns),
      sample: found.sample,
    }),
  );
  const victims = await planAll(spaces, settings, turns);
  return {
    files: spaces[0]?.files ?? [],
    victims,
    predictedBytes: victims.diskBytes - victims.rewrittenBytes,
    rewrittenBytes: victims.rewrittenBytes,
    sample,
  };
}

async function planAll(spaces: readonly Space[], settings: DeepOptions, turns: Turns): Promise<Victims> {
  const [only] = spaces;
  if (only !== undefined && spaces.length === 1) return planVictims(only, settings, turns);
  const all = new Victims();
  for (const space of spaces) {
    const { bundles } = all;
    for (const victim of await planVictims(space, settings, turns)) {
      all.add({ ...victim, bundle: bundles + victim.bundle });
      if (turns.over) await turns.next();
    }
  }
  return all;
}

/** Extents are chosen by shares of blocks; a plan counts whole ones, and may so come out a little dearer. */
async function planVictims(space: Space, { maxRewrite }: DeepOptions, turns: Turns): Promise<Victims> {
  for (let allowed = maxRewrite; ; allowed = allowed < maxRewrite / 2 ? 0 : allowed * 0.95) {
    const victims = await planMoves(space, await chooseVictims(space, allowed, turns), turns);
    if (allowed === 0 || victims.rewrittenBytes <= maxRewrite * victims.diskBytes) return victims;
  }
}
