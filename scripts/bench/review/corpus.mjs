/** A volume of very many small groups, for measuring a review. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["Pictures", "Documents", "projects", "Music", "backup"];
const ENDINGS = ["jpg", "pdf", "ts", "mp3", "txt", "o", "png", "json"];

/** A seeded generator (mulberry32): the same volume every time. */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Writes groups of two or three equal files of 4 to 12 KiB below a mounted btrfs, each file with data of its
 * own, a hundred to a folder.
 * @param {string} root
 * @param {{ groups: number, copies?: number }} options copies: so many of each
 * @returns {{ files: number }}
 */
export function writeGroups(root, { groups, copies = 0 }) {
  const random = randomOf(7);
  const content = Buffer.alloc(12 * 1024 + 16);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((random() * 2 ** 32) >>> 0, at);
  execFileSync("btrfs", ["-q", "subvolume", "create", join(root, "home")]);
  let files = 0;
  let folders = [];
  for (let group = 0; group < groups; group++) {
    if (group % 100 === 0) {
      const kind = FOLDERS[Math.floor(random() * FOLDERS.length)];
      folders = ["anna", "anna/old", "ben"].map((who) =>
        join(root, "home", who, kind, `folder ${group / 100}`),
      );
      for (const folder of folders) mkdirSync(folder, { recursive: true });
    }
    content.writeUInt32LE(group, 0);
    const data = content.subarray(0, 4096 + Math.floor(random() * 8192));
    const ending = ENDINGS[Math.floor(random() * ENDINGS.length)];
    const few = random() < 0.5 ? 2 : 3;
    const count = copies === 0 ? few : copies;
    for (let k = 0; k < count; k++) {
      const serial = k < folders.length ? "" : ` (${k})`;
      const name = `file ${String(group).padStart(6, "0")}${serial}.${ending}`;
      writeFileSync(join(folders[k % folders.length], name), data);
      files++;
    }
  }
  execFileSync("btrfs", ["filesystem", "sync", root]);
  return { files };
}

/** Read-only snapshots of what was written, which then share its extents. */
export function takeSnapshots(root, count) {
  for (let k = 0; k < count; k++) {
    const words = ["-q", "subvolume", "snapshot", "-r", join(root, "home"), join(root, `snapshot ${k}`)];
    execFileSync("btrfs", words);
  }
}

/**
 * Writes pairs of files that have 16 KiB in common and 8 KiB each of their own.
 * @param {string} root where writeGroups wrote
 * @param {number} pairs
 */
export function writePairs(root, pairs) {
  const random = randomOf(11);
  const [common, own] = [Buffer.alloc(16 * 1024), Buffer.alloc(8 * 1024)];
  for (const data of [common, own]) {
    for (let at = 0; at < data.length; at += 4) data.writeUInt32LE((random() * 2 ** 32) >>> 0, at);
  }
  const stamp = (data, serial) => {
    for (let at = 0; at < data.length; at += 4096) data.writeUInt32LE(serial, at);
    return data;
  };
  let folder = "";
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 100 === 0) {
      folder = join(root, "home", "parts", `folder ${pair / 100}`);
      mkdirSync(folder, { recursive: true });
    }
    for (const [k, name] of ["a", "b"].entries()) {
      const parts = [stamp(common, pair), stamp(own, 2 * pair + k)];
      writeFileSync(join(folder, `pair ${pair} ${name}`), Buffer.concat(k === 0 ? parts : parts.reverse()));
    }
  }
  execFileSync("btrfs", ["filesystem", "sync", root]);
}
