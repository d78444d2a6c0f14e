/** Duplicates on a test volume whose savings are known, with a subvolume and a read-only snapshot. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "../support/exec.ts";
import type { LoopVolume } from "../support/volume.ts";

const MIB = 2 ** 20;

/** name -> size and where its copies are. The first is written first. */
export const PLANTED = {
  "holiday.jpg": {
    size: 6 * MIB,
    copies: ["photos/holiday.jpg", "photos/backup/holiday.jpg", "home/old/holiday.jpg"],
  },
  "machine.qcow2": { size: 16 * MIB, copies: ["vm/machine.qcow2", "vm/copy of machine.qcow2"] },
  "song.flac": { size: 3 * MIB, copies: ["music/song.flac", "home/song.flac"] },
  "tool.js": {
    size: 64 * 1024,
    copies: ["src/a/tool.js", "src/b/tool.js", "src/c/tool.js", "src/d/tool.js"],
  },
} as const;

/** What a fold of everything gives back: every copy but one. */
export const REDUNDANT = Object.values(PLANTED).reduce(
  (sum, { size, copies }) => sum + size * (copies.length - 1),
  0,
);

/** Writes the planted files, and some that are alone. `home` is a subvolume, `.snapshot` a snapshot of another. */
export function plant(volume: LoopVolume): void {
  exec("btrfs", ["-q", "subvolume", "create", join(volume.path, "home")]);
  exec("btrfs", ["-q", "subvolume", "create", join(volume.path, "notes")]);
  for (const { size, copies } of Object.values(PLANTED)) {
    const data = randomBytes(size);
    for (const copy of copies) write(join(volume.path, copy), data);
  }
  for (let k = 0; k < 20; k++) write(join(volume.path, `single/${String(k)}.bin`), randomBytes(20_000 + k));
  write(join(volume.path, "notes/a.txt"), randomBytes(9000));
  volume.snapshot("notes", ".snapshot", { readOnly: true });
  volume.settle();
}

/** Many pairs, so that a fold takes long enough to be interrupted. */
export function plantPairs(volume: LoopVolume, count: number, size: number): void {
  for (let k = 0; k < count; k++) {
    const data = randomBytes(size);
    for (const side of ["left", "right"]) write(join(volume.path, side, `${String(k)}.bin`), data);
  }
  volume.settle();
}

function write(path: string, data: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
}
