import type { Database } from "better-sqlite3";

/**
 * What tells most places of a size apart, packed: see scan/place-keys.ts. A
 * size without such a row is compared as a whole the next time, so nothing of
 * before has to go.
 */
export function addPlaceKeys(db: Database): void {
  db.exec("CREATE TABLE place_keys (size INTEGER PRIMARY KEY, keys BLOB NOT NULL)");
}
