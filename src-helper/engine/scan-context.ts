import type { ScanContext } from "../scan/scan-context.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";
import type { RunContext } from "./contract.ts";

/** What scans and searches need, of a volume that was opened. */
export function scanContextOf(handle: VolumeHandle, run: RunContext): ScanContext {
  return {
    dir: handle.dir,
    sectorSize: handle.sectorSize,
    csumSize: handle.csumSize,
    uuid: handle.uuid,
    generation: () => handle.generation(),
    run,
    pathOf: (subvolume, inode) => handle.pathOf(subvolume, inode),
    bytesRead: 0,
  };
}
