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

/** Any line of it, for finding out what lies at a path. */
export interface MountEntry {
  readonly id: number;
  /** Id of the mount that it is on. */
  readonly above: number;
  readonly path: Buffer;
  readonly root: Buffer;
  readonly device: string;
  readonly type: string;
}

/** Everything that is mounted in this mount namespace. Needs no privilege. */
export function readMountTable(mountinfo: Buffer = readFileSync("/proc/self/mountinfo")): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of mountinfo.toString("latin1").split("\n")) {
    const fields = line.split(" ");
    const [id, above, device, root, path] = fields;
    const type = fields[fields.indexOf("-", 6) + 1];
    if (device === undefined || root === undefined || path === undefined || type === undefined) continue;
    entries.push({
      id: Number(id),
      above: Number(above),
      path: unescape(path),
      root: unescape(root),
      device,
      type,
    });
  }
  return entries;
}

/** The mount that a path lies on, as the kernel walks to it; undefined where none is seen. */
export function mountOf(path: Buffer, table: readonly MountEntry[]): MountEntry | undefined {
  const ids = new Set(table.map(({ id }) => id));
  let at: MountEntry | undefined;
  for (let steps = 0; steps < table.length; steps++) {
    let next: MountEntry | undefined;
    for (const entry of table) {
      // the first one is on something that is not seen from here
      const isOn =
        at === undefined ? !ids.has(entry.above) || entry.above === entry.id : entry.above === at.id;
      if (!isOn || entry === at || !isBelowOrAt(path, entry.path)) continue;
      // of two on the same mount the walk meets the shorter path first
      if (next === undefined || entry.path.length < next.path.length) next = entry;
    }
    if (next === undefined) break;
    at = next;
  }
  return at;
}

const SLASH = Buffer.from("/");

/** "/a/b" is below "/a" and below "/", and at itself. */
export function isBelowOrAt(path: Buffer, above: Buffer): boolean {
  if (above.equals(SLASH)) return true;
  if (!path.subarray(0, above.length).equals(above)) return false;
  return path.length === above.length || path[above.length] === SLASH[0];
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
