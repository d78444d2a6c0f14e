import { releasesOf } from "../dedupe/predict.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import { AS_THEY_LIE, indexedFiles } from "../deep/index-files.ts";
import { throwIfCancelled } from "../scan/scan-context.ts";
import type { DeepPlan } from "../deep/types.ts";
import { addressesOf } from "../deep/victims.ts";
import type { Pinned, PinnedRanges, PinningSnapshot, RunContext, Selection } from "./contract.ts";
import { eachPlan } from "./each-plan.ts";
import type { VolumeState } from "./volume-state.ts";

/** Read-only snapshots that hold an extent; one object for each combination, however many extents have it. */
interface Holders {
  readonly snapshots: readonly number[];
  /** With one more: made once. */
  readonly more: Map<number, Holders>;
}

/** An extent that stays though a fold lets go of it in part. */
interface PinnedExtent {
  readonly diskBytes: number;
  holders: Holders;
  /** A file that is not in a read-only subvolume, and is not moved, holds a part of it. */
  other: boolean;
}

/** What ranges would give back without and with files in read-only snapshots, once whole files are folded so. */
export interface RangesBothWays {
  readonly without: DeepPlan;
  readonly folded: DeepPlan;
}

/**
 * Says who keeps what a fold of a selection lets go of in part.
 * @param ranges null: not asked about
 * @throws RefoldError "cancelled"
 */
export async function whoPins(
  state: VolumeState,
  selection: Selection,
  ranges: RangesBothWays | null,
  ctx: RunContext,
): Promise<Pinned> {
  const sums = await whoPinsOf(state, () => state.plans(selection), NOTHING, ctx);
  const gain = await gainOfSnapshots(state, selection, ctx);
  if (ranges === null) return { ...sums, foldedBytes: Math.max(0, gain) };
  const more = gain + ranges.folded.predictedBytes - ranges.without.predictedBytes;
  return { ...sums, foldedBytes: Math.max(0, more), ranges: rangesHeld(state, ranges) };
}

/**
 * Says who keeps what some plans let go of in part.
 * @param plans called twice
 * @param gone addresses of extents that go by other means
 * @throws RefoldError "cancelled"
 */
export async function whoPinsOf(
  state: VolumeState,
  plans: () => Iterable<FoldPlan>,
  gone: ReadonlySet<number>,
  ctx: RunContext,
): Promise<Omit<Pinned, "foldedBytes">> {
  const none: Holders = { snapshots: [], more: new Map() };
  const extents = new Map<number, PinnedExtent>();
  const prediction = state.newPrediction();
  await eachPlan(plans(), ctx, (plan) => prediction.add([plan]));
  for (const { bytenr, diskBytes } of prediction.pinned()) {
    if (!gone.has(bytenr)) extents.set(bytenr, { diskBytes, holders: none, other: false });
  }
  if (extents.size > 0) await findHolders(state, extents, await moved(state, plans(), extents, ctx), ctx);
  return sumsOf(state, extents.values());
}

const NOTHING: ReadonlySet<number> = new Set();

/**
 * How much more a fold of whole files would give back with Selection.snapshots than without: bytes, negative where less.
 * @throws RefoldError "cancelled"
 */
export async function gainOfSnapshots(
  state: VolumeState,
  selection: Selection,
  ctx: RunContext,
): Promise<number> {
  const freed = async (snapshots: boolean): Promise<number> => {
    const prediction = state.newPrediction();
    await eachPlan(state.plans({ ...selection, snapshots }), ctx, (plan) => prediction.add([plan]));
    return prediction.total();
  };
  return selection.snapshots ? 0 : (await freed(true)) - (await freed(false));
}

/** Victims that are ones only where ranges of read-only snapshots are moved, and the snapshots of those. */
export function rangesHeld(state: VolumeState, { without, folded }: RangesBothWays): PinnedRanges {
  const readOnly = state.readOnlySubvolumes();
  const free = addressesOf(without);
  const bySnapshot: SnapshotSums = new Map();
  let bytes = 0;
  for (const { bytenr, diskBytes, rewrittenBytes, moves, rewrites } of folded.victims) {
    if (free.has(bytenr)) continue;
    const holders = new Set<number>();
    for (const { to } of [...moves, ...rewrites]) {
      const subvolume = folded.files.at(to.file)?.subvolume ?? 0;
      if (readOnly.has(subvolume)) holders.add(subvolume);
    }
    if (holders.size === 0) continue;
    const saving = diskBytes - rewrittenBytes;
    bytes += saving;
    addTo(bySnapshot, holders, saving, holders.size === 1);
  }
  return { bytes, snapshots: listed(state, bySnapshot) };
}

