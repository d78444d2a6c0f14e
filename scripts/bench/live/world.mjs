/** The volume that the live figure is measured on: very many small files, one in five a copy of another. */
import { randomFillSync } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LoopVolume, makeImage } from "../volume.mjs";

const KIB = 1024;
/** Files in a folder. */
const IN_FOLDER = 500;
const COPY_EVERY = 5;
const LARGEST = 16 * KIB;

/** Sizes from 4 to 16 KiB, each shared by a few files. */
const sizeOf = (k) => 4 * KIB + ((k * 7919) % (12 * KIB));

/** @returns the path of the k-th file below the mount */
export const pathOf = (k) => join("files", String(Math.floor(k / IN_FOLDER)), `file-${String(k)}`);

function fill(mountPath, files) {
  const content = Buffer.alloc(LARGEST);
  for (let k = 0; k < files; k++) {
    if (k % IN_FOLDER === 0) mkdirSync(join(mountPath, "files", String(k / IN_FOLDER)), { recursive: true });
    // the copy of the one before it has that one's size too
    const size = sizeOf(k % COPY_EVERY === 1 ? k - 1 : k);
    if (k % COPY_EVERY !== 1) randomFillSync(content, 0, size);
    writeFileSync(join(mountPath, pathOf(k)), content.subarray(0, size));
  }
}

/**
 * A mounted volume of so many files; of an image that is there already nothing is written.
 * @param {string} directory for the image and the mount point
 * @param {{ files: number, image?: string }} options image: a file that is kept
 */
export function makeWorld(directory, { files, image }) {
  const path = image ?? join(directory, "live.img");
  const fresh = !existsSync(path);
  if (fresh) makeImage(path, 4 * 2 ** 30 + files * 2 * LARGEST);
  const volume = new LoopVolume(path, join(directory, "volume"));
  if (fresh) {
    fill(volume.mountPath, files);
    mkdirSync(join(volume.mountPath, "new"), { recursive: true });
  }
  return volume;
}

/**
 * A writer: each minute so many files are changed, half of them new copies of files that are there, half of them files
 * that grow, as logs do.
 */
export class Writer {
  #next = 0;
  #mountPath;
  #files;

  constructor(mountPath, files) {
    this.#mountPath = mountPath;
    this.#files = files;
    mkdirSync(join(mountPath, "new"), { recursive: true });
  }

  /** Changes so many files. */
  change(count) {
    const content = Buffer.alloc(LARGEST);
    for (let k = 0; k < count; k++) {
      const n = this.#next++;
      if (n % 2 === 0) {
        randomFillSync(content);
        // two of one content: a pair of duplicates that were not there before
        const size = sizeOf(n);
        writeFileSync(join(this.#mountPath, "new", `one-${String(n)}`), content.subarray(0, size));
        writeFileSync(join(this.#mountPath, "new", `two-${String(n)}`), content.subarray(0, size));
      } else appendFileSync(join(this.#mountPath, pathOf((n * 7919) % this.#files)), "a line more\n");
    }
  }
}
