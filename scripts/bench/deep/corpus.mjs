/**
 * The corpus of the deep bench: files that are equal in part, as they come to be on real disks. A file is a
 * list of pieces; a piece that occurs in two files is data that occurs twice. Everything is made from a seed.
 */
import { closeSync, constants, copyFileSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { below, contentBytes, logUniform, numbers } from "../../lib/random.mjs";

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 4 * KIB;

export const SUBVOLUMES = ["home", "projects", "backup"];
/** Taken of the first subvolume, read-only, before `afterwards` is done. */
const SNAPSHOT = "home-yesterday";

/** What the corpus is made of: share of the bytes, and in words. */
export const KINDS = {
  whole: { share: 0.18, words: "whole files, four in ten of them copies" },
  images: { share: 0.26, words: "disk images: with blocks inserted, overwritten, and cut off" },
  logs: { share: 0.07, words: "logs, kept at five lengths as they grew" },
  archives: { share: 0.1, words: "archives of whole files, each member from a block's start on" },
  shifted: { share: 0.11, words: "the same data behind headers of other lengths" },
  edited: { share: 0.05, words: "copies and reflinks overwritten in the middle" },
  single: { share: 0.23, words: "data that is nowhere else" },
};

/**
 * @typedef {{ content: number, size: number }} Piece size: bytes
 * @typedef {object} PlannedFile
 * @property {string} path below the volume
 * @property {Piece[]} pieces
 * @property {number} size bytes; the last piece may be cut
 * @property {string | null} reflinkOf path
 * @property {{ at: number, piece: Piece }[]} overwrites made once the file is on the disk
 *
 * @typedef {{ files: PlannedFile[], afterwards: string[] }} Plan afterwards: files removed after the snapshot
 */

class Planner {
  files = [];
  #contents = 0;
  #count = 0;

  constructor(seed) {
    this.random = numbers(seed);
  }

  /** New data; whole blocks. */
  piece(low, high) {
    const size = Math.max(1, Math.round(logUniform(this.random, low, high) / BLOCK)) * BLOCK;
    return { content: this.#contents++, size };
  }

  /** New data of so many bytes, in pieces. */
  pieces(bytes, low = 16 * KIB, high = 2 * MIB) {
    const list = [];
    for (let left = bytes; left > 0; left -= list.at(-1).size) list.push(this.piece(low, high));
    return list;
  }

  /** @returns {PlannedFile} */
  add(kind, pieces, more = {}) {
    const subvolume = SUBVOLUMES[below(this.random, SUBVOLUMES.length)];
    const total = sizeOf(pieces);
    const file = {
      path: `${subvolume}/${kind}/${String(this.#count++).padStart(5, "0")}`,
      pieces,
      size: total,
      reflinkOf: null,
      overwrites: [],
      ...more,
    };
    this.files.push(file);
    return file;
  }
}

const sizeOf = (pieces) => pieces.reduce((sum, { size }) => sum + size, 0);
/** Not all files end with a block. */
const cut = (random, pieces) => sizeOf(pieces) - below(random, BLOCK);

/**
 * @param {{ seed: number, bytes: number }} options bytes: of all files together, about
 * @returns {Plan}
 */
export function planCorpus({ seed, bytes }) {
  const planner = new Planner(seed);
  const { random } = planner;
  const budget = (kind) => KINDS[kind].share * bytes;

  const originals = [];
  for (let left = budget("whole"); left > 0;) {
    const pieces = planner.pieces(logUniform(random, 8 * KIB, 3 * MIB), 4 * KIB, 3 * MIB);
    const size = cut(random, pieces);
    originals.push(planner.add("whole", pieces, { size }));
    left -= size;
    if (random() < 2 / 3) {
      planner.add("whole", pieces, { size });
      left -= size;
    }
  }

  planImages(planner, budget("images"));

  for (let left = budget("logs"); left > 0;) {
    const whole = planner.pieces(logUniform(random, MIB, 16 * MIB), 4 * KIB, MIB);
    for (let k = 1; k <= 5 && left > 0; k++) {
      const pieces = whole.slice(0, Math.ceil((whole.length * k) / 5));
      left -= planner.add("logs", pieces, { size: cut(random, pieces) }).size;
    }
  }

  for (let left = budget("archives"); left > 0;) {
    const members = Array.from({ length: 8 }, () => originals[below(random, originals.length)]);
    const pieces = members.flatMap((member) => [planner.piece(BLOCK, BLOCK), ...member.pieces]);
    left -= planner.add("archives", pieces).size;
  }

  for (let left = budget("shifted"); left > 0;) {
    const common = planner.pieces(logUniform(random, 256 * KIB, 24 * MIB));
    for (let copy = 0; copy < 2 + (random() < 0.3 ? 1 : 0); copy++) {
      const header = planner.pieces(BLOCK * (1 + below(random, 40)), BLOCK, 8 * BLOCK);
      const pieces = [...header, ...common, ...planner.pieces(64 * KIB, BLOCK, 64 * KIB)];
      left -= planner.add("shifted", pieces, { size: cut(random, pieces) }).size;
    }
  }

  for (let left = budget("edited"), k = 0; left > 0; k++) {
    const pieces = planner.pieces(logUniform(random, 256 * KIB, 16 * MIB));
    const source = planner.add("edited", pieces);
    const middle = Math.floor(source.size / 2 / BLOCK) * BLOCK;
    const piece = planner.piece(source.size / 16, source.size / 4);
    const overwrites = [{ at: middle, piece }];
    const reflinkOf = k % 2 === 0 ? source.path : null;
    planner.add("edited", pieces, { overwrites, reflinkOf });
    left -= source.size * (reflinkOf === null ? 2 : 1);
  }

  for (let left = budget("single"); left > 0;) {
    const pieces = planner.pieces(logUniform(random, 8 * KIB, 64 * MIB), 4 * KIB, 16 * MIB);
    left -= planner.add("single", pieces, { size: cut(random, pieces) }).size;
  }

  const afterwards = planner.files
    .filter(({ path }) => path.startsWith(`${SUBVOLUMES[0]}/whole`))
    .filter((_, k) => k % 10 === 0)
    .map(({ path }) => path);
  return { files: planner.files, afterwards };
}

/** Four of a kind: as it was, with data inserted, with blocks written in place, and the first half with more behind. */
function planImages(planner, bytes) {
  const { random } = planner;
  const sets = Math.max(1, Math.round(bytes / (1.2 * 1024 * MIB)));
  for (let k = 0; k < sets; k++) {
    const base = planner.pieces(bytes / sets / 3.6, 64 * KIB, 4 * MIB);
    planner.add("images", base);
    const inserted = base.flatMap((piece) =>
      random() < 0.05 ? [piece, planner.piece(BLOCK, 256 * KIB)] : [piece],
    );
    planner.add("images", inserted);
    const overwrites = [];
    let at = 0;
    for (const { size } of base) {
      if (random() < 0.08) overwrites.push({ at, piece: planner.piece(BLOCK, size) });
      at += size;
    }
    planner.add("images", base, { overwrites });
    planner.add("images", [...base.slice(0, base.length / 2), ...planner.pieces(sizeOf(base) / 10)]);
  }
}

/**
 * Writes the plan into a mounted, empty btrfs volume.
 * @param {string} root the mount path
 * @param {number} seed
 * @param {Plan} plan
 */
export function writeCorpus(root, seed, { files, afterwards }) {
  const sync = () => execFileSync("btrfs", ["filesystem", "sync", root]);
  for (const name of SUBVOLUMES) execFileSync("btrfs", ["-q", "subvolume", "create", join(root, name)]);
  for (const folder of new Set(files.map((file) => dirname(file.path)))) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const file of files) if (file.reflinkOf === null) writeFile(join(root, file.path), seed, file);
  sync();
  for (const { path, reflinkOf } of files) {
    if (reflinkOf === null) continue;
    const mode = constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL;
    copyFileSync(join(root, reflinkOf), join(root, path), mode);
  }
  execFileSync("btrfs", [
    "-q",
    "subvolume",
    "snapshot",
    "-r",
    join(root, SUBVOLUMES[0]),
    join(root, SNAPSHOT),
  ]);
  for (const { path, overwrites } of files) {
    if (overwrites.length === 0) continue;
    const fd = openSync(join(root, path), "r+");
    for (const { at, piece } of overwrites) writePiece(fd, seed, piece, at, piece.size);
    closeSync(fd);
  }
  for (const path of afterwards) rmSync(join(root, path));
  sync();
}

function writeFile(path, seed, { pieces, size }) {
  const fd = openSync(path, "wx", 0o644);
  let at = 0;
  for (const piece of pieces) {
    writePiece(fd, seed, piece, at, Math.min(piece.size, size - at));
    at += piece.size;
  }
  closeSync(fd);
}

function writePiece(fd, seed, { content, size }, at, length) {
  let done = 0;
  for (const chunk of contentBytes(seed, content, size)) {
    const part = chunk.subarray(0, Math.max(0, length - done));
    for (let k = 0; k < part.length;) k += writeSync(fd, part, k, part.length - k, at + done + k);
    done += chunk.length;
  }
}
