/** What a home and its backups look like after some years: made from a seed, so every demo is the same one. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { below, contentBytes, logUniform, numbers } from "./random.ts";

const SEED = 20;
const MIB = 1 << 20;

/** A content has a number, so that a copy is the same number again. */
interface Content {
  readonly id: number;
  readonly size: number;
}

type Step =
  | { readonly kind: "subvolume"; readonly path: string }
  | { readonly kind: "snapshot"; readonly of: string; readonly path: string }
  /** holes: every fourth MiB is left out, as in a disk image that was never filled. */
  | { readonly kind: "file"; readonly path: string; readonly content: Content; readonly holes: boolean };

/** Everything the demo volume holds, in the order in which it is written. */
export class DemoPlan {
  readonly steps: readonly Step[];
  readonly files: number;
  /** Sizes of all files, holes included. */
  readonly bytes: number;

  constructor() {
    const planner = new Planner();
    planner.plan();
    this.steps = planner.steps;
    const contents = planner.steps.flatMap((step) => (step.kind === "file" ? [step.content] : []));
    this.files = contents.length;
    this.bytes = contents.reduce((sum, { size }) => sum + size, 0);
  }
}

class Planner {
  readonly steps: Step[] = [];
  readonly #random = numbers(SEED);
  #next = 0;

  plan(): void {
    for (const path of ["home", "media", "backup"]) this.steps.push({ kind: "subvolume", path });
    this.#photos();
    this.steps.push({ kind: "snapshot", of: "home", path: "snapshots/home-monday" });
    this.#projects();
    const iso = this.#content(40 * MIB);
    this.#file("home/downloads/debian-netinst.iso", iso);
    this.#file("home/downloads/debian-netinst (1).iso", iso);
    this.#file("media/images/debian-netinst.iso", iso);
    const disk = this.#content(64 * MIB);
    this.#file("home/vms/disk.img", disk, true);
    this.#file("backup/vms/disk-before-upgrade.img", disk, true);
  }

  /** Photos of the home; some of them came back with an old phone, under other names. */
  #photos(): void {
    for (let k = 0; k < 48; k++) {
      const photo = this.#content(logUniform(this.#random, 0.6 * MIB, 4 * MIB));
      const number = String(1000 + k);
      this.#file(`home/photos/${2019 + (k % 6)}/IMG_${number}.jpg`, photo);
      if (k % 5 < 2) this.#file(`backup/old phone/DCIM/${number}.JPG`, photo);
    }
  }

  /** The same packages in three projects, small files mostly. */
  #projects(): void {
    const packages = Array.from({ length: 60 }, (_, k) => ({
      name: `package-${String(k).padStart(2, "0")}`,
      files: Array.from({ length: 2 + below(this.#random, 12) }, (_, n) => ({
        name: n === 0 ? "package.json" : `lib/module-${n}.js`,
        content: this.#content(logUniform(this.#random, 400, 48 * 1024)),
      })),
    }));
    for (const project of ["shop", "blog", "api"]) {
      for (const { name, files } of packages) {
        for (const file of files) {
          this.#file(`home/projects/${project}/node_modules/${name}/${file.name}`, file.content);
        }
      }
    }
  }

  /** A content nothing else has. */
  #content(size: number): Content {
    return { id: this.#next++, size };
  }

  #file(path: string, content: Content, holes = false): void {
    this.steps.push({ kind: "file", path, content, holes });
  }
}

export interface FillOptions {
  /** Runs the program `btrfs` with these words. */
  readonly btrfs: (...words: readonly string[]) => Promise<unknown>;
  /** Whom files and folders are given to; null: whoever writes them. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Fills an empty, mounted btrfs volume. Yields after each piece, so that others
 * have their turn and a cancelled one ends soon.
 * @param root the mount path
 * @returns yields bytes done so far, of plan.bytes
 */
export async function* fillDemo(root: string, plan: DemoPlan, options: FillOptions): AsyncGenerator<number> {
  const { btrfs, owner } = options;
  let done = 0;
  // given away last: root without CAP_DAC_OVERRIDE cannot write into another's folder
  const folders: string[] = [];
  for (const step of plan.steps) {
    const target = join(root, step.path);
    folders.push(...makeFolders(root, dirname(target)));
    switch (step.kind) {
      case "subvolume":
        await btrfs("subvolume", "create", target);
        chmodSync(target, FOLDER_MODE);
        folders.push(target);
        break;
      case "snapshot":
        await btrfs("subvolume", "snapshot", "-r", join(root, step.of), target);
        break;
      case "file":
        for (const bytes of writeFile(target, step.content, step.holes, owner)) {
          done += bytes;
          await setImmediate();
          yield done;
        }
        break;
    }
  }
  if (owner !== null) for (const path of folders) chownSync(path, owner.uid, owner.gid);
  await btrfs("filesystem", "sync", root);
}

/** Set after making, whatever the umask: a snapshot keeps them as root's, and is to be read all the same. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** mkdir -p. @returns the folders that were not there */
function makeFolders(root: string, folder: string): string[] {
  const made: string[] = [];
  let path = root;
  for (const name of relative(root, folder).split(sep).filter(Boolean)) {
    path = join(path, name);
    if (existsSync(path)) continue;
    mkdirSync(path);
    chmodSync(path, FOLDER_MODE);
    made.push(path);
  }
  return made;
}

function* writeFile(
  target: string,
  content: Content,
  holes: boolean,
  owner: FillOptions["owner"],
): Generator<number> {
  const fd = openSync(target, "wx", FILE_MODE);
  try {
    fchmodSync(fd, FILE_MODE);
    if (owner !== null) fchownSync(fd, owner.uid, owner.gid);
    let at = 0;
    for (const chunk of contentBytes(SEED, content.id, content.size)) {
      for (let k = 0; k < chunk.length; k += MIB) {
        const hole = holes && ((at + k) / MIB) % 4 === 3;
        if (!hole) writeSync(fd, chunk, k, Math.min(MIB, chunk.length - k), at + k);
      }
      at += chunk.length;
      yield chunk.length;
    }
  } finally {
    closeSync(fd);
  }
}
