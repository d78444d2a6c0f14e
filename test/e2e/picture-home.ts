/** A home directory as people have them, small, for the pictures in docs/screenshots. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import type { LoopVolume } from "../support/volume.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** Size and places of each file that is there more than once. */
const COPIES: readonly (readonly [size: number, ...paths: string[]])[] = [
  [36 * MIB, "Downloads/fedora-workstation-43.iso", "VMs/boot/install.iso", "family/iso/F43.iso"],
  [42 * MIB, "VMs/windows/win11.qcow2", "VMs/backup/win11.qcow2"],
  [
    14 * MIB,
    "Games/steam/shadercache/1091500/stash_0.foz",
    "Games/heroic/shadercache/stash_0.foz",
    "Games/old/stash_0.foz",
  ],
  [9 * MIB, "Videos/summer.mkv", "family/shared/summer.mkv"],
  [3 * MIB, "Music/live.flac", "Downloads/live.flac"],
  [700 * KIB, "Documents/thesis.pdf", "Documents/old/thesis (1).pdf", "Downloads/thesis.pdf"],
  ...[2041, 2042, 2043, 2044, 2051, 2052].map((k): [number, ...string[]] => [
    4 * MIB + k * 1000,
    `Photos/2026/DSC_${String(k)}.NEF`,
    `Photos/backup/DSC_${String(k)}.NEF`,
  ]),
  ...["typescript/lib/tsc.js", "esbuild/bin/esbuild", "vite/dist/node.js", "rollup/dist/rollup.js"].map(
    (name, k): [number, ...string[]] => [
      900 * KIB - k * 90 * KIB,
      ...["shop", "site", "notes", "api"].map((project) => `src/${project}/node_modules/${name}`),
    ],
  ),
];

/** The same bytes and dates each time, so that the pictures change only with the app. */
export function plantHome(volume: LoopVolume): void {
  const random = new Random(2026);
  for (const name of ["Photos", "Documents"])
    exec("btrfs", ["-q", "subvolume", "create", join(volume.path, name)]);
  for (const [size, ...paths] of COPIES) {
    const data = random.bytes(size);
    for (const [k, path] of paths.entries()) write(join(volume.path, path), data, k);
  }
  for (let k = 0; k < 30; k++)
    write(join(volume.path, `Documents/${String(k)}.odt`), random.bytes(30_000), k);
  write(join(volume.path, "Documents/contract.pdf"), random.bytes(80_000), 0);
  plantParts(volume, random);
  mkdirSync(join(volume.path, ".snapshots"));
  for (const k of [1, 2]) volume.snapshot("Photos", `.snapshots/${String(k)}`, { readOnly: true });
  volume.settle();
}

/** Files that are the same in part: two states of a machine, and an archive of what lies beside it. */
function plantParts(volume: LoopVolume, random: Random): void {
  const disk = random.bytes(28 * MIB);
  write(join(volume.path, "VMs/debian/disk.img"), disk, 2);
  const later = Buffer.concat([disk.subarray(0, 20 * MIB), random.bytes(9 * MIB)]);
  write(join(volume.path, "VMs/debian/disk-2026-10.img"), later, 6);
  const songs = random.bytes(12 * MIB);
  write(join(volume.path, "Music/concert.wav"), songs, 3);
  write(
    join(volume.path, "Downloads/band.tar"),
    Buffer.concat([random.bytes(4 * KIB), songs, random.bytes(600 * KIB)]),
    4,
  );
}

function write(path: string, data: Buffer, k: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  const when = Date.UTC(2026, 2 + (k % 8), 3 + k) / 1000;
  utimesSync(path, when, when);
}
