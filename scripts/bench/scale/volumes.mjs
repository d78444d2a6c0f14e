/** The volumes of the scale bench: made once, kept between runs where a folder for them is named. */
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { LoopVolume, makeImage } from "../volume.mjs";

const home = resolve(import.meta.dirname, "../../..");
const files = join(home, "native/build/bench/files");

/** Raised when the generator makes other files: images of an older one are not used. */
const GENERATOR = 1;
/** Room for a file and what the filesystem keeps of it, bytes; the images are sparse. */
const BYTES_A_FILE = 16 * 1024;

const btrfs = (...words) => execFileSync("btrfs", words, { stdio: ["ignore", "ignore", "inherit"] });

/** The subvolume that the files are in. */
export const homeOf = (volume) => join(volume.mountPath, "home");

/**
 * The image of a volume with one subvolume of so many files, made where it is not there.
 * @param {string} folder
 * @param {number} count
 * @returns {{ image: string, seconds: number | null }} null: it was there
 */
export function imageOf(folder, count) {
  const image = join(folder, `scale-${GENERATOR}-${count}.img`);
  if (existsSync(image)) return { image, seconds: null };
  const start = performance.now();
  const made = `${image}.part`;
  makeImage(made, Math.ceil((count * BYTES_A_FILE) / 2 ** 20 + 1024) * 2 ** 20);
  const volume = new LoopVolume(made, join(folder, "mnt"));
  try {
    btrfs("-q", "subvolume", "create", homeOf(volume));
    execFileSync(files, ["write", homeOf(volume), String(count)], { stdio: "inherit" });
    btrfs("filesystem", "sync", volume.mountPath);
  } catch (error) {
    volume.close();
    rmSync(made, { force: true });
    throw error;
  }
  volume.close();
  renameSync(made, image);
  return { image, seconds: (performance.now() - start) / 1000 };
}

/**
 * Changes files: nine in ten in place, one in ten is removed and made anew.
 * @param {"scattered" | "together"} where all over the volume, or in neighbouring folders
 */
export function changeFiles(volume, { count, changes, round, where }) {
  const words = ["change", homeOf(volume), String(count), String(changes), String(round), where];
  execFileSync(files, words, { stdio: "inherit" });
  btrfs("filesystem", "sync", volume.mountPath);
}

const snapshotPath = (volume, k) => join(volume.mountPath, `snapshot ${String(k).padStart(4, "0")}`);

/** Takes read-only snapshots; before each, `between(k)` may change something. */
export function takeSnapshots(volume, count, between = () => undefined) {
  for (let k = 0; k < count; k++) {
    between(k);
    btrfs("-q", "subvolume", "snapshot", "-r", homeOf(volume), snapshotPath(volume, k));
  }
  btrfs("filesystem", "sync", volume.mountPath);
}

export function deleteSnapshots(volume, count) {
  const paths = Array.from({ length: count }, (_, k) => snapshotPath(volume, k));
  if (paths.length > 0) btrfs("-q", "subvolume", "delete", ...paths);
  btrfs("subvolume", "sync", volume.mountPath);
}
