/** The volume that the app is shown: made from a seed, scanned once, or taken from an earlier run. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeGroups } from "../review/corpus.mjs";
import { LoopVolume, makeImage } from "../volume.mjs";

const REFOLD = join(import.meta.dirname, "../../../bin/refold");

/**
 * @param {string} directory for the mount and the database, and the image where none is named
 * @param {{ groups: number, image?: string }} options image: kept, and used again where it is there
 * @returns {{ volumes: string[], database: string, groups: number, files: number, close: () => void }}
 */
export function makeWorld(directory, { groups, image = join(directory, "disk.img") }) {
  const there = existsSync(image);
  if (!there) makeImage(image, 16 * 2 ** 30);
  const volume = new LoopVolume(image, join(directory, "mnt"));
  if (!there) writeGroups(volume.mountPath, { groups });
  const database = join(directory, "db");
  const json = execFileSync(REFOLD, ["scan", volume.mountPath, "--db", database, "--flush", "--json"], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [scan] = JSON.parse(json).volumes;
  return {
    volumes: [volume.mountPath],
    database,
    groups: scan.groups,
    files: scan.files,
    close: () => volume.close(),
  };
}
