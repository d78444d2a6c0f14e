/**
 * A real btrfs filesystem on a loop device, for one test file.
 *
 *     using volume = LoopVolume.create({ size: "1G", csum: "xxhash" });
 *
 * Everything is undone on disposal; a process that exits without it undoes it
 * then, and what a killed process leaves the next run clears (leftovers.ts).
 */
import { closeSync, mkdirSync, openSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { exec, sleepSync } from "./exec.ts";
import { countDeletedSubvolumes } from "./layout.ts";
import { createOwnedDirectory, mountsBelow, removeVolumeDirectory } from "./leftovers.ts";
import { withFd } from "./libc.ts";

export type ChecksumType = "crc32c" | "xxhash" | "sha256" | "blake2b";

export interface LoopVolumeOptions {
  /** Of each device: bytes, or with a suffix K, M or G. The image is sparse. Default 2G. */
  readonly size?: number | string;
  readonly csum?: ChecksumType;
  /** Added to "noatime", e.g. "compress-force=zstd:3". */
  readonly mountOptions?: readonly string[];
  readonly label?: string;
  /** Number of loop devices; more than one makes a filesystem of single data, raid1 metadata. */
  readonly devices?: number;
  /** Further words for mkfs.btrfs. */
  readonly mkfs?: readonly string[];
}

/** Bytes as `btrfs filesystem df --raw` has them; each kind summed over its profiles. */
export interface Usage {
  readonly dataUsed: number;
  readonly dataTotal: number;
  readonly metadataUsed: number;
}

/** How long to wait for a loop device that another test file holds. */
const LOOP_DEVICE_WAIT_MS = 60_000;
/** How long to wait until a deleted subvolume is gone from the disk. */
const SETTLE_MS = 60_000;

const open = new Set<LoopVolume>();
process.on("exit", () => {
  for (const volume of open) volume.dispose();
});

function toBytes(size: number | string): number {
  if (typeof size === "number") return size;
  const match = /^(\d+)([KMG]?)$/.exec(size);
  if (match === null) throw new Error(`not a size: ${size}`);
  const shift = { "": 0, K: 10, M: 20, G: 30 }[match[2] ?? ""] ?? 0;
  return Number(match[1]) * 2 ** shift;
}

/** Attaches a loop device; waits when all are taken. */
function attachLoop(image: string): string {
  const deadline = Date.now() + LOOP_DEVICE_WAIT_MS;
  for (;;) {
    try {
      return exec("losetup", ["--find", "--show", image]).trim();
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(`no loop device came free in ${LOOP_DEVICE_WAIT_MS / 1000} s`, { cause: error });
      }
      sleepSync(250);
    }
  }
}

export class LoopVolume implements Disposable {
  readonly directory: string;
  readonly images: readonly string[];
  readonly devices: readonly string[];
  /** Where it is mounted first: the top level, unless `mount` was called with something else. */
  readonly path: string;
  readonly uuid: string;
  /** As given at creation. */
  readonly mountOptions: readonly string[];
  private disposed = false;

  private constructor(options: LoopVolumeOptions) {
    this.mountOptions = options.mountOptions ?? [];
    this.directory = createOwnedDirectory();
    try {
      const images: string[] = [];
      const devices: string[] = [];
      for (let k = 0; k < (options.devices ?? 1); k++) {
        const image = join(this.directory, `disk${k}.img`);
        closeSync(openSync(image, "wx"));
        truncateSync(image, toBytes(options.size ?? "2G"));
        images.push(image);
        devices.push(attachLoop(image));
      }
      this.images = images;
      this.devices = devices;
      this.path = join(this.directory, "mnt");
      mkdirSync(this.path);
      const label = options.label === undefined ? [] : ["--label", options.label];
      const csum = options.csum === "blake2b" ? "blake2" : (options.csum ?? "crc32c");
      const profile =
        devices.length > 1 ? ["--data", "single", "--metadata", "raid1"] : ["--metadata", "single"];
      exec("mkfs.btrfs", ["-q", "--csum", csum, ...profile, ...label, ...(options.mkfs ?? []), ...devices]);
      this.uuid = exec("blkid", ["-p", "-s", "UUID", "-o", "value", this.device]).trim();
      this.mount();
      open.add(this);
    } catch (error) {
      removeVolumeDirectory(this.directory);
      throw error;
    }
  }

  /** Makes and mounts a filesystem. @throws Error when that cannot be done: a test must then fail */
  static create(options: LoopVolumeOptions = {}): LoopVolume {
    return new LoopVolume(options);
  }

