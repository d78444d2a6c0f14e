import { join } from "node:path";
import type { Database, Statement } from "better-sqlite3";
import { openDatabase } from "./open-database.ts";
import { createIndex } from "./migrations/001-index.ts";
import { forgetRows } from "./migrations/002-opt-outs.ts";
import { packReferences } from "./migrations/003-packed-references.ts";

export const KIND_DIRECTORY = 0;
export const KIND_FILE = 1;
export const KIND_ORPHAN = 2;

/** A row of inode; sizes are bytes, mtime seconds. */
export interface InodeRow {
  readonly subvol: number;
  readonly ino: number;
  readonly gen: number;
  readonly transid: number;
  readonly parent: number;
  readonly kind: number;
  readonly size: number;
  readonly flags: number;
  readonly uid: number;
  readonly mtime: number;
  readonly layout: number;
  readonly traits: number;
  readonly extents: Buffer | null;
}

/** What is known of the content at a place on disk. */
export interface PrintRow {
  readonly size: number;
  readonly layout: number;
  readonly status: number;
  readonly csum: Buffer | null;
  readonly body: Buffer | null;
  readonly sample: Buffer | null;
  readonly whole: Buffer | null;
  readonly strong: Buffer | null;
  readonly content: Buffer | null;
}

export interface SubvolumeRow {
  readonly id: number;
  readonly uuid: string;
  readonly generation: number;
}

const INODE_INDEXES = `
  CREATE INDEX IF NOT EXISTS inode_by_size ON inode (size, layout) WHERE kind = 1;
  CREATE INDEX IF NOT EXISTS inode_by_parent ON inode (subvol, parent);
  CREATE INDEX IF NOT EXISTS inode_unnamed ON inode (subvol, ino) WHERE kind = 2;
  CREATE INDEX IF NOT EXISTS inode_immutable ON inode (subvol, ino) WHERE kind = 1 AND (flags & 64) <> 0;
  CREATE INDEX IF NOT EXISTS inode_opted_out ON inode (ino, gen, subvol) WHERE (traits & 32) <> 0;
  CREATE INDEX IF NOT EXISTS grp_by_saving ON grp (reclaimable DESC, size DESC);
`;

/** The scan index of one filesystem. One process writes it, under the volume's lock. */
export class IndexStore {
  readonly db: Database;
  readonly #statements = new Map<string, Statement>();

  /** @throws RefoldError, see openDatabase */
  constructor(directory: string, uuid: string, warn: (message: string) => void, check = true) {
    // a cache: a power cut may cost a scan, never a file
    const options = { synchronous: "NORMAL", warn, check } as const;
    this.db = openDatabase(join(directory, `${uuid}.db`), [createIndex, forgetRows, packReferences], options);
    this.db.pragma("cache_size = -24000");
    this.db.pragma("temp_store = MEMORY");
  }

  /** A statement, prepared once. */
  statement(sql: string): Statement {
    let found = this.#statements.get(sql);
    if (found === undefined) {
      found = this.db.prepare(sql);
      this.#statements.set(sql, found);
    }
    return found;
  }

  all<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.statement(sql).all(...values) as Row[];
  }

  get(sql: string, ...values: unknown[]): unknown {
    return this.statement(sql).get(...values);
  }

  run(sql: string, ...values: unknown[]): void {
    this.statement(sql).run(...values);
  }

  /** What setMeta stored; undefined where nothing was. */
  meta(key: string): unknown {
    const row = this.get("SELECT value FROM meta WHERE key = ?", key) as { value: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.value) as unknown);
  }

  setMeta(key: string, value: unknown): void {
    this.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, JSON.stringify(value));
  }

  subvolumes(): SubvolumeRow[] {
    return this.all<SubvolumeRow>("SELECT id, uuid, generation FROM subvolume");
  }

  /** Indexes are made after the first rows: sorting once is cheaper than inserting sorted. */
  createIndexes(): void {
    this.db.exec(INODE_INDEXES);
  }

  begin(): void {
    this.db.exec("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.db.exec("COMMIT");
  }

  rollback(): void {
    if (this.db.inTransaction) this.db.exec("ROLLBACK");
  }

  /** Forgets every scan. */
  clear(): void {
    this.db.exec(`
      BEGIN IMMEDIATE;
      DROP INDEX IF EXISTS inode_by_size; DROP INDEX IF EXISTS inode_by_parent;
      DROP INDEX IF EXISTS inode_unnamed; DROP INDEX IF EXISTS inode_immutable;
      DROP INDEX IF EXISTS grp_by_saving; DROP INDEX IF EXISTS inode_opted_out;
      DELETE FROM meta; DELETE FROM subvolume; DELETE FROM inode; DELETE FROM print;
      DELETE FROM grp; DELETE FROM pending; DELETE FROM suspect; DELETE FROM extent_refs;
      COMMIT; VACUUM;
    `);
  }

  close(): void {
    this.db.close();
  }
}
