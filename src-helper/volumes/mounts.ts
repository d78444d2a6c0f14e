import { readFileSync } from "node:fs";

/** One btrfs line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** Bytes: mount points may have any name. */
  readonly path: Buffer;
  /** What of the filesystem is mounted, from its top level: "/@home". */
  readonly root: Buffer;
  /** "major:minor" of the superblock, as /proc/locks has it. */
  readonly device: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** Of its compress or compress-force option, "zstd:1"; null without. */
  readonly compression: string | null;
}

/** The mounted btrfs filesystems of this mount namespace, in mount order. Needs no privilege. */
export function readMounts(mountinfo: Buffer = readFileSync("/proc/self/mountinfo")): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.toString("latin1").split("\n")) {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    const [device, root, path, options] = fields.slice(2, 6);
    const [type, source, superOptions] = fields.slice(separator + 1);
    if (separator < 0 || type !== "btrfs") continue;
    if (device === undefined || root === undefined || path === undefined) continue;
    mounts.push({
      path: unescape(path),
      root: unescape(root),
      device,
      source: unescape(source ?? "").toString(),
      readOnly: [options, superOptions].some((list) => list?.split(",").includes("ro") === true),
      compression: compressionOf(superOptions ?? ""),
    });
  }
  return mounts;
}

function compressionOf(superOptions: string): string | null {
  const value = /(?:^|,)compress(?:-force)?=([^,]+)/.exec(superOptions)?.[1] ?? null;
  return value === "none" || value === "no" ? null : value;
}

/** The kernel writes space, tab, newline and backslash as \ooo. */
function unescape(field: string): Buffer {
  return Buffer.from(
    field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    "latin1",
  );
}
