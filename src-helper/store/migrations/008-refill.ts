import type { Database } from "better-sqlite3";

/**
 * What earlier scans left out, or took for what had lain at a place before,
 * nothing in the index tells: all rows are forgotten, and the next scan is a
 * full one.
 */
export function refill(db: Database): void {
  db.exec(`
    DROP INDEX IF EXISTS inode_by_size; DROP INDEX IF EXISTS inode_by_parent; DROP INDEX IF EXISTS inode_by_holder;
    DROP INDEX IF EXISTS inode_unnamed; DROP INDEX IF EXISTS inode_immutable; DROP INDEX IF EXISTS inode_opted_out;
    DROP INDEX IF EXISTS grp_joint; DROP INDEX IF EXISTS grp_by_saving;
    DELETE FROM meta; DELETE FROM subvolume; DELETE FROM lineage; DELETE FROM holder; DELETE FROM inode;
    DELETE FROM print; DELETE FROM place_keys; DELETE FROM recent_keys; DELETE FROM grp; DELETE FROM pending;
    DELETE FROM suspect; DELETE FROM extent_refs;
  `);
}
