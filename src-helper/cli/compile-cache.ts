import { lstatSync } from "node:fs";
import { enableCompileCache } from "node:module";

const DATABASE_DIR = "/var/lib/refold";

/** A directory that only root can have put anything into. */
function isRootsOwn(directory: string): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  return stats !== undefined && stats.isDirectory() && stats.uid === 0 && (stats.mode & 0o022) === 0;
}

/**
 * Keeps compiled code between runs, for a quicker start. What lies in the cache
 * is run as root: it must be a place that only root can write to, and it is made
 * only where Refold has made its own directory already.
 */
export function keepCompiledCode(): void {
  if (process.geteuid?.() !== 0) return;
  const cache = `${DATABASE_DIR}/cache`;
  const parentsSafe = ["/var", "/var/lib", DATABASE_DIR].every(isRootsOwn);
  const absent = lstatSync(cache, { throwIfNoEntry: false }) === undefined;
  if (parentsSafe && (absent || isRootsOwn(cache))) enableCompileCache(cache);
}
