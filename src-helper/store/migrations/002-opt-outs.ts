import type { Database } from "better-sqlite3";

/**
 * Rows of before do not say which files have an attribute that keeps Refold
 * away: the next scan is a full one.
 */
export function forgetRows(db: Database): void {
  db.exec(`
    DROP INDEX IF EXISTS inode_by_size; DROP INDEX IF EXISTS inode_by_parent;
    DROP INDEX IF EXISTS inode_unnamed; DROP INDEX IF EXISTS inode_immutable;
    DROP INDEX IF EXISTS grp_by_saving;
    DELETE FROM meta; DELETE FROM subvolume; DELETE FROM inode; DELETE FROM print;
    DELETE FROM grp; DELETE FROM pending; DELETE FROM suspect; DELETE FROM extent_refs;
  `);
}
