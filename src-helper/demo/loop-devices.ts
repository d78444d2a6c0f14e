import { readdirSync, readFileSync } from "node:fs";

/** A loop device that is in use (sysfs(5), loop(4)). */
export interface LoopDevice {
  /** "/dev/loop3" */
  readonly device: string;
  /** Path of the file behind it; the kernel follows renames. */
  readonly file: string;
}

/** Added by the kernel where the file was deleted. */
const DELETED = " (deleted)";

/** Every loop device with a file behind it. */
export function loopDevices(): LoopDevice[] {
  return readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop"))
    .flatMap((name) => {
      const file = backingFile(name);
      return file === null ? [] : [{ device: `/dev/${name}`, file }];
    });
}

function backingFile(name: string): string | null {
  try {
    const text = readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").replace(/\n$/, "");
    return text.endsWith(DELETED) ? text.slice(0, -DELETED.length) : text;
  } catch {
    return null; // not attached
  }
}
