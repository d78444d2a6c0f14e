import type { Pinned, PinnedRanges, PinningSnapshot } from "../engine/contract.ts";
import { bytesToJsonString } from "../text/path-text.ts";
import { displayPath } from "./terminal-text.ts";
import { formatBytes, plural } from "./units.ts";

/** How many snapshots are listed without --verbose. */
const LISTED = 10;

/** What read-only snapshots keep of that which a fold would free, and which ones. */
export function describePinned(pinned: Pinned, all: boolean): string[] {
  const { aloneBytes, sharedBytes, otherBytes, foldedBytes, snapshots, ranges } = pinned;
  const kept = aloneBytes + sharedBytes;
  const inRanges = ranges === undefined || ranges.bytes === 0 ? [] : describeRanges(ranges, all);
  const folded =
    foldedBytes === 0 ? [] : [`With --snapshots a fold gives back ${formatBytes(foldedBytes)} more.`];
  const other =
    otherBytes === 0
      ? []
      : [
          `Files that are not folded keep ${formatBytes(otherBytes)} more: they use a part of the same extents.`,
        ];
  if (kept === 0) return [...inRanges, ...folded, ...other];
  return [
    `${keepers(snapshots.length)} ${formatBytes(kept)} more from being given back:`,
    ...describeHolders(snapshots, all),
    ...wayOut(pinned, kept, snapshots.length),
    ...inRanges,
    ...folded,
    ...other,
  ];
}

function describeRanges({ bytes, snapshots }: PinnedRanges, all: boolean): string[] {
  return [
    `${keepers(snapshots.length)} ${formatBytes(bytes)} in parts of files from being given back:`,
    ...describeHolders(snapshots, all),
  ];
}

function keepers(snapshots: number): string {
  return `${plural(snapshots, "read-only snapshot")} ${snapshots === 1 ? "keeps" : "keep"}`;
}

function describeHolders(snapshots: readonly PinningSnapshot[], all: boolean): string[] {
  const shown = all ? snapshots : snapshots.slice(0, LISTED);
  const width = Math.max(...shown.map(({ bytes }) => formatBytes(bytes).length));
  return [
    ...shown.map(({ path, bytes, aloneBytes: alone }) => {
      const share = snapshots.length === 1 ? "" : `, ${formatBytes(alone)} of it alone`;
      return `  ${formatBytes(bytes).padStart(width)} held by ${displayPath(path)}${share}`;
    }),
    ...(shown.length < snapshots.length ? [`  and ${String(snapshots.length - shown.length)} more`] : []),
  ];
}

function wayOut({ sharedBytes }: Pinned, kept: number, snapshots: number): string[] {
  if (snapshots === 1) return [`After a fold ${formatBytes(kept)} come back when it is deleted.`];
  const all = `After a fold ${formatBytes(kept)} come back when all of them are deleted`;
  if (sharedBytes === 0) return [`${all}, of each what it holds.`];
  return [
    `${all}; ${formatBytes(sharedBytes)} of that only when the last of several goes that hold it together.`,
  ];
}

export function pinnedJson(pinned: Pinned): Record<string, unknown> {
  const { ranges, snapshots, ...sums } = pinned;
  return {
    ...sums,
    snapshots: holdersJson(snapshots),
    ...(ranges === undefined
      ? {}
      : { ranges: { bytes: ranges.bytes, snapshots: holdersJson(ranges.snapshots) } }),
  };
}

function holdersJson(snapshots: readonly PinningSnapshot[]): Record<string, unknown>[] {
  return snapshots.map(({ path, ...sums }) => ({ path: bytesToJsonString(path), ...sums }));
}
