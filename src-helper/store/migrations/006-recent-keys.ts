import type { Database } from "better-sqlite3";

/**
 * What changed among the keys of a size that has very many: see
 * scan/place-keys.ts. Keys are sorted from now on; a size without them is
 * compared as a whole the next time.
 */
export function addRecentKeys(db: Database): void {
  db.exec("CREATE TABLE recent_keys (size INTEGER PRIMARY KEY, keys BLOB NOT NULL); DELETE FROM place_keys");
}