  /** The first device, e.g. /dev/loop0. */
  get device(): string {
    const [first] = this.devices;
    if (first === undefined) throw new Error("a volume without a device");
    return first;
  }

  private mountWords(extra: readonly string[]): string {
    const members = this.devices.length > 1 ? this.devices.map((device) => `device=${device}`) : [];
    return ["noatime", ...members, ...extra].join(",");
  }

  /** Mounts at `path` (default: this.path) with other options, e.g. ["subvol=alpha"]. */
  mount(extra: readonly string[] = this.mountOptions, path: string = this.path): void {
    mkdirSync(path, { recursive: true });
    exec("mount", ["-t", "btrfs", "-o", this.mountWords(extra), this.device, path]);
  }

  /** A path in this volume's own directory, beside the image: for second mounts and databases. */
  beside(name: string): string {
    return join(this.directory, name);
  }

  /** Unmounts one mount point; waits a moment where something still closes its files. */
  unmount(path: string = this.path): void {
    for (let tries = 0; ; tries++) {
      try {
        exec("umount", [path]);
        return;
      } catch (error) {
        if (tries === 20) throw error;
        sleepSync(100);
      }
    }
  }

  /**
   * `mount -o remount` with options, e.g. "ro" or "compress-force=lzo". btrfs
   * keeps options that are not named: undo them by name, e.g. "compress=no".
   */
  remount(...options: string[]): void {
    exec("mount", ["-o", ["remount", ...options].join(","), this.path]);
  }

  /** Mounts the top level at a second place while `use` runs, so that all subvolumes are seen. */
  withTopLevel<T>(use: (top: string) => T): T {
    const top = this.beside("top");
    this.mount(["subvolid=5"], top);
    try {
      return use(top);
    } finally {
      this.unmount(top);
    }
  }

  /** Creates a subvolume; the path is relative to this.path. Returns its absolute path. */
  createSubvolume(relative: string): string {
    const path = join(this.path, relative);
    exec("btrfs", ["subvolume", "create", path]);
    return path;
  }

  /** Snapshots a subvolume; paths relative to this.path. */
  snapshot(source: string, target: string, options: { readOnly?: boolean } = {}): string {
    const path = join(this.path, target);
    const words = options.readOnly === true ? ["-r"] : [];
    exec("btrfs", ["subvolume", "snapshot", ...words, join(this.path, source), path]);
    return path;
  }

  /** @throws Error with all subvolumes that there are: it is refused where another lies in it */
  deleteSubvolume(relative: string): void {
    try {
      exec("btrfs", ["subvolume", "delete", join(this.path, relative)]);
    } catch (error) {
      const list = exec("btrfs", ["subvolume", "list", "-a", this.path]);
      throw new Error(`${(error as Error).message}\n${list}`, { cause: error });
    }
  }

  /** Writes everything out and waits for the transaction. */
  sync(path: string = this.path): void {
    exec("btrfs", ["filesystem", "sync", path]);
  }

  /**
   * sync, and waits until deleted subvolumes are gone from the disk. That never
   * happens while a file of one is open.
   */
  settle(path: string = this.path): void {
    // btrfs subvolume sync looks once a second only
    const waiting = (): boolean => withFd(path, countDeletedSubvolumes) > 0;
    const deleted = waiting();
    this.sync(path);
    if (!deleted) return;
    for (const deadline = Date.now() + SETTLE_MS; waiting();) {
      if (Date.now() > deadline) throw new Error(`a deleted subvolume is still there after ${SETTLE_MS} ms`);
      sleepSync(20);
    }
    this.sync(path);
  }

  /** Exact bytes in use, as of the last transaction: sync first. */
  usage(path: string = this.path): Usage {
    const sums = { dataUsed: 0, dataTotal: 0, metadataUsed: 0 };
    for (const line of exec("btrfs", ["filesystem", "df", "--raw", path]).split("\n")) {
      const match = /^(\w+), \w+: total=(\d+), used=(\d+)$/.exec(line);
      if (match === null) continue;
      const [total, used] = [Number(match[2]), Number(match[3])];
      if (match[1] === "Data") {
        sums.dataTotal += total;
        sums.dataUsed += used;
      } else if (match[1] === "Metadata") sums.metadataUsed += used;
    }
    return sums;
  }

  /** Unmounts, detaches and deletes. Safe to call twice. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    open.delete(this);
    try {
      for (const path of mountsBelow(this.directory)) this.unmount(path);
    } finally {
      removeVolumeDirectory(this.directory);
    }
  }

  /** Removes a file or tree in the volume's own directory. */
  removeBeside(name: string): void {
    rmSync(this.beside(name), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
