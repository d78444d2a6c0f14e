import type { Database } from "better-sqlite3";

/** What ranges had in a run: extents that were freed by moving parts of files, and bytes written anew for it. */
export function addRangesOfRuns(db: Database): void {
  db.exec(`
    ALTER TABLE runs ADD COLUMN extents INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;
  `);
}
