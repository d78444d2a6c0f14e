import type { VolumeInfo } from "../types.ts";

const GIB = 2 ** 30;
/** Real time, so that "4 minutes ago" is. */
export const NOW = Date.now();

export const FEDORA: VolumeInfo = {
  uuid: "3c1f0a52-7b1e-4a8e-9a55-0d5f1c1a7e01",
  label: "fedora",
  devices: ["/dev/nvme0n1p3"],
  mounts: [
    { path: "/", root: "/root", readOnly: false },
    { path: "/home", root: "/home", readOnly: false },
  ],
  mountPath: "/",
  readOnly: false,
  compression: "zstd:1",
  dataProfile: "single",
  generation: 284_113,
  checksum: "crc32c",
  totalBytes: 476.9 * GIB,
  usedBytes: 339.6 * GIB,
  freeBytes: 137.3 * GIB,
  subvolumes: 26,
  snapshots: 22,
  lastScan: {
    at: NOW - 4 * 60_000,
    files: 1_204_331,
    groups: 200_000,
    duplicateFiles: 612_004,
    reclaimableBytes: Math.round(48.6 * GIB),
    pinnedBytes: Math.round(6.1 * GIB),
  },
  openIntents: 0,
  demo: false,
};

export const ARCHIVE: VolumeInfo = {
  ...FEDORA,
  uuid: "a8d1c0de-1234-4cde-8f00-00000000a2c1",
  label: "archive",
  devices: ["/dev/sda", "/dev/sdb"],
  mounts: [{ path: "/mnt/archive", root: "/", readOnly: false }],
  mountPath: "/mnt/archive",
  compression: null,
  dataProfile: "RAID1",
  totalBytes: 3725 * GIB,
  usedBytes: 2911 * GIB,
  freeBytes: 814 * GIB,
  subvolumes: 2,
  snapshots: 0,
  lastScan: {
    at: NOW - 3 * 86_400_000,
    files: 2_100_000,
    groups: 412,
    duplicateFiles: 903,
    reclaimableBytes: Math.round(3.4 * GIB),
    pinnedBytes: 0,
  },
};

export const USB: VolumeInfo = {
  ...FEDORA,
  uuid: "f00dfeed-0000-4000-8000-000000000001",
  label: "",
  devices: ["/dev/sdc1"],
  mounts: [{ path: "/run/media/me/backup", root: "/", readOnly: true }],
  mountPath: "/run/media/me/backup",
  readOnly: true,
  compression: null,
  totalBytes: 931 * GIB,
  usedBytes: 120 * GIB,
  freeBytes: 811 * GIB,
  subvolumes: 1,
  snapshots: 0,
  lastScan: null,
};

export const DEMO: VolumeInfo = {
  ...FEDORA,
  uuid: "de500000-0000-4000-8000-000000000001",
  label: "refold-demo",
  devices: ["/dev/loop0"],
  mounts: [{ path: "/run/refold/demo", root: "/", readOnly: false }],
  mountPath: "/run/refold/demo",
  totalBytes: 2 * GIB,
  usedBytes: 0.92 * GIB,
  freeBytes: 1.08 * GIB,
  subvolumes: 3,
  snapshots: 1,
  lastScan: null,
  demo: true,
};

/** Names that somebody chose to break a window. */
export const HOSTILE: VolumeInfo = {
  ...FEDORA,
  uuid: "bad00000-0000-4000-8000-000000000001",
  label: "\u202eetirw ot\u202c <img src=x onerror=alert(1)>\nsecond line " + "w".repeat(180),
  devices: Array.from({ length: 12 }, (_, k) => `/dev/disk/by-id/wwn-0x5000c500a1b2c3d${k.toString(16)}`),
  mounts: Array.from({ length: 9 }, (_, k) => ({
    path: `/srv/\udcff\udcfe bytes ${String(k)}/${"deep/".repeat(60)}end`,
    root: "/",
    readOnly: k % 2 === 1,
  })),
};

/** What is told of a volume without root. */
export function withoutRights(volume: VolumeInfo): VolumeInfo {
  return {
    ...volume,
    dataProfile: null,
    subvolumes: null,
    snapshots: null,
    lastScan: null,
    openIntents: null,
  };
}

/** As a helper tells it that may not count by the settings. */
export function notAsSelected(volume: VolumeInfo): VolumeInfo {
  return volume.lastScan === null
    ? volume
    : { ...volume, lastScan: { ...volume.lastScan, asSelected: false } };
}
