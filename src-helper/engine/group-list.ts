import { INODE } from "../btrfs/constants.ts";
import type { Member } from "../dedupe/types.ts";
import { contentsOfSize, groupId } from "../scan/groups.ts";
import { groupsOfContent, isUnfiltered, selectGroups } from "../scan/selection.ts";
import type { IndexStore } from "../store/index-store.ts";
import type { Group, GroupFile, Selection } from "./contract.ts";
import type { VolumeState } from "./volume-state.ts";

interface SavingRow {
  readonly size: number;
  readonly content: Buffer;
  readonly reclaimable: number;
}

/** Groups in memory at a time; who lists them mostly wants the first. */
const GROUPS_AT_ONCE = 1000;
const BY_SAVING = `
  SELECT size, content, reclaimable FROM grp WHERE size >= ?
  ORDER BY reclaimable DESC, size DESC, content LIMIT ${GROUPS_AT_ONCE} OFFSET ?`;

/** Groups of whole files of the last scan, the largest saving first; none where there was no scan. */
export function* groupsBySaving(state: VolumeState, selection: Selection): Generator<Group> {
  if (state.lastScan() === undefined) return;
  state.handle.forgetNames();
  const scope = state.selectionScope(selection);
  const { store } = state;
  if (isUnfiltered(scope)) {
    for (const { size, content, reclaimable } of pagesBySaving(store, selection.minSize)) {
      const [found] = contentsOfSize(store, size, scope.readOnlySubvolumes, false, content);
      if (found !== undefined)
        yield describe(state, groupId(size, content), size, reclaimable, found.members);
    }
    return;
  }
  // only ids and savings are kept for sorting; members are read again as they are shown
  const found: { id: string; size: number; content: Buffer; bytes: number }[] = [];
  const prediction = state.newPrediction();
  for (const { id, size, content, plans } of selectGroups(store, scope)) {
    found.push({ id, size, content, bytes: prediction.add(plans).bytes });
  }
  found.sort((a, b) => b.bytes - a.bytes || b.size - a.size);
  for (const one of found) {
    for (const group of groupsOfContent(store, scope, one)) {
      if (group.id === one.id) yield describe(state, one.id, one.size, one.bytes, group.members);
    }
  }
}

function* pagesBySaving(store: IndexStore, minSize: number): Generator<SavingRow> {
  for (let offset = 0; ; offset += GROUPS_AT_ONCE) {
    const rows = store.all<SavingRow>(BY_SAVING, minSize, offset);
    yield* rows;
    if (rows.length < GROUPS_AT_ONCE) return;
  }
}

function describe(
  { handle }: VolumeState,
  id: string,
  size: number,
  reclaimableBytes: number,
  members: readonly Member[],
): Group {
  const sharing = new Map<number, number>();
  for (const { layout } of members) sharing.set(layout, (sharing.get(layout) ?? 0) + 1);
  const files = members.map((member): GroupFile => {
    const { path, reachable } = handle.locate(member.subvolume, member.inode);
    return {
      subvolume: handle.subvolumePath(member.subvolume),
      subvolumeId: member.subvolume,
      path,
      reachable,
      inode: member.inode,
      generation: member.generation,
      readOnly: member.readOnly,
      // inline data is shared with nobody, though a snapshot may have the row in common
      shared: member.layout < 0 ? 1 : (sharing.get(member.layout) ?? 1),
    };
  });
  return { volume: handle.uuid, id, size, reclaimableBytes, files };
}

/** Bytes of sources that --defrag would write anew, though files outside their groups share their data. */
export function unsharedBytes(state: VolumeState, selection: Selection): number {
  let bytes = 0;
  for (const group of selectGroups(state.store, state.selectionScope(selection))) {
    for (const plan of group.plans) {
      if (plan.destinations.length === 0) continue;
      const sharing = group.members.filter((member) => member.layout === plan.source.layout);
      const moved = sharing.length - 1;
      if (moved > 0 && (plan.source.flags & INODE.immutable) === 0) bytes += plan.size;
    }
  }
  return bytes;
}
