import type { Database } from "better-sqlite3";

/**
 * What of a group hangs on no other group is kept with it.
 *
 * pinned: bytes of extents that its members alone hold, and let go of in part;
 * joint: it lets go of extents that others hold, too. Of groups of before
 * nobody knows: the next scan counts all.
 */
export function addJointGroups(db: Database): void {
  db.exec(`
    ALTER TABLE grp ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE grp ADD COLUMN joint INTEGER NOT NULL DEFAULT 1;
  `);
}
