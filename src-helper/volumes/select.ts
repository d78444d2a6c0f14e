import { existsSync, realpathSync, statSync } from "node:fs";
import type { Subvolume } from "../btrfs/root-tree.ts";
import { RefoldError } from "../engine/errors.ts";
import { call, NativeError, tryCall } from "../native/library.ts";
import { discoverUnmounted, discoverVolumes, type DiscoveredVolume } from "./discover.ts";
import { readFsInfo } from "./fs-info.ts";
import { openDirectory } from "./open-directory.ts";

/** A volume that was named, and the subvolume it was named by (null: the whole filesystem). */
export interface SelectedVolume {
  readonly found: DiscoveredVolume;
  readonly subvolume: number | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Finds the volumes that words on a command line name: a uuid, a label, a
 * /dev path, a mount path, or a directory inside a subvolume.
 *
 * @param names none: every mounted filesystem that is writable
 * @throws RefoldError "no-volume"
 */
export function selectVolumes(names: readonly string[], warn: (message: string) => void): SelectedVolume[] {
  const all = discoverVolumes();
  if (names.length > 0) {
    const selected = merge(names.map((name) => selectOne(name, all)));
    for (const { found } of selected) if (found.isCopy) throw isCopy(found);
    for (const { found } of selected) {
      if (found.unmounted)
        warn(`${found.devices.join(", ")} is not mounted: mounted where nobody sees it, for this call`);
    }
    return selected;
  }
  const writable = all.filter((volume) => !volume.readOnly && !volume.isCopy);
  for (const volume of all) {
    if (volume.isCopy) warn(`${isCopy(volume).message}; it was left out`);
    else if (volume.readOnly)
      warn(`${volume.mountPath.toString()} is mounted read-only and was left out; name it to scan it`);
  }
  if (writable.length === 0) {
    throw new RefoldError("no-volume", "no btrfs filesystem is mounted writable here", {
      next: "Mount one, or name one: `refold show` lists what is there.",
    });
  }
  return writable.map((found) => ({ found, subvolume: null }));
}

/** One entry a filesystem: naming it whole wins over naming a part. */
function merge(selected: readonly SelectedVolume[]): SelectedVolume[] {
  const merged: SelectedVolume[] = [];
  for (const one of selected) {
    const whole = selected.find((other) => sameVolume(one, other) && other.subvolume === null) ?? one;
    if (!merged.some((other) => sameVolume(other, whole) && other.subvolume === whole.subvolume))
      merged.push(whole);
  }
  return merged;
}

function sameVolume(a: SelectedVolume, b: SelectedVolume): boolean {
  return a.found.info.uuid === b.found.info.uuid;
}

function selectOne(name: string, all: readonly DiscoveredVolume[]): SelectedVolume {
  if (UUID.test(name)) {
    const found = all.find((volume) => volume.info.uuid === name.toLowerCase());
    if (found !== undefined) return { found, subvolume: null };
    return unmounted(`/dev/disk/by-uuid/${name.toLowerCase()}`) ?? fail(notMounted(`the filesystem ${name}`));
  }
  const isPath = name.startsWith("/") || name.startsWith(".");
  const labelled = isPath ? [] : all.filter((volume) => volume.label === name);
  const [byLabel] = labelled;
  if (labelled.length > 1) {
    throw new RefoldError("no-volume", `${labelled.length} filesystems have the label ${name}`, {
      next: `Name one by its uuid: ${labelled.map((volume) => volume.info.uuid).join(", ")}.`,
    });
  }
  if (byLabel !== undefined) return { found: byLabel, subvolume: null };
  return (isPath ? null : unmounted(`/dev/disk/by-label/${name}`)) ?? selectByPath(name, all);
}

/** A filesystem that is on a device but mounted nowhere; null where there is none. */
function unmounted(device: string): SelectedVolume | null {
  if (!existsSync(device)) return null;
  const found = discoverUnmounted(realpathSync(device));
  return found === null ? null : { found, subvolume: null };
}

/** What is kept of a filesystem is kept by its uuid: of two with the same it would be of either. */
function isCopy({ mountPath, devices }: DiscoveredVolume): RefoldError {
  const which = mountPath.length > 0 ? mountPath.toString() : devices.join(", ");
  return new RefoldError("no-volume", `${which} has the same uuid as another filesystem that is mounted`, {
    kept: "Nothing was changed.",
    next: "One is a copy of the other: unmount one, or give one another uuid (btrfstune -u, unmounted).",
  });
}

function fail(error: Error): never {
  throw error;
}

function notMounted(what: string): RefoldError {
  return new RefoldError("no-volume", `${what} is not mounted, or not btrfs`, {
    next: "Mount it first; `refold show` lists what is mounted.",
  });
}

function selectByPath(name: string, all: readonly DiscoveredVolume[]): SelectedVolume {
  let path: string;
  let kind: "device" | "directory" | "other";
  try {
    path = realpathSync(name);
    const stat = statSync(path);
    kind = stat.isBlockDevice() ? "device" : stat.isDirectory() ? "directory" : "other";
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES") throw new RefoldError("permission", `${name} cannot be looked at without root`);
    throw new RefoldError("no-volume", `there is no volume ${name}`, {
      next: "Name a mount path, a directory, a uuid, a label or a /dev path.",
    });
  }
  if (kind === "device") {
    const found = all.find((volume) => volume.devices.some((device) => sameDevice(device, path)));
    if (found !== undefined) return { found, subvolume: null };
    return unmounted(path) ?? fail(notMounted(name));
  }
  if (kind === "other") throw new RefoldError("no-volume", `${name} is not a directory`);
  return selectByDirectory(name, path, all);
}

function sameDevice(device: string, path: string): boolean {
  try {
    return realpathSync(device) === path;
  } catch {
    return false;
  }
}

function selectByDirectory(name: string, path: string, all: readonly DiscoveredVolume[]): SelectedVolume {
  const bytes = Buffer.from(path);
  const fd = openDirectory(bytes);
  if (fd < 0) throw new RefoldError("permission", `${name} cannot be opened`);
  try {
    const { uuid } = readFsInfo(fd);
    const found = all.find((volume) => volume.info.uuid === uuid);
    if (found === undefined) throw notMounted(name);
    const mount = found.mounts.find((one) => one.path.equals(bytes));
    if (mount !== undefined) {
      return { found: { ...found, namedMount: mount.path, mountPath: mount.path }, subvolume: null };
    }
    return { found, subvolume: subvolumeOf(fd) };
  } catch (error) {
    if (error instanceof NativeError && error.code === "ENOTTY") {
      throw new RefoldError("no-volume", `${name} is not on btrfs`, {
        next: "Refold works on btrfs filesystems; `refold show` lists them.",
      });
    }
    throw error;
  } finally {
    tryCall("rf_close", fd);
  }
}

/** The id of the subvolume that holds an open file. */
export function subvolumeOf(fd: number): number {
  const out = new Float64Array(8);
  call("rf_identity", fd, out);
  return out[0] ?? 0;
}

/** A subvolume and all those below it. */
export function withSubvolumesBelow(id: number, subvolumes: readonly Subvolume[]): number[] {
  const chosen = new Set([id]);
  for (let grew = true; grew;) {
    grew = false;
    for (const subvolume of subvolumes) {
      if (subvolume.parent !== null && chosen.has(subvolume.parent.subvolume) && !chosen.has(subvolume.id)) {
        chosen.add(subvolume.id);
        grew = true;
      }
    }
  }
  return [...chosen];
}
