/** The volumes that the live figure is measured on: very many small files, one in five a copy of another. */
import { randomFillSync } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LoopVolume, makeImage } from "../volume.mjs";

const KIB = 1024;
/** Files in a folder. */
const IN_FOLDER = 500;
/** Of so many files in a row the second is a copy of the first; no other is touched by the writer. */
const COPY_EVERY = 5;
const LARGEST = 16 * KIB;
/** What each pair of duplicates that is written later adds to the figure: bytes. */
export const PAIR = 1024 * KIB;

/** Sizes from 4 to 16 KiB, each shared by a few files. */
const sizeOf = (k) => 4 * KIB + ((k * 7919) % (12 * KIB));
const pathOf = (k) => join("files", String(Math.floor(k / IN_FOLDER)), `file-${String(k)}`);

/**
 * A mounted volume of so many files.
 * @param {string} directory for the image and the mount point
 * @param {{ name: string, files: number }} options
 */
export function makeWorld(directory, { name, files }) {
  const image = join(directory, `${name}.img`);
  makeImage(image, 4 * 2 ** 30 + files * 2 * LARGEST);
  const volume = new LoopVolume(image, join(directory, name));
  const content = Buffer.alloc(LARGEST);
  for (let k = 0; k < files; k++) {
    const folder = join(volume.mountPath, "files", String(k / IN_FOLDER));
    if (k % IN_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const copies = k % COPY_EVERY === 1;
    const size = sizeOf(copies ? k - 1 : k);
    if (!copies) randomFillSync(content, 0, size);
    writeFileSync(join(volume.mountPath, pathOf(k)), content.subarray(0, size));
  }
  mkdirSync(join(volume.mountPath, "new"));
  return volume;
}

/** Somebody who works on the volume. */
export class Writer {
  #grown = 0;
  #pairs = 0;
  #mountPath;
  #files;

  constructor(mountPath, files) {
    this.#mountPath = mountPath;
    this.#files = files;
  }

  /** A line more in so many files that are nobody's duplicates, as in logs: nothing that the figure shows. */
  grow(count) {
    for (let k = 0; k < count; k++) {
      const at = ((this.#grown++ * 7919 * COPY_EVERY) % this.#files) + 2;
      appendFileSync(join(this.#mountPath, pathOf(Math.min(at, this.#files - 1))), "a line more\n");
    }
  }

  /** Two files more of one content. */
  pair() {
    const content = randomFillSync(Buffer.alloc(PAIR));
    const n = this.#pairs++;
    for (const copy of ["one", "two"])
      writeFileSync(join(this.#mountPath, "new", `pair-${String(n)}-${copy}`), content);
  }
}
