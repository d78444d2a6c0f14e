/** Filesystems, their subvolumes, and what is looked up in them. */
import type { PathBytes } from "./base.ts";
import type { ScanTotals } from "./groups.ts";

export interface MountPoint {
  readonly path: string;
  /** The subvolume or directory mounted there, from the top level, e.g. "/@home". */
  readonly root: string;
  readonly readOnly: boolean;
}

export interface SubvolumeSummary {
  readonly id: number;
  /** From the top level of the filesystem; "" for the top level itself. */
  readonly path: PathBytes;
  readonly readOnly: boolean;
  /** Id of the subvolume it is a snapshot of, null where it is none. */
  readonly snapshotOf: number | null;
  readonly generation: number;
  /** Generation it was last scanned at, null where it never was. */
  readonly scannedGeneration: number | null;
}

/** What can be told of a filesystem; the fields that need root are null without it. */
export interface VolumeSummary {
  readonly uuid: string;
  readonly label: string;
  readonly devices: readonly string[];
  readonly mounts: readonly MountPoint[];
  /** Where `path` values are reached: the mount the volume was named by, else the first. */
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly generation: number;
  readonly checksum: "crc32c" | "xxhash64" | "sha256" | "blake2b";
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly subvolumes: readonly SubvolumeSummary[] | null;
  readonly lastScan: ScanTotals | null;
  readonly lastScanAt: number | null;
}

export interface ChangedFile {
  readonly path: PathBytes;
  readonly inode: number;
  readonly size: number;
  readonly transid: number;
}

export interface SizeMatch {
  readonly volume: string;
  readonly path: PathBytes;
  readonly subvolumeId: number;
  readonly inode: number;
}

/** What of a filesystem a scan has seen. Volume.hasNews moves it on. */
export interface Sight {
  /** Where Refold's own databases are, which are no news. */
  readonly databaseDir: string;
  /** By id. */
  readonly subvolumes: Map<number, SeenSubvolume>;
}

export interface SeenSubvolume {
  readonly uuid: string;
  readonly readOnly: boolean;
  readonly generation: number;
}
