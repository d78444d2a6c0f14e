/** A loop btrfs volume that is mounted and unmounted around each measurement. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { basename } from "node:path";

const run = (command, ...args) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

/** Every volume that is attached, for the clean-up when the bench is ended by a signal. */
const attached = new Set();

/** Unmounts and detaches whatever is left. Never throws: it runs on the way out. */
export function closeAll() {
  for (const volume of [...attached]) {
    try {
      volume.close();
    } catch (error) {
      console.error(`bench: ${volume.device}: ${error.message}`);
    }
  }
}

/**
 * Makes an empty btrfs in a sparse image.
 * @param {string} image
 * @param {number} bytes
 */
export function makeImage(image, bytes) {
  rmSync(image, { force: true });
  writeFileSync(image, "");
  truncateSync(image, bytes);
  run("mkfs.btrfs", "-q", "-f", "-L", "refold-bench", image);
}

/** Copies an image, holes and all; a reflink where the filesystem below can. */
export const copyImage = (from, to) => run("cp", "--sparse=always", "--reflink=auto", from, to);

/** Writes back what is dirty, then empties the page cache and the caches of inodes and names. */
export function dropCaches() {
  run("sync");
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}

export class LoopVolume {
  #mounted = false;

  /**
   * Attaches an image to a free loop device and mounts it, without access times: a first read would write
   * one for every file, to the cost of whichever tool comes first.
   * @param {string} image
   * @param {string} mountPath made where it is not there
   */
  constructor(image, mountPath) {
    this.mountPath = mountPath;
    this.device = run("losetup", "--find", "--show", image).trim();
    attached.add(this);
    mkdirSync(mountPath, { recursive: true });
    this.mount();
  }

  mount() {
    run("mount", "-t", "btrfs", "-o", "noatime", this.device, this.mountPath);
    this.#mounted = true;
  }

  unmount() {
    if (!this.#mounted) return;
    run("umount", this.mountPath);
    this.#mounted = false;
  }

  /** Mounts anew with cold caches, so that metadata has to be read from the device again. */
  makeCold() {
    this.unmount();
    dropCaches();
    this.mount();
  }

  /** Bytes read from and written to the device since it was attached. */
  io() {
    const fields = readFileSync(`/sys/block/${basename(this.device)}/stat`, "utf8")
      .trim()
      .split(/\s+/);
    return { read: Number(fields[2]) * 512, written: Number(fields[6]) * 512 };
  }

  /** Bytes of data in use, after all that was freed has been given back to the free space. */
  dataUsed() {
    // Extents go when the transaction commits; what a commit leaves over goes with the next.
    for (let k = 0; k < 2; k++) run("btrfs", "filesystem", "sync", this.mountPath);
    const used = /^Data, .*used=(\d+)$/m.exec(run("btrfs", "filesystem", "df", "--raw", this.mountPath));
    if (used === null) throw new Error("bench: `btrfs filesystem df` says nothing of data");
    return Number(used[1]);
  }

  close() {
    this.unmount();
    run("losetup", "--detach", this.device);
    attached.delete(this);
    // Else the kernel may take another image with the same uuid for a second device of this one.
    try {
      execFileSync("btrfs", ["device", "scan", "--forget"], { stdio: "ignore" });
    } catch {
      // Only devices that are not mounted can be forgotten: those of others may be busy.
    }
  }
}
