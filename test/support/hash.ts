import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { withFd } from "./libc.ts";

const chunk = Buffer.allocUnsafe(1 << 20);

/** sha256 of all bytes of a file, in hex; reads it from first to last. */
export function hashFile(path: Buffer | string): string {
  return withFd(path, (fd) => {
    const hash = createHash("sha256");
    for (;;) {
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, length));
    }
  });
}

/** The hash of a file; key: "subvolume id:inode". */
export type HashOf = (key: string, path: Buffer) => string;

/** Reads each file once, for several who ask while nothing changes. */
export function hashOnce(): HashOf {
  const known = new Map<string, string>();
  return (key, path) => {
    const hash = known.get(key) ?? hashFile(path);
    known.set(key, hash);
    return hash;
  };
}
