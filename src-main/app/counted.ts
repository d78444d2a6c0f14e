import { isDeepStrictEqual } from "node:util";
import { OBSERVED_SCAN, type Counted, type VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { Settings } from "../settings/schema.ts";
import { deepOf } from "./ranges.ts";

/** What the figure of a volume is to count: what its review would offer. */
export function countedOf(settings: Settings): Counted {
  const { minSize, exclude, snapshots } = settings;
  return { minSize, exclude: [...exclude], snapshots, ...deepOf(settings) };
}

/** Whether the settings ask for what a helper that only observes may not count: it takes no globs and no sizes. */
export function isBeyondObserving({ minSize, exclude }: Settings): boolean {
  return minSize !== OBSERVED_SCAN.minSize || exclude.length > 0;
}

/** Volumes as they are told by a helper that was asked with less than the settings say. */
export function withoutSelection(volumes: readonly VolumeInfo[]): readonly VolumeInfo[] {
  return volumes.map((volume) =>
    volume.lastScan === null ? volume : { ...volume, lastScan: { ...volume.lastScan, asSelected: false } },
  );
}

/** Whether two settings count the same. */
export function countsSame(a: Settings, b: Settings): boolean {
  return isDeepStrictEqual(countedOf(a), countedOf(b));
}