/** Files that let go of such an extent, as "subvolume:inode": they lie where their sources lie then. */
async function moved(
  state: VolumeState,
  plans: Iterable<FoldPlan>,
  extents: ReadonlyMap<number, PinnedExtent>,
  ctx: RunContext,
): Promise<Set<string>> {
  const files = new Set<string>();
  await eachPlan(plans, ctx, (plan) => {
    const released = releasesOf([plan], state.handle.sectorSize);
    if (![...released.keys()].some((bytenr) => extents.has(bytenr))) return;
    for (const { subvolume, inode } of plan.destinations) files.add(`${subvolume}:${inode}`);
  });
  return files;
}

async function findHolders(
  state: VolumeState,
  extents: ReadonlyMap<number, PinnedExtent>,
  movedFiles: ReadonlySet<string>,
  ctx: RunContext,
): Promise<void> {
  const readOnly = state.readOnlySubvolumes();
  const check = (): void => {
    throwIfCancelled(ctx);
  };
  // a file that several subvolumes have comes once for each, with the same extents
  let blob: Buffer | null = null;
  let held: PinnedExtent[] = [];
  for await (const files of indexedFiles(state.store, state.handle.sectorSize, AS_THEY_LIE, check)) {
    for (const file of files) {
      const { subvol, ino } = file.row;
      if (file.row.extents !== blob) {
        blob = file.row.extents;
        const found = file.extents().map(({ bytenr }) => extents.get(bytenr));
        held = found.filter((extent) => extent !== undefined);
      }
      if (held.length === 0 || movedFiles.has(`${subvol}:${ino}`)) continue;
      for (const extent of held) {
        if (readOnly.has(subvol)) extent.holders = withOne(extent.holders, subvol);
        else extent.other = true;
      }
    }
  }
}

function withOne(holders: Holders, snapshot: number): Holders {
  if (holders.snapshots.includes(snapshot)) return holders;
  let more = holders.more.get(snapshot);
  if (more === undefined) {
    more = { snapshots: [...holders.snapshots, snapshot], more: new Map() };
    holders.more.set(snapshot, more);
  }
  return more;
}

function sumsOf(state: VolumeState, extents: Iterable<PinnedExtent>): Omit<Pinned, "foldedBytes"> {
  const sums = { aloneBytes: 0, sharedBytes: 0, otherBytes: 0 };
  const bySnapshot: SnapshotSums = new Map();
  for (const { diskBytes, holders, other } of extents) {
    const { snapshots } = holders;
    const alone = !other && snapshots.length === 1;
    if (other || snapshots.length === 0) sums.otherBytes += diskBytes;
    else if (alone) sums.aloneBytes += diskBytes;
    else sums.sharedBytes += diskBytes;
    addTo(bySnapshot, snapshots, diskBytes, alone);
  }
  return { ...sums, snapshots: listed(state, bySnapshot) };
}

/** By the snapshot's id. */
type SnapshotSums = Map<number, { bytes: number; aloneBytes: number }>;

function addTo(sums: SnapshotSums, snapshots: Iterable<number>, bytes: number, alone: boolean): void {
  for (const snapshot of snapshots) {
    const sum = sums.get(snapshot) ?? { bytes: 0, aloneBytes: 0 };
    sum.bytes += bytes;
    if (alone) sum.aloneBytes += bytes;
    sums.set(snapshot, sum);
  }
}

/** Largest first. */
function listed(state: VolumeState, sums: SnapshotSums): PinningSnapshot[] {
  return [...sums]
    .map(([id, sum]): PinningSnapshot => ({
      subvolumeId: id,
      path: state.handle.subvolumePath(id),
      ...sum,
    }))
    .sort((a, b) => b.bytes - a.bytes || b.aloneBytes - a.aloneBytes || a.subvolumeId - b.subvolumeId);
}
