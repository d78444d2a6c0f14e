import { NativeError, tryCall } from "../native/library.ts";
import { openDirectory } from "./open-directory.ts";
import { readDevices, readFsInfo, readLabel, type FsInfo } from "./fs-info.ts";
import { readMounts, type Mount } from "./mounts.ts";

/** A mounted btrfs filesystem, seen from outside. */
export interface DiscoveredVolume {
  readonly info: FsInfo;
  readonly label: string;
  readonly devices: readonly string[];
  readonly mounts: readonly Mount[];
  /** "major:minor" of the superblock. */
  readonly device: string;
  /** The mount it was named by, if any. */
  readonly namedMount: Buffer | null;
  /** A mount to show and to open it by: the one named, else a writable one. */
  readonly mountPath: Buffer;
  readonly readOnly: boolean;
}

/**
 * Every mounted btrfs filesystem of this mount namespace, by its first mount.
 * Needs no privilege; a mount point that may not be opened is passed over.
 */
export function discoverVolumes(): DiscoveredVolume[] {
  const byUuid = new Map<string, { info: FsInfo; fd: number; mounts: Mount[] }>();
  try {
    for (const mount of visibleMounts()) {
      const fd = openDirectory(mount.path);
      if (fd < 0) continue;
      let info: FsInfo;
      try {
        info = readFsInfo(fd);
      } catch (error) {
        tryCall("rf_close", fd);
        if (error instanceof NativeError) continue; // something else was mounted over it
        throw error;
      }
      const known = byUuid.get(info.uuid);
      if (known === undefined) byUuid.set(info.uuid, { info, fd, mounts: [mount] });
      else {
        tryCall("rf_close", fd);
        known.mounts.push(mount);
      }
    }
    return [...byUuid.values()].map(({ info, fd, mounts }) => describe(info, fd, mounts));
  } finally {
    for (const { fd } of byUuid.values()) tryCall("rf_close", fd);
  }
}

/** The last mount on a mount point hides those before it. */
function visibleMounts(): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const mount of readMounts()) byPath.set(mount.path.toString("latin1"), mount);
  return [...byPath.values()];
}

function describe(info: FsInfo, fd: number, mounts: readonly Mount[]): DiscoveredVolume {
  const first = mounts.find((mount) => !mount.readOnly) ?? mounts[0];
  let label = "";
  try {
    label = readLabel(fd);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
  }
  return {
    info,
    label,
    devices: readDevices(fd, info),
    mounts,
    device: first?.device ?? "",
    namedMount: null,
    mountPath: first?.path ?? Buffer.alloc(0),
    readOnly: mounts.every((mount) => mount.readOnly),
  };
}
