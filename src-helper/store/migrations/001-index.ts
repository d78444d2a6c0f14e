import type { Database } from "better-sqlite3";

/**
 * The scan index: a cache of what the trees say, made anew whenever it is lost.
 *
 * No path is kept: (subvol, ino, gen) is the identity, names are resolved when
 * shown. What is known of content belongs to (size, layout), not to an inode:
 * a file in a hundred snapshots has one layout, so one row in print.
 */
export function createIndex(db: Database): void {
  db.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    -- generation: ROOT_ITEM.generation read before the subvolume was walked
    CREATE TABLE subvolume (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, generation INTEGER NOT NULL);

    -- kind: 0 directory, 1 regular file, 2 regular file without a name (still open somewhere)
    CREATE TABLE inode (
      subvol INTEGER NOT NULL, ino INTEGER NOT NULL, gen INTEGER NOT NULL, transid INTEGER NOT NULL,
      parent INTEGER NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL, flags INTEGER NOT NULL,
      uid INTEGER NOT NULL, mtime INTEGER NOT NULL, layout INTEGER NOT NULL, traits INTEGER NOT NULL,
      extents BLOB,
      PRIMARY KEY (subvol, ino)
    ) WITHOUT ROWID;

    -- csum, body, status: rf_csum_prints; body is kept only while csum may stand for a last block
    -- that was cut; sample, whole, strong: rf_read_prints; content: the group, if any
    CREATE TABLE print (
      size INTEGER NOT NULL, layout INTEGER NOT NULL, status INTEGER NOT NULL, csum BLOB,
      body BLOB, sample BLOB, whole BLOB, strong BLOB, content BLOB,
      PRIMARY KEY (size, layout)
    ) WITHOUT ROWID;

    -- to_fold, fold_bytes: files that a fold moves, and their sizes; complete: all of its files share
    -- all their data afterwards
    -- crossing: folding it would give back part of an extent only, the rest being held by other groups
    CREATE TABLE grp (
      size INTEGER NOT NULL, content BLOB NOT NULL, files INTEGER NOT NULL,
      to_fold INTEGER NOT NULL, fold_bytes INTEGER NOT NULL, complete INTEGER NOT NULL,
      reclaimable INTEGER NOT NULL, crossing INTEGER NOT NULL,
      PRIMARY KEY (size, content)
    ) WITHOUT ROWID;

    -- sizes whose files could not be read; tried again at the next scan
    CREATE TABLE pending (size INTEGER PRIMARY KEY);

    -- sizes in which the kernel found differing bytes under equal checksums
    CREATE TABLE suspect (size INTEGER PRIMARY KEY);

    -- how many extent items of all trees refer to each extent, a gibibyte of addresses a row
    CREATE TABLE extent_refs (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL);
  `);
}
