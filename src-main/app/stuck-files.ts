import type { StuckFileInfo, VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { AppState } from "../ipc/state.ts";

type Counts = AppState["stuck"];

/** Counts of one volume's stuck files. */
export function countStuck(files: readonly StuckFileInfo[]): { ours: number; unknown: number } {
  const ours = files.filter((file) => file.origin === "refold").length;
  return { ours, unknown: files.length - ours };
}

/** The counts with those of one volume set; a volume without stuck files is not in it. */
export function withCounts(counts: Counts, volume: string, found: { ours: number; unknown: number }): Counts {
  const others = Object.fromEntries(Object.entries(counts).filter(([uuid]) => uuid !== volume));
  return found.ours + found.unknown === 0 ? others : { ...others, [volume]: found };
}

/**
 * What a new list of volumes says of stuck files: the journal's open entries
 * are at most those files, so none open means none of ours is stuck.
 *
 * @param counted open entries at which each volume was counted last
 * @param busy whether a task works on the volume: its own locks are in the journal too
 * @returns the counts, and the volumes whose files should be listed
 */
export function stuckAfterList(
  counts: Counts,
  volumes: readonly VolumeInfo[],
  counted: ReadonlyMap<string, number>,
  busy: (volume: string) => boolean,
): { readonly counts: Counts; readonly list: readonly string[] } {
  let next: Counts = counts;
  const list: string[] = [];
  for (const { uuid, openIntents } of volumes) {
    if (openIntents === null || busy(uuid)) continue;
    if (openIntents === 0) {
      const known = counts[uuid];
      if (known !== undefined && known.ours > 0) next = withCounts(next, uuid, { ...known, ours: 0 });
    } else if (counted.get(uuid) !== openIntents) {
      list.push(uuid);
    }
  }
  return { counts: next, list };
}
