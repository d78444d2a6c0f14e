import { readInodeNow } from "../btrfs/inodes.ts";
import { join, PathResolver } from "../btrfs/paths.ts";
import { readSubvolumes, type Subvolume } from "../btrfs/root-tree.ts";
import type { PathBytes } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import { call, NativeError, RECORD, tryCall } from "../native/library.ts";
import type { DiscoveredVolume } from "./discover.ts";
import { readFsInfo } from "./fs-info.ts";
import { isBelowOrAt, type Mount } from "./mounts.ts";
import { openDirectory } from "./open-directory.ts";
import { lockVolume } from "./volume-lock.ts";

const TOP_LEVEL = 5;
const ROOT_DIRECTORY = 256;
const SLASH = Buffer.from("/");

/**
 * A filesystem opened for work. Everything in it is reached through one
 * directory fd: trees by TREE_SEARCH, files by their handles.
 *
 * That fd belongs to a mount of the top level that hangs in no namespace
 * (fsopen, fsmount), so it does not matter which subvolumes are mounted where,
 * nor with which options. Where such a mount cannot be had, or every mount is
 * read-only, it is one of the existing mounts.
 */
export class VolumeHandle {
  readonly found: DiscoveredVolume;
  readonly dir: number;
  readonly sectorSize: number;
  readonly csumSize: number;
  readonly #fds: number[] = [];
  #subvolumes: readonly Subvolume[] = [];
  #resolver: PathResolver;

  /** @throws RefoldError "permission" without CAP_SYS_ADMIN */
  constructor(found: DiscoveredVolume) {
    this.found = found;
    this.sectorSize = found.info.sectorSize;
    this.csumSize = found.info.csumSize;
    this.dir = this.#openDirectory();
    try {
      this.#subvolumes = readSubvolumes(this.dir);
    } catch (error) {
      this.close();
      if (error instanceof NativeError && error.code === "EPERM") {
        throw new RefoldError("permission", "reading the trees of a btrfs filesystem needs root");
      }
      throw error;
    }
    this.#resolver = this.#newResolver();
  }

  get uuid(): string {
    return this.found.info.uuid;
  }

  get subvolumes(): readonly Subvolume[] {
    return this.#subvolumes;
  }

  /** Generation of the filesystem now. */
  generation(): number {
    return readFsInfo(this.dir).generation;
  }

  /** Reads the root tree anew. */
  refresh(): readonly Subvolume[] {
    this.#subvolumes = readSubvolumes(this.dir);
    this.#resolver = this.#newResolver();
    return this.#subvolumes;
  }

  /** Forgets the names of directories, which may have changed. */
  forgetNames(): void {
    this.#resolver = this.#newResolver();
  }

  /** A subvolume's path from the top level; "" for the top level. */
  subvolumePath(id: number): PathBytes {
    return this.#resolver.subvolume(id) ?? Buffer.from(`<subvolume ${id}>`);
  }

  /** A path to show; absolute under a mount where one reaches it, else from the top level. */
  locate(subvolume: number, inode: number): { path: PathBytes; reachable: boolean } {
    try {
      const top = this.#resolver.subvolume(subvolume);
      const inside = this.#resolver.inSubvolume(subvolume, inode);
      if (top === null || inside === null) return { path: nameless(subvolume, inode), reachable: false };
      return this.reach(join(top, inside));
    } catch (error) {
      if (error instanceof NativeError) return { path: nameless(subvolume, inode), reachable: false };
      throw error;
    }
  }

  /** The same of a path from the top level: "@home/anna". */
  reach(fromTop: PathBytes): { path: PathBytes; reachable: boolean } {
    const path = this.#underMount(Buffer.concat([SLASH, fromTop]));
    return path === null ? { path: fromTop, reachable: false } : { path, reachable: true };
  }

  pathOf(subvolume: number, inode: number): PathBytes {
    return this.locate(subvolume, inode).path;
  }

  /** Takes the volume for this process until it is closed. @throws RefoldError "busy" */
  lock(): void {
    const { record } = readInodeNow(this, TOP_LEVEL, ROOT_DIRECTORY);
    const fd = call("rf_open_inode", this.dir, TOP_LEVEL, ROOT_DIRECTORY, record[RECORD.generation] ?? 0);
    try {
      lockVolume(fd, this.found.device, this.found.mountPath.toString());
    } catch (error) {
      tryCall("rf_close", fd);
      throw error;
    }
    this.#fds.unshift(fd);
  }

  close(): void {
    // the directory before the mount that holds it
    for (const fd of this.#fds.splice(0)) tryCall("rf_close", fd);
  }

  #openDirectory(): number {
    const { mounts, devices, unmounted, isCopy } = this.found;
    // to mount a copy's device once more would give it the uuid of the other
    const [device] = isCopy && !unmounted ? [] : devices;
    // mounting a filesystem that is read-only everywhere could turn it writable
    if (device !== undefined && (unmounted || mounts.some((mount) => !mount.readOnly))) {
      const mountFd = new Int32Array(1);
      const dir = tryCall("rf_mount_top", device, mountFd);
      if (dir >= 0) {
        this.#fds.push(dir, mountFd[0] ?? -1);
        return dir;
      }
    }
    const dir = openDirectory(this.found.mountPath);
    if (dir < 0)
      throw new RefoldError("no-volume", `${this.found.mountPath.toString()} cannot be opened any more`);
    this.#fds.push(dir);
    return dir;
  }

  #newResolver(): PathResolver {
    return new PathResolver(
      this.dir,
      new Map(this.#subvolumes.map((subvolume) => [subvolume.id, subvolume])),
    );
  }

  #underMount(fromTop: Buffer): Buffer | null {
    let best: Mount | undefined;
    for (const mount of this.found.mounts) {
      if (!isBelowOrAt(fromTop, mount.root)) continue;
      const preferred = mount.path.equals(this.found.namedMount ?? EMPTY);
      if (
        best === undefined ||
        mount.root.length > best.root.length ||
        (preferred && mount.root.equals(best.root))
      ) {
        best = mount;
      }
    }
    if (best === undefined) return null;
    const rest = fromTop.subarray(best.root.length === 1 ? 1 : best.root.length + 1);
    return join(best.path, rest);
  }
}

const EMPTY = Buffer.alloc(0);

function nameless(subvolume: number, inode: number): Buffer {
  return Buffer.from(`<inode ${inode} of subvolume ${subvolume}, deleted>`);
}
