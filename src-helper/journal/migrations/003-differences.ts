import type { Database } from "better-sqlite3";

/**
 * differences: why a run freed something else than was promised, as JSON of the
 * contract's Difference with paths as the JSON of the command line has them; null
 * for runs of before, and where there is nothing to say.
 */
export function addDifferences(db: Database): void {
  db.exec("ALTER TABLE runs ADD COLUMN differences TEXT");
}
