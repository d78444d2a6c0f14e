import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { RefoldError } from "../engine/errors.ts";
import { errnoName, NativeError, tryCall } from "../native/library.ts";
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
  /** Mounted nowhere: named by its device, and reached through a mount of our own. */
  readonly unmounted: boolean;
  /**
   * Another filesystem that is mounted has the same uuid: one is a copy of the other, of its disk or its image. The
   * kernel gives the later one a made-up uuid, and takes that back when its device is mounted once more.
   */
  readonly isCopy: boolean;
}

/**
 * Every mounted btrfs filesystem of this mount namespace, by its first mount.
 * Needs no privilege; a mount point that may not be opened is passed over.
 */
export function discoverVolumes(): DiscoveredVolume[] {
  // not by uuid: copies of one filesystem have the same
  const bySuperblock = new Map<string, { info: FsInfo; fd: number; mounts: Mount[] }>();
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
      const known = bySuperblock.get(mount.device);
      if (known === undefined) bySuperblock.set(mount.device, { info, fd, mounts: [mount] });
      else {
        tryCall("rf_close", fd);
        known.mounts.push(mount);
      }
    }
    const found = [...bySuperblock.values()].map(({ info, fd, mounts }) => describe(info, fd, mounts));
    const byUuid = Map.groupBy(found, ({ info }) => info.uuid);
    return found.map((one) =>
      (byUuid.get(one.info.uuid)?.length ?? 0) > 1 ? { ...one, isCopy: true } : one,
    );
  } finally {
    for (const { fd } of bySuperblock.values()) tryCall("rf_close", fd);
  }
}

/**
 * A filesystem that is mounted nowhere, by its device. Mounts it for a moment.
 * @returns null where there is no btrfs on the device
 * @throws RefoldError "permission" without CAP_SYS_ADMIN, "no-volume" where it cannot be mounted
 */
export function discoverUnmounted(device: string): DiscoveredVolume | null {
  if (!hasBtrfs(device)) return null;
  const mountFd = new Int32Array(1);
  const dir = tryCall("rf_mount_top", device, mountFd);
  if (dir < 0) {
    throw new RefoldError("no-volume", `${device} cannot be mounted (${errnoName(-dir)})`, {
      next: "If it has several devices: btrfs device scan.",
    });
  }
  try {
    const info = readFsInfo(dir);
    const found = { ...describe(info, dir, []), devices: [device] };
    return discoverVolumes().some((other) => other.info.uuid === info.uuid)
      ? { ...found, isCopy: true }
      : found;
  } finally {
    tryCall("rf_close", dir);
    tryCall("rf_close", mountFd[0] ?? -1);
  }
}

/* The superblock (linux/btrfs_tree.h does not have it; fs/btrfs/accessors.h, BTRFS_SUPER_INFO_OFFSET). */
const SUPERBLOCK = 65536;
const MAGIC_OFFSET = 64;
const MAGIC = "_BHRfS_M";

function hasBtrfs(device: string): boolean {
  let fd: number;
  try {
    fd = openSync(device, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES") throw new RefoldError("permission", `${device} cannot be read without root`);
    throw new RefoldError("no-volume", `${device} cannot be read (${code ?? "unknown error"})`, {
      cause: error,
    });
  }
  try {
    const magic = Buffer.alloc(MAGIC.length);
    readSync(fd, magic, 0, MAGIC.length, SUPERBLOCK + MAGIC_OFFSET);
    return magic.toString("latin1") === MAGIC;
  } finally {
    closeSync(fd);
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
    readOnly: mounts.length > 0 && mounts.every((mount) => mount.readOnly),
    unmounted: mounts.length === 0,
    isCopy: hasMadeUpUuid(info.uuid),
  };
}

/** Whether the kernel made the uuid up, since another filesystem has the one on the disk. */
function hasMadeUpUuid(uuid: string): boolean {
  try {
    return readFileSync(`/sys/fs/btrfs/${uuid}/temp_fsid`, "latin1").trim() === "1";
  } catch {
    return false; // before Linux 6.7 a copy could not be mounted beside
  }
}
