/**
 * The corpus that tools are measured on: a plan made from a seed, and the
 * writing of it. The plan alone says how many groups there are and how many
 * bytes are redundant, so that every tool's answer can be held against it.
 */
import { closeSync, constants, copyFileSync, mkdirSync, openSync, writeSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { below, contentBytes, logUniform, numbers } from "../lib/random.mjs";

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 4 * KIB;

/** Share of the files, their sizes, and which part of them are copies. `big` fills up to the total. */
const CLASSES = [
  { name: "small", share: 0.7, low: 200, high: 16 * KIB, copies: 0.3, extension: "txt" },
  { name: "medium", share: 0.265, low: 16 * KIB, high: 512 * KIB, copies: 0.25, extension: "pdf" },
  { name: "large", share: 0.03, low: 512 * KIB, high: 8 * MIB, copies: 0.25, extension: "jpg" },
  { name: "big", share: 0.005, low: 1, high: 24, copies: 0.25, extension: "iso" },
];
/** Of the originals: another one's size but other content, and equal but for the last byte. */
const SAME_SIZE = 0.05;
const NEAR_MISS = 0.01;
/** Of the copies: already reflinks, which a fold can gain nothing from. */
const REFLINKED = 0.07;

export const SUBVOLUMES = ["home", "media", "archive"];

/**
 * @typedef {object} PlannedFile
 * @property {string} path below the volume
 * @property {number} size bytes
 * @property {number} content what the bytes are made from
 * @property {boolean} flipped the last byte is another one
 * @property {number | null} reflinkOf index of the file it is a reflink of
 */

/**
 * @param {{ seed: number, bytes: number, files: number }} options bytes: of all files together
 * @returns {PlannedFile[]}
 */
export function planCorpus({ seed, bytes, files }) {
  const random = numbers(seed);
  const plan = [];
  let planned = 0;
  let contents = 0;
  for (const kind of CLASSES) {
    const last = kind === CLASSES.at(-1);
    const count = last ? files - plan.length : Math.round(files * kind.share);
    const originals = [];
    const members = [];
    for (let k = count - Math.round(count * kind.copies); k > 0; k--) {
      const luck = random();
      const model =
        luck < SAME_SIZE && originals.length > 0 ? originals[below(random, originals.length)] : null;
      const near = model !== null && luck < NEAR_MISS && !model.flipped;
      originals.push({
        size: model?.size ?? logUniform(random, kind.low, kind.high),
        content: near ? model.content : contents++,
        flipped: near,
        original: null,
      });
    }
    members.push(...originals);
    while (members.length < count) {
      const original = originals[below(random, originals.length)];
      members.push({ ...original, original, reflink: random() < REFLINKED });
    }
    if (last) scale(members, bytes - planned);
    for (const member of members) planned += member.size;
    place(plan, members, kind, random);
  }
  return plan;
}

/** Makes relative sizes into bytes that add up to about `bytes`; equal ones stay equal. */
function scale(members, bytes) {
  const sum = members.reduce((total, member) => total + member.size, 0);
  if (bytes < sum * MIB * 0.05) throw new Error("corpus: too few bytes for so many files");
  for (const member of members) member.size = Math.max(1, Math.round((member.size / sum) * bytes));
}

/** Gives each member a path and turns "original" into an index. Directories hold about 40 files. */
function place(plan, members, kind, random) {
  const indexes = new Map();
  for (const member of members) {
    const index = plan.length;
    if (member.original === null) indexes.set(member, index);
    const folder = below(random, Math.max(1, Math.ceil(members.length / 120)));
    const subvolume = SUBVOLUMES[below(random, SUBVOLUMES.length)];
    plan.push({
      path: `${subvolume}/${kind.name}/${Math.floor(folder / 16)}/${folder % 16}/${index}.${kind.extension}`,
      size: member.size,
      content: member.content,
      flipped: member.flipped,
      reflinkOf: member.reflink ? indexes.get(member.original) : null,
    });
  }
}

/**
 * What is there to be found.
 * @param {PlannedFile[]} plan
 * @param {number} minSize bytes; smaller files are left out
 * @returns {{ groups: number, reclaimableGroups: number, redundantBytes: number, bytes: number,
 *   duplicateBytes: number }} groups: sets of two or more equal files; reclaimableGroups: of those, where at
 *   least two copies do not share their data; redundantBytes: on disk, what folding them frees;
 *   duplicateBytes: file sizes of all copies but one of each group
 */
export function truthOf(plan, minSize) {
  const groups = new Map();
  let bytes = 0;
  for (const file of plan) {
    bytes += file.size;
    if (file.size < minSize) continue;
    const key = `${file.content} ${file.flipped}`;
    const group = groups.get(key) ?? { size: file.size, files: 0, stored: 0 };
    group.files++;
    if (file.reflinkOf === null) group.stored++;
    groups.set(key, group);
  }
  const sets = [...groups.values()].filter((group) => group.files > 1);
  const reclaimable = sets.filter((group) => group.stored > 1);
  return {
    bytes,
    groups: sets.length,
    reclaimableGroups: reclaimable.length,
    duplicateBytes: sets.reduce((sum, group) => sum + group.size * (group.files - 1), 0),
    redundantBytes: reclaimable.reduce(
      (sum, group) => sum + Math.ceil(group.size / BLOCK) * BLOCK * (group.stored - 1),
      0,
    ),
  };
}

/**
 * Writes the plan into a mounted, empty btrfs volume: the subvolumes, the files, the reflinks.
 * @param {string} root the mount path
 * @param {number} seed
 * @param {PlannedFile[]} plan
 */
export function writeCorpus(root, seed, plan) {
  for (const name of SUBVOLUMES) execFileSync("btrfs", ["-q", "subvolume", "create", join(root, name)]);
  for (const folder of new Set(plan.map((file) => dirname(file.path)))) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  // In the order of the paths, as a copy of a tree is written; reflinks after what they are reflinks of.
  const ordered = [...plan].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of ordered) if (file.reflinkOf === null) writeFile(join(root, file.path), seed, file);
  execFileSync("btrfs", ["filesystem", "sync", root]);
  for (const file of ordered) {
    if (file.reflinkOf === null) continue;
    const source = join(root, plan[file.reflinkOf].path);
    copyFileSync(source, join(root, file.path), constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  }
  execFileSync("btrfs", ["filesystem", "sync", root]);
}

function writeFile(path, seed, file) {
  const fd = openSync(path, "wx", 0o644);
  try {
    let left = file.size;
    for (const chunk of contentBytes(seed, file.content, file.size)) {
      left -= chunk.length;
      if (left === 0 && file.flipped) chunk[chunk.length - 1] ^= 0xff;
      for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
    }
  } finally {
    closeSync(fd);
  }
}
