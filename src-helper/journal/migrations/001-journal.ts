import type { Database } from "better-sqlite3";

/**
 * runs: one row a fold; finished is null while it goes on and after it was cut off.
 * intents: files that carry, or are about to carry, an immutable flag of ours.
 * Paths are bytes, as they were when the row was written: for people, never for opening.
 */
export function createJournal(db: Database): void {
  db.exec(`
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      started INTEGER NOT NULL,
      finished INTEGER,
      state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'interrupted')),
      lock TEXT NOT NULL,
      generation INTEGER NOT NULL,
      groups INTEGER NOT NULL DEFAULT 0,
      files INTEGER NOT NULL DEFAULT 0,
      skipped INTEGER NOT NULL DEFAULT 0,
      predicted INTEGER NOT NULL,
      freed INTEGER
    );
    CREATE TABLE run_files (
      run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      subvolume INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      path BLOB NOT NULL,
      outcome TEXT NOT NULL,
      detail TEXT NOT NULL
    );
    CREATE INDEX run_files_run ON run_files (run);
    CREATE TABLE intents (
      subvolume INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      run INTEGER NOT NULL REFERENCES runs (id),
      path BLOB NOT NULL,
      set_at INTEGER NOT NULL,
      PRIMARY KEY (subvolume, inode, generation)
    ) WITHOUT ROWID;
  `);
}
