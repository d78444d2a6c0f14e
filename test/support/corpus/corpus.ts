/**
 * Fills a volume with everything that a duplicate search can get wrong, from a
 * seed. What it plants is recorded, so that the oracle can be tried against it.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { makeNode } from "../libc.ts";
import { Deck, Random } from "../random.ts";
import type { LoopVolume } from "../volume.ts";
import { childPath, openDirectory } from "../walk.ts";
import { makeFamilies, type Content } from "./contents.ts";
import { DECORATIONS } from "./decorate.ts";
import { ODD_NAMES, plainName } from "./names.ts";
import { AFTER_PHASES, MOUNT_PHASES, WRITERS, writePart, type Existing, type Writer } from "./writers.ts";

export interface CorpusOptions {
  readonly seed: number;
  /** Largest file, bytes. Default 8 MiB; 64 MiB adds a family of that size. */
  readonly maxSize?: number;
}

export interface Corpus {
  /** sha256 -> how many files (not names) of this content lie outside snapshots. */
  readonly planted: ReadonlyMap<string, number>;
  /** How often each writer and decoration was used. */
  readonly used: ReadonlyMap<string, number>;
}

interface Place {
  readonly directory: Buffer;
  /** Subvolume, by its path. */
  readonly home: string;
}

interface Copy extends Existing {
  readonly isLink: boolean;
  readonly sha256: string;
  isLinkedTo: boolean;
}

/** Deep enough that the whole path cannot be passed in one call (PATH_MAX is 4096). */
const DEEP_LEVELS = 24;

class Builder {
  readonly random: Random;
  readonly planted = new Map<string, number>();
  readonly used = new Map<string, number>();
  private readonly volume: LoopVolume;
  private readonly copies = new Map<string, Copy[]>();
  private readonly places: Place[] = [];
  private readonly writers: Deck<Writer>;
  private readonly fresh: Deck<Writer>;
  private readonly oddNames: Buffer[];
  private readonly undecorated: Copy[] = [];
  private readonly heldOpen: number[] = [];
  private readonly taken = new Set<string>();
  private names = 0;

  constructor(volume: LoopVolume, seed: number) {
    this.volume = volume;
    this.random = new Random(seed);
    this.writers = new Deck(this.random, WRITERS);
    this.fresh = new Deck(
      this.random,
      WRITERS.filter((writer) => writer.checksums && !/link/.test(writer.name)),
    );
    this.oddNames = this.random.shuffle([...ODD_NAMES, ...ODD_NAMES]);
  }

  makeDirectories(): void {
    const { path } = this.volume;
    const homes = ["", "alpha", "alpha/inner", "alpha/inner/deepest", "beta", "gamma sub"];
    for (const home of homes) {
      if (home !== "") this.volume.createSubvolume(home);
      const names = ["", "dir", "dir/below"].map((name) => Buffer.from(name));
      for (const name of [...names, Buffer.from("another dir\n\xff", "latin1")]) {
        const directory = Buffer.concat([Buffer.from(`${join(path, home)}/`), name]);
        mkdirSync(directory, { recursive: true });
        this.places.push({ directory, home });
      }
    }
    let at = openDirectory(join(path, "beta"));
    for (let level = 0; level < DEEP_LEVELS; level++) {
      const below = childPath(at, Buffer.alloc(200, `level ${level} `));
      mkdirSync(below);
      this.heldOpen.push(at);
      at = openDirectory(below);
    }
    this.heldOpen.push(at);
    const deep = childPath(at, "");
    this.places.push({ directory: deep.subarray(0, -1), home: "beta" });
    symlinkSync("alpha/dir", join(path, "symlink"));
    symlinkSync("nowhere", join(path, "beta", "dangling"));
    makeNode(join(path, "alpha", "fifo"), 0o10644);
    makeNode(join(path, "alpha", "socket"), 0o140644);
  }

  private newName(): Buffer {
    this.names += 1;
    return (this.random.chance(0.25) ? this.oddNames.pop() : undefined) ?? plainName(this.random, this.names);
  }

  /** A path in a directory that nothing has had before: an odd name taken there gives way to another. */
  private freeName(directory: Buffer): Buffer {
    for (;;) {
      const path = Buffer.concat([directory, Buffer.from("/"), this.newName()]);
      if (this.taken.has(path.toString("latin1"))) continue;
      this.taken.add(path.toString("latin1"));
      return path;
    }
  }

  private newPath(): { path: Buffer; home: string } {
    const place = this.random.pick(this.places);
    return { path: this.freeName(place.directory), home: place.home };
  }

  private record(copy: Copy, what: string): void {
    this.used.set(what, (this.used.get(what) ?? 0) + 1);
    const list = this.copies.get(copy.sha256);
    if (list === undefined) this.copies.set(copy.sha256, [copy]);
    else list.push(copy);
    this.undecorated.push(copy);
    if (!copy.isLink) this.planted.set(copy.sha256, (this.planted.get(copy.sha256) ?? 0) + 1);
  }

  /** Leaves a copy out of what can be linked to, renamed or deleted later. */
  private forget(copy: Copy): void {
    const list = this.copies.get(copy.sha256) ?? [];
    const at = list.indexOf(copy);
    if (at >= 0) list.splice(at, 1);
  }

  /** Writes one copy by the next way that fits. */
  place(content: Content): void {
    const { path, home } = this.newPath();
    const existing = this.copies.get(content.sha256) ?? [];
    const request = { random: this.random, path, content, existing, home };
    // The largest would take long to write in pieces by every way there is.
    const deck = content.bytes.length > 32 << 20 ? this.fresh : this.writers;
    const writer = deck.draw((card) => card.fits(request));
    writer.write(request);
    if (writer.isLink === true) for (const copy of existing) copy.isLinkedTo = true;
    const { checksums } = writer;
    const isLink = writer.isLink === true;
    this.record({ path, home, checksums, isLink, sha256: content.sha256, isLinkedTo: isLink }, writer.name);
  }

