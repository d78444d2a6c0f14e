import type { Database } from "better-sqlite3";

/**
 * Rows that several subvolumes share. The rows of before, one a subvolume and
 * inode, are thrown away: the next scan is a full one.
 */
export function shareRows(db: Database): void {
  db.exec(`
    DROP TABLE inode; DROP TABLE subvolume; DROP INDEX IF EXISTS grp_by_saving;
    DELETE FROM meta; DELETE FROM print; DELETE FROM grp; DELETE FROM pending; DELETE FROM suspect;
    DELETE FROM extent_refs;

    -- generation: ROOT_ITEM.generation read before the subvolume was walked
    -- seen: the filesystem's generation after that: nothing later was seen of it
    -- family: of those that are snapshots of one another
    CREATE TABLE subvolume (
      id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, generation INTEGER NOT NULL, seen INTEGER NOT NULL,
      family INTEGER NOT NULL
    );

    -- which subvolume a subvolume is a snapshot of, and the transaction it was taken in; also of those
    -- that are gone, while some snapshot of theirs is there
    CREATE TABLE lineage (
      uuid TEXT PRIMARY KEY, parent TEXT NOT NULL, taken INTEGER NOT NULL
    ) WITHOUT ROWID;

    -- a set of subvolumes of one family (ids, ascending, as JSON), and what the rows of inode that belong
    -- to just this set come to; id < 0: made by the first walk of a family
    CREATE TABLE holder (
      id INTEGER PRIMARY KEY, family INTEGER NOT NULL, subvolumes TEXT NOT NULL,
      inodes INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL
    );

    -- an inode in one state, once for all subvolumes (of holder) that have it in this state
    -- kind: 0 directory, 1 regular file, 2 either of them without a name (still open somewhere)
    -- extents: NULL of a directory
    -- transid: its last change where its data can change and lie where it lay (inline, NOCOW), or has to be
    -- read to be compared (compressed), else 0
    CREATE TABLE inode (
      family INTEGER NOT NULL, ino INTEGER NOT NULL, holder INTEGER NOT NULL,
      gen INTEGER NOT NULL, transid INTEGER NOT NULL, parent INTEGER NOT NULL, kind INTEGER NOT NULL,
      size INTEGER NOT NULL, flags INTEGER NOT NULL, uid INTEGER NOT NULL, mtime INTEGER NOT NULL,
      layout INTEGER NOT NULL, traits INTEGER NOT NULL, extents BLOB,
      PRIMARY KEY (family, ino, holder)
    ) WITHOUT ROWID;
  `);
}
