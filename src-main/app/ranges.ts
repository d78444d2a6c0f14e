import { OBSERVED_MEMORY, type Deep, type VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { Settings } from "../settings/schema.ts";

type RangeSettings = Pick<Settings, "ranges" | "rangesMemory" | "rangesRewrite">;

/** How parts of files are looked for: an empty object where they are not. */
export function deepOf(settings: RangeSettings): { readonly deep?: Deep } {
  if (!settings.ranges) return {};
  return { deep: { memory: settings.rangesMemory, maxRewrite: settings.rangesRewrite / 100 } };
}

/** The same, with no more memory than a helper takes that only observes. */
export function observedDeepOf({ deep }: { readonly deep?: Deep | undefined }): { readonly deep?: Deep } {
  return deep === undefined ? {} : { deep: { ...deep, memory: Math.min(deep.memory, OBSERVED_MEMORY) } };
}

/** Volumes as they are shown: what parts of files give back counts only for who looks for them. */
export function shownVolumes(
  volumes: readonly VolumeInfo[],
  { ranges }: RangeSettings,
): readonly VolumeInfo[] {
  if (ranges) return volumes;
  return volumes.map((volume) => {
    if (volume.lastScan?.ranges === undefined) return volume;
    const lastScan = { ...volume.lastScan };
    delete lastScan.ranges;
    return { ...volume, lastScan };
  });
}