  /** Writes copies under each mount option in turn, some half under one and half under the next. */
  placeByMountOptions(contents: readonly Content[]): void {
    const halves: { path: Buffer; home: string; content: Content }[] = [];
    for (const phase of MOUNT_PHASES) {
      this.volume.remount(phase.set);
      // NODATASUM is a property of the file: a second half takes the first one's.
      for (const { path, home, content } of halves.splice(0)) {
        writePart(path, content, "second");
        const copy = {
          path,
          home,
          checksums: true,
          isLink: false,
          sha256: content.sha256,
          isLinkedTo: false,
        };
        this.record(copy, "halves under two mount options");
      }
      for (const content of contents) {
        const { path, home } = this.newPath();
        if (phase.checksums && content.bytes.length > 8192 && this.random.chance(0.3)) {
          writePart(path, content, "first");
          halves.push({ path, home, content });
          continue;
        }
        writePart(path, content, "whole");
        const { checksums } = phase;
        const copy = { path, home, checksums, isLink: false, sha256: content.sha256, isLinkedTo: false };
        this.record(copy, `mounted with ${phase.set}`);
      }
    }
    this.volume.remount(AFTER_PHASES, ...this.volume.mountOptions);
  }

  /** Owners, modes, xattrs and flags for a part of what was written since the last call. */
  decorate(): void {
    this.volume.sync();
    for (const copy of this.undecorated.splice(0)) {
      for (const decoration of DECORATIONS) {
        if (decoration.needsChecksums === true && !copy.checksums) continue;
        // A file locked under one of its names would be in the way of the next one's decorations.
        if (copy.isLink || (copy.isLinkedTo && /immutable|append/.test(decoration.name))) continue;
        if (!this.random.chance(decoration.probability)) continue;
        decoration.apply(copy.path, this.random);
        this.used.set(decoration.name, (this.used.get(decoration.name) ?? 0) + 1);
        // Neither can be linked to or reflinked from with O_RDWR any more; leave it out as a source.
        if (!/immutable|append/.test(decoration.name)) continue;
        this.forget(copy);
      }
    }
  }

  /** Deletes, renames and rewrites (with the same bytes) some of what snapshots hold. */
  churn(contents: ReadonlyMap<string, Content>): void {
    for (const list of this.copies.values()) {
      for (const copy of [...list]) {
        if (copy.isLinkedTo) continue;
        if (this.random.chance(0.05)) {
          unlinkSync(copy.path);
          this.forget(copy);
          this.planted.set(copy.sha256, (this.planted.get(copy.sha256) ?? 0) - 1);
        } else if (this.random.chance(0.05)) {
          const bytes = contents.get(copy.sha256)?.bytes ?? Buffer.alloc(0);
          const fd = openSync(copy.path, constants.O_WRONLY);
          writeSync(fd, bytes, 0, Math.min(bytes.length, 4096), 0);
          closeSync(fd);
        } else if (this.random.chance(0.05)) {
          const renamed = this.freeName(copy.path.subarray(0, copy.path.lastIndexOf("/")));
          renameSync(copy.path, renamed);
          list[list.indexOf(copy)] = { ...copy, path: renamed };
        }
      }
    }
  }

  release(): void {
    for (const fd of this.heldOpen.splice(0)) closeSync(fd);
  }
}

/** How many copies of a content: few of the large. */
function copiesOf(random: Random, content: Content, isFirst: boolean): number {
  const { length } = content.bytes;
  if (length > 32 << 20) return isFirst ? 2 : 1;
  if (length > 2 << 20) return isFirst ? 3 : 1;
  return isFirst ? random.between(2, 6) : random.between(1, 2);
}

/** Fills the volume, which must be mounted at its top level and empty. Ends with everything on disk. */
export function buildCorpus(volume: LoopVolume, options: CorpusOptions): Corpus {
  const builder = new Builder(volume, options.seed);
  const { random } = builder;
  try {
    builder.makeDirectories();
    const families = makeFamilies(random, { maxSize: options.maxSize ?? 8 << 20 });
    const contents = new Map(families.flat().map((content) => [content.sha256, content]));
    const jobs = random.shuffle(
      families.flatMap((family) =>
        family.flatMap((content, k) =>
          Array.from({ length: copiesOf(random, content, k === 0) }, () => content),
        ),
      ),
    );
    const half = Math.floor(jobs.length / 2);
    for (const content of jobs.slice(0, half)) builder.place(content);
    const forPhases = random.shuffle(
      [...contents.values()].filter((content) => content.bytes.length <= 600_000),
    );
    builder.placeByMountOptions(forPhases.slice(0, 12));
    builder.decorate();
    volume.snapshot("alpha", "alpha snapshot", { readOnly: true });
    volume.snapshot("beta", "beta writable snapshot");
    builder.churn(contents);
    for (const content of jobs.slice(half)) builder.place(content);
    mkdirSync(join(volume.path, "snapshots"));
    volume.snapshot("alpha", "snapshots/alpha 2", { readOnly: true });
    volume.snapshot("gamma sub", "snapshots/gamma", { readOnly: true });
    // These lie in no snapshot, so that folding them frees space.
    for (const content of random.shuffle(jobs).slice(0, half)) builder.place(content);
    builder.decorate();
    volume.settle();
  } finally {
    builder.release();
  }
  return { planted: builder.planted, used: builder.used };
}
