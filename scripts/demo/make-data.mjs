/** What a home and its backups look like after some years: made from a seed, so every demo is the same one. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { below, contentBytes, logUniform, numbers } from "../lib/random.mjs";

const SEED = 20;
const MIB = 1 << 20;

/** Writes contents under a root, each with a number, so that a copy is the same number again. */
class Writer {
  #root;
  #next = 0;
  files = 0;

  constructor(root) {
    this.#root = root;
  }

  /** A content nothing else has. */
  content(size) {
    return { id: this.#next++, size };
  }

  /** holes: every fourth MiB is left out, as in a disk image that was never filled. */
  write(path, content, holes = false) {
    const target = join(this.#root, path);
    mkdirSync(dirname(target), { recursive: true });
    const fd = openSync(target, "wx");
    try {
      let at = 0;
      for (const chunk of contentBytes(SEED, content.id, content.size)) {
        for (let k = 0; k < chunk.length; k += MIB) {
          const hole = holes && ((at + k) / MIB) % 4 === 3;
          if (!hole) writeSync(fd, chunk, k, Math.min(MIB, chunk.length - k), at + k);
        }
        at += chunk.length;
      }
    } finally {
      closeSync(fd);
    }
    this.files++;
  }
}

const btrfs = (...args) => execFileSync("btrfs", ["-q", ...args]);

/** Photos of the home; some of them came back with an old phone, under other names. */
function photos(writer, random) {
  for (let k = 0; k < 48; k++) {
    const photo = writer.content(logUniform(random, 0.6 * MIB, 4 * MIB));
    const number = String(1000 + k);
    writer.write(`home/photos/${2019 + (k % 6)}/IMG_${number}.jpg`, photo);
    if (k % 5 < 2) writer.write(`backup/old phone/DCIM/${number}.JPG`, photo);
  }
}

/** The same packages in three projects, small files mostly. */
function projects(writer, random) {
  const packages = Array.from({ length: 60 }, (_, k) => ({
    name: `package-${String(k).padStart(2, "0")}`,
    files: Array.from({ length: 2 + below(random, 12) }, (_, n) => ({
      name: n === 0 ? "package.json" : `lib/module-${n}.js`,
      content: writer.content(logUniform(random, 400, 48 * 1024)),
    })),
  }));
  for (const project of ["shop", "blog", "api"]) {
    for (const { name, files } of packages) {
      for (const file of files) {
        writer.write(`home/projects/${project}/node_modules/${name}/${file.name}`, file.content);
      }
    }
  }
}

/**
 * Fills an empty, mounted btrfs volume: subvolumes home, media and backup, and a read-only snapshot.
 * @param {string} root the mount path
 * @returns {number} how many files were written
 */
export function makeData(root) {
  const random = numbers(SEED);
  const writer = new Writer(root);
  for (const name of ["home", "media", "backup"]) btrfs("subvolume", "create", join(root, name));
  photos(writer, random);
  mkdirSync(join(root, "snapshots"));
  btrfs("subvolume", "snapshot", "-r", join(root, "home"), join(root, "snapshots/home-monday"));
  projects(writer, random);
  const iso = writer.content(40 * MIB);
  writer.write("home/downloads/debian-netinst.iso", iso);
  writer.write("home/downloads/debian-netinst (1).iso", iso);
  writer.write("media/images/debian-netinst.iso", iso);
  const disk = writer.content(64 * MIB);
  writer.write("home/vms/disk.img", disk, true);
  writer.write("backup/vms/disk-before-upgrade.img", disk, true);
  btrfs("filesystem", "sync", root);
  return writer.files;
}
