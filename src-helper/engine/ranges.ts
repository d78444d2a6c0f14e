import { INODE } from "../btrfs/constants.ts";
import { rangeGroupsOf } from "../deep/groups.ts";
import type { SubvolumeInode } from "../deep/index-files.ts";
import { PlacedFiles } from "../deep/placed.ts";
import { planDeep } from "../deep/plan.ts";
import type { DeepPlan } from "../deep/types.ts";
import type { FoldPlan } from "../dedupe/types.ts";
import type { FileIdentity } from "../journal/store.ts";
import type { ScanContext } from "../scan/scan-context.ts";
import { pathMatcher } from "../scan/selection.ts";
import type { DeepOptions, DeepTotals, Group, GroupFile, Selection } from "./contract.ts";
import { eachPlan } from "./each-plan.ts";
import type { VolumeState } from "./volume-state.ts";

/** BTRFS_CSUM_TYPE_*, by the names of the contract. */
const CSUM_TYPES = { crc32c: 0, xxhash64: 1, sha256: 2, blake2b: 3 } as const;

/**
 * Plans the fold of ranges, as of the last scan.
 * @param plans whole files that are folded before
 * @param isSource says no of files that are not to be touched at all, nor shared with
 * @throws RefoldError "cancelled"
 */
export async function planRanges(
  state: VolumeState,
  selection: Selection,
  options: DeepOptions,
  plans: Iterable<FoldPlan>,
  context: ScanContext,
  isSource: (file: FileIdentity) => boolean = () => true,
): Promise<DeepPlan> {
  state.handle.forgetNames();
  const { handle } = state;
  const allows = state.allows(selection);
  const excluded = selection.exclude.length === 0 ? null : pathMatcher(selection.exclude);
  const placed = new PlacedFiles();
  await eachPlan(plans, context.run, (plan) => {
    placed.add(plan);
  });
  return planDeep(
    {
      context: { ...context, csumType: CSUM_TYPES[state.handle.found.info.checksum] },
      store: state.store,
      placed,
      isMovable: movableBy(state, selection),
      // what is left alone is neither changed nor shared with, and what it refers to stays
      isSource: ({ subvol, ino, gen }) =>
        (allows === null || allows({ subvolume: subvol, inode: ino })) &&
        (excluded === null || !excluded(handle.pathOf(subvol, ino).toString())) &&
        isSource({ subvolume: subvol, inode: ino, generation: gen }),
      readOnlySubvolumes: state.readOnlySubvolumes(),
      apart: !selection.crossVolume,
      read: state.readExtents,
      generation: state.handle.generation(),
    },
    options,
  );
}

/** What of a selection a fold of ranges may change; all that is not left out can be shared with. */
function movableBy(state: VolumeState, selection: Selection): (row: SubvolumeInode) => boolean {
  const { handle } = state;
  const scope = state.scope === null ? null : new Set(state.scope);
  const readOnly = state.readOnlySubvolumes();
  const wanted = selection.pathGlob === null ? null : pathMatcher([selection.pathGlob]);
  return ({ subvol, ino, size, flags }) => {
    if ((flags & (INODE.immutable | INODE.append)) !== 0 || size < selection.minSize) return false;
    if (scope !== null && !scope.has(subvol)) return false;
    if (readOnly.has(subvol) && !selection.snapshots) return false;
    return wanted === null || wanted(handle.pathOf(subvol, ino).toString());
  };
}

export function totalsOfRanges(plan: DeepPlan): DeepTotals {
  const changed = new Uint8Array(plan.files.length);
  for (const { moves, rewrites } of plan.victims) {
    for (const { to } of moves) changed[to.file] = 1;
    for (const { to } of rewrites) changed[to.file] = 1;
  }
  return {
    extents: plan.victims.length,
    files: changed.reduce((sum, one) => sum + one, 0),
    reclaimableBytes: plan.predictedBytes,
    rewrittenBytes: plan.rewrittenBytes,
    sample: plan.sample,
  };
}

/** The ranges of a plan as groups, largest saving first. */
export function groupsOfRanges(state: VolumeState, plan: DeepPlan): Group[] {
  const { handle } = state;
  return rangeGroupsOf(plan).map(({ length, saving, ranges }): Group => {
    const files = ranges.flatMap(({ file, fileOffset }): GroupFile[] => {
      const found = plan.files.at(file);
      if (found === undefined) return [];
      const { subvolume, inode, generation, readOnly } = found;
      return [
        {
          subvolume: handle.subvolumePath(subvolume),
          subvolumeId: subvolume,
          ...handle.locate(subvolume, inode),
          inode,
          generation,
          readOnly,
          shared: 1,
          offset: fileOffset,
        },
      ];
    });
    const [first] = files;
    const id = `range-${first?.subvolumeId ?? 0}-${first?.inode ?? 0}-${first?.offset ?? 0}-${length}`;
    return { kind: "range", volume: handle.uuid, id, size: length, reclaimableBytes: saving, files };
  });
}
