import { tryCall } from "../native/library.ts";

/**
 * Opens a directory by its path, which may be any bytes.
 * @returns an fd to be closed with rf_close, or -errno
 */
export function openDirectory(path: Buffer): number {
  return tryCall("rf_open_dir", Buffer.concat([path, Buffer.of(0)]));
}
