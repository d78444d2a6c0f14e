/** A power cut: what the disk holds while a run stands still is what comes back after it. */
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "../support/exec.ts";
import type { LoopVolume } from "../support/volume.ts";

/** Sectors written to the disk so far. */
function sectorsWritten(volume: LoopVolume): string {
  return (
    readFileSync(`/sys/block/${basename(volume.device)}/stat`, "utf8")
      .trim()
      .split(/\s+/)[6] ?? ""
  );
}

/** What is on the disk now, and in the databases: again until nothing was written meanwhile. */
export function copyDisk(
  volume: LoopVolume,
  databases: string,
  cutImage: string,
  cutDatabases: string,
): void {
  for (let tries = 0; tries < 20; tries++) {
    const before = sectorsWritten(volume);
    rmSync(cutDatabases, { recursive: true, force: true });
    cpSync(databases, cutDatabases, { recursive: true });
    exec("cp", ["--sparse=always", volume.images[0] ?? "", cutImage]);
    if (sectorsWritten(volume) === before) return;
  }
  throw new Error("the disk was written to all the time");
}

/**
 * Mounts a device in the volume's place, with the uuid that it has on disk. While
 * anybody else still looks at a filesystem of that uuid, and another test may list
 * all that are mounted, the kernel (6.7 and later) mounts it with a uuid made up.
 */
async function mountAsItself(volume: LoopVolume, device: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    exec("mount", ["-t", "btrfs", "-o", "noatime", device, volume.path]);
    if (existsSync(`/sys/fs/btrfs/${volume.uuid}/devices/${basename(device)}`)) return;
    volume.unmount();
    await sleep(100);
  }
  throw new Error("somebody held a filesystem of the same uuid all the time");
}

/** Mounts what came back after the cut in the place of the volume, for as long as `use` runs. */
export async function afterTheCut(
  volume: LoopVolume,
  cutImage: string,
  use: () => Promise<void>,
): Promise<void> {
  volume.unmount();
  // the same uuid twice: the kernel must forget the one that is not mounted
  exec("btrfs", ["device", "scan", "--forget"]);
  const device = exec("losetup", ["--find", "--show", cutImage]).trim();
  try {
    await mountAsItself(volume, device);
    try {
      await use();
    } finally {
      volume.unmount();
    }
  } finally {
    exec("losetup", ["--detach", device]);
    exec("btrfs", ["device", "scan", "--forget"]);
    await mountAsItself(volume, volume.device);
  }
}
