import { statSync, utimesSync } from "node:fs";
import type { Database } from "better-sqlite3";

/** Milliseconds; after that a database is looked through again although nobody touched it. */
const TRUSTED_FOR = 24 * 60 * 60 * 1000;
const KEY = "trust";

/** Milliseconds since the epoch, both. */
interface Note {
  /** When the database was last looked through for damage. */
  readonly checkedAt: number;
  /** The time of modification that its file was given when it was closed. */
  readonly leftAt: number;
}

/**
 * When a database was last looked through for damage, if it is the file that
 * was closed after that: to look through the index of a million files takes
 * longer than to bring it up to date. That trust ends with whatever else writes
 * to the file, cuts it off or puts another in its place, with a process that
 * dies while it has it open, and with the day.
 *
 * @param db just opened, nothing written
 * @returns milliseconds since the epoch; null where it has to be looked through
 */
export function checkedAt(db: Database, path: string): number | null {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (log !== undefined && log.size > 0) return null;
  const value = db.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(KEY) as string | undefined;
  if (value === undefined) return null;
  const { checkedAt: checked, leftAt } = JSON.parse(value) as Note;
  const { mtimeMs, size } = statSync(path);
  const pages = db.pragma("page_count", { simple: true }) as number;
  const pageSize = db.pragma("page_size", { simple: true }) as number;
  const same = Math.round(mtimeMs) === leftAt && size === pages * pageSize;
  const age = Date.now() - checked;
  return same && age >= 0 && age < TRUSTED_FOR ? checked : null;
}

/** Closes a database so that it is trusted the next time. @param checked when it was looked through */
export function closeTrusted(db: Database, path: string, checked: number): void {
  const written = (db.prepare("SELECT total_changes()").pluck().get() as number) > 0;
  const leftAt = Date.now();
  try {
    if (written && !db.inTransaction) {
      const note: Note = { checkedAt: checked, leftAt };
      db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(KEY, JSON.stringify(note));
      // where a review has it open too, to close it would leave the log; what is read just now keeps it
      db.pragma("busy_timeout = 0");
      db.pragma("wal_checkpoint(TRUNCATE)");
    }
  } catch {
    // no room: without a note it is looked through the next time
  }
  db.close();
  // where another process has it open too, that one's writing is still to come, and ends the trust
  if (written) utimesSync(path, leftAt / 1000, leftAt / 1000);
}

/** Closes a database so that it is looked through the next time. */
export function closeDistrusted(db: Database, path: string): void {
  db.close();
  const now = Date.now() / 1000;
  utimesSync(path, now, now);
}
