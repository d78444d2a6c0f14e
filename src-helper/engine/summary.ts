import { statfsSync } from "node:fs";
import type { ScanTotals, VolumeSummary } from "./contract.ts";
import { RefoldError } from "./errors.ts";
import type { SelectionTotals, VolumeState } from "./volume-state.ts";
import type { DiscoveredVolume } from "../volumes/discover.ts";

/** Bytes; files below are not compared unless asked for. */
export const DEFAULT_MIN_SIZE = 4096;

/**
 * What can be told of a filesystem without reading its trees.
 * @param place any file of it
 */
export function summarize(found: DiscoveredVolume, place: string | Buffer = found.mountPath): VolumeSummary {
  const { bsize, blocks, bfree, bavail } = statfsSync(place);
  return {
    uuid: found.info.uuid,
    label: found.label,
    devices: found.devices,
    mounts: found.mounts.map((mount) => ({
      path: mount.path.toString(),
      root: mount.root.toString(),
      readOnly: mount.readOnly,
    })),
    mountPath: found.mountPath.toString(),
    readOnly: found.readOnly,
    generation: found.info.generation,
    checksum: found.info.checksum,
    totalBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    freeBytes: bavail * bsize,
    subvolumes: null,
    lastScan: null,
    lastScanAt: null,
  };
}

/** The same, with what its trees and the last scan say. */
export function summarizeOpen(state: VolumeState, warn: (message: string) => void): VolumeSummary {
  const { handle } = state;
  const last = state.lastScan();
  const scanned = new Map(
    last === undefined ? [] : state.store.subvolumes().map((row) => [row.id, row.generation]),
  );
  const byUuid = new Map(handle.subvolumes.map((subvolume) => [subvolume.uuid, subvolume.id]));
  return {
    ...summarize(handle.found, `/proc/self/fd/${handle.dir}`),
    subvolumes: handle.subvolumes.map((subvolume) => ({
      id: subvolume.id,
      path: handle.subvolumePath(subvolume.id),
      readOnly: subvolume.readOnly,
      snapshotOf: subvolume.parentUuid === null ? null : (byUuid.get(subvolume.parentUuid) ?? null),
      generation: subvolume.generation,
      scannedGeneration: scanned.get(subvolume.id) ?? null,
    })),
    lastScan: last === undefined ? null : totalsOfLastScan(state, warn),
    lastScanAt: last?.finishedAt ?? null,
  };
}

/** null where there are none, or the rules are refused: what else is known of the volume can be told still. */
function totalsOfLastScan(state: VolumeState, warn: (message: string) => void): ScanTotals | null {
  const last = state.lastScan();
  if (last === undefined) return null;
  let totals: SelectionTotals;
  try {
    totals = state.totals({
      minSize: last.minSize,
      exclude: [],
      pathGlob: null,
      crossVolume: true,
      snapshots: false,
    });
  } catch (error) {
    if (!(error instanceof RefoldError)) throw error;
    warn(error.message);
    return null;
  }
  return {
    uuid: state.handle.uuid,
    label: state.handle.found.label,
    mountPath: state.handle.found.mountPath.toString(),
    generation: last.generation,
    incremental: last.incremental,
    files: last.files,
    bytes: last.bytes,
    groups: totals.groups,
    duplicateFiles: totals.duplicateFiles,
    reclaimableBytes: totals.reclaimableBytes,
    bytesRead: last.bytesRead,
    elapsedMs: last.elapsedMs,
  };
}
