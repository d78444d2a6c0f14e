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
 * @param {{ groups: number, snapshot?: boolean }} options snapshot: a read-only one of a part of it, which
 *   then shares extents with what is in the groups
 * @returns {{ files: number }}
 */
export function writeGroups(root, { groups, snapshot = false }) {
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
    const copies = random() < 0.5 ? 2 : 3;
    for (const folder of folders.slice(0, copies)) {
      writeFileSync(join(folder, `file ${String(group).padStart(6, "0")}.${ending}`), data);
      files++;
    }
  }
  execFileSync("btrfs", ["filesystem", "sync", root]);
  if (snapshot) {
    const words = ["-q", "subvolume", "snapshot", "-r", join(root, "home"), join(root, "snapshot")];
    execFileSync("btrfs", words);
  }
  return { files };
}
