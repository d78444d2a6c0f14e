import type { Database } from "better-sqlite3";

/**
 * rewrites: the ranges of extents of which some are about to be moved onto a copy;
 * target is the place in the copy, -1 for ranges that are moved elsewhere, before.
 * A run that is cut off between the first and the last of an extent leaves both
 * extent and copy; from these rows the next one ends the job. All numbers are
 * bytes but the ids.
 */
export function addRewrites(db: Database): void {
  db.exec(`
    CREATE TABLE rewrites (
      run INTEGER NOT NULL REFERENCES runs (id),
      extent INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      subvolume INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      file_offset INTEGER NOT NULL,
      length INTEGER NOT NULL,
      extent_offset INTEGER NOT NULL,
      target INTEGER NOT NULL
    );
    CREATE INDEX rewrites_extent ON rewrites (extent);
  `);
}
