import { readdirSync } from "node:fs";
import { formatUuid } from "../btrfs/root-tree.ts";
import { call, tryCall } from "../native/library.ts";
import type { VolumeSummary } from "../engine/contract.ts";

/** BTRFS_IOC_FS_INFO and its kin: needs no privilege. */
export interface FsInfo {
  readonly uuid: string;
  readonly devices: number;
  readonly maxDeviceId: number;
  readonly sectorSize: number;
  readonly checksum: VolumeSummary["checksum"];
  readonly csumSize: number;
  readonly generation: number;
}

/** BTRFS_CSUM_TYPE_* of linux/btrfs_tree.h, in their order. */
const CHECKSUMS = ["crc32c", "xxhash64", "sha256", "blake2b"] as const;

/** @throws NativeError: ENOTTY where fd is not on btrfs */
export function readFsInfo(fd: number): FsInfo {
  const out = new Float64Array(7);
  const uuid = Buffer.alloc(16);
  call("rf_fs_info", fd, out, uuid);
  const [devices = 0, , sectorSize = 4096, csumType = 0, csumSize = 4, generation = 0, maxDeviceId = 0] = out;
  return {
    uuid: formatUuid(uuid),
    devices,
    maxDeviceId,
    sectorSize,
    checksum: CHECKSUMS[csumType] ?? "crc32c",
    csumSize,
    generation,
  };
}

export function readLabel(fd: number): string {
  const label = Buffer.alloc(256);
  call("rf_label", fd, label);
  return label.subarray(0, label.indexOf(0)).toString();
}

/** Paths of the devices of a filesystem, by their ids. */
export function readDevices(fd: number, info: FsInfo): string[] {
  const devices: string[] = [];
  const out = new Float64Array(2);
  const path = Buffer.alloc(1024);
  for (let id = 1; id <= info.maxDeviceId && devices.length < info.devices; id++) {
    if (tryCall("rf_dev_info", fd, id, out, path) < 0) continue; // ids have gaps
    devices.push(path.subarray(0, path.indexOf(0)).toString());
  }
  return devices.length > 0 ? devices : devicesFromSysfs(info.uuid);
}

/** DEV_INFO may be refused; sysfs is open to everybody. */
function devicesFromSysfs(uuid: string): string[] {
  try {
    return readdirSync(`/sys/fs/btrfs/${uuid}/devices`).map((name) => `/dev/${name}`);
  } catch {
    return [];
  }
}
