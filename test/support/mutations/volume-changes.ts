/** Changes to how a whole volume is mounted, counted and laid out. */
import { writeFileSync } from "node:fs";
import { exec } from "../exec.ts";
import { ioctl, setXattr, withFd } from "../libc.ts";
import type { LoopVolume } from "../volume.ts";
import { change, newPath, shown, type Change, type Scene } from "./change.ts";
import { NO_CHECKSUMS_MARK } from "./tree.ts";

const IOC_QUOTA_CTL = 0xc0109428;
/** BTRFS_QUOTA_CTL_*; simple quotas are of Linux 6.7. */
const QUOTA = { on: 1, off: 2, simple: 4 } as const;

function setQuotas(volume: LoopVolume, how: keyof typeof QUOTA): void {
  const words = Buffer.alloc(16);
  words.writeBigUInt64LE(BigInt(QUOTA[how]));
  withFd(volume.path, (fd) => ioctl(fd, IOC_QUOTA_CTL, words));
}

function createSeveral(scene: Scene): string[] {
  const content = scene.random.pick(scene.contents);
  const paths = Array.from({ length: scene.random.between(1, 3) }, () => newPath(scene));
  for (const path of paths) writeFileSync(path, content);
  return paths;
}

export const VOLUME_CHANGES: readonly Change[] = [
  change("create on a nodatasum mount", (scene) => {
    scene.volume.remount("nodatasum");
    try {
      const paths = createSeveral(scene);
      for (const path of paths) setXattr(path, NO_CHECKSUMS_MARK, "");
      return paths.map((path) => shown(scene, path)).join(", ");
    } finally {
      scene.volume.remount("datasum");
    }
  }),
  change("create on a mount that compresses", (scene) => {
    const method = scene.random.pick(["zstd", "lzo", "zlib"]);
    scene.volume.remount(`compress-force=${method}`);
    try {
      const paths = createSeveral(scene);
      scene.volume.sync();
      return `${method}: ${paths.map((path) => shown(scene, path)).join(", ")}`;
    } finally {
      scene.volume.remount("compress=no");
    }
  }),
  change("set how files of a folder are compressed", (scene) => {
    const folder = scene.random.pick(scene.tree.directories);
    const method = scene.random.pick(["zstd", "lzo", "zlib", "none"]);
    setXattr(folder, "btrfs.compression", method);
    return `${method}: ${shown(scene, folder)}`;
  }),
  change("count quotas, or not", ({ volume, random }) => {
    const how = random.chance(0.5) ? "on" : "off";
    setQuotas(volume, how);
    return how;
  }),
  // extents get a reference to their owner beside the others, and keep it. Not for longer: Linux 6.18 aborts its
  // transaction where what a deleted subvolume owned is freed then
  change("create with simple quotas", (scene) => {
    setQuotas(scene.volume, "off");
    setQuotas(scene.volume, "simple");
    const paths = createSeveral(scene);
    scene.volume.sync();
    setQuotas(scene.volume, "off");
    return paths.map((path) => shown(scene, path)).join(", ");
  }),
  change("balance of metadata", ({ volume }) => {
    exec("btrfs", ["balance", "start", "-m", volume.path]);
    return "all";
  }),
];
