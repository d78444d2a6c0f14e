import { OBSERVED_MEMORY, type Deep, type VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { Settings } from "../settings/schema.ts";

type RangeSettings = Pick<Settings, "ranges" | "rangesMemory" | "rangesRewrite" | "rangesRead">;

/** How parts of files are looked for: an empty object where they are not. */
export function deepOf(settings: RangeSettings): { readonly deep?: Deep } {
  if (!settings.ranges) return {};
  const { rangesMemory: memory, rangesRewrite, rangesRead } = settings;
  return { deep: { memory, maxRewrite: rangesRewrite / 100, ...(rangesRead ? { read: true } : {}) } };
}

/** The same, with no more memory than a helper takes that only observes, and without reading. */
export function observedDeepOf({ deep }: { readonly deep?: Deep | undefined }): { readonly deep?: Deep } {
  if (deep === undefined) return {};
  const { memory, maxRewrite } = deep;
  return { deep: { memory: Math.min(memory, OBSERVED_MEMORY), maxRewrite } };
}

/**
 * Whether a scan that nobody asked for should look for parts of files: they are wanted, and what is known of them is
 * older than the last changes. Never where that would read data.
 */
export function arePartsOutdated(
  volume: VolumeInfo | null,
  { ranges, rangesRead }: Pick<Settings, "ranges" | "rangesRead">,
): boolean {
  if (!ranges || rangesRead || volume === null || volume.lastScan === null) return false;
  const { ranges: known } = volume.lastScan;
  return known?.current !== true || known.read === true;
}

/** Volumes as they are shown: what parts of files give back counts only for who looks for them. */
export function shownVolumes(
  volumes: readonly VolumeInfo[],
  { ranges }: Pick<Settings, "ranges">,
): readonly VolumeInfo[] {
  if (ranges) return volumes;
  return volumes.map((volume) => {
    if (volume.lastScan?.ranges === undefined) return volume;
    const lastScan = { ...volume.lastScan };
    delete lastScan.ranges;
    return { ...volume, lastScan };
  });
}
