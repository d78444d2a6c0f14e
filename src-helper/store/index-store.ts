import { join } from "node:path";
import type { Database, Statement } from "better-sqlite3";
import { openDatabase } from "./open-database.ts";
import { createIndex } from "./migrations/001-index.ts";
import { forgetRows } from "./migrations/002-opt-outs.ts";
import { packReferences } from "./migrations/003-packed-references.ts";
import { shareRows } from "./migrations/004-holders.ts";
import { addPlaceKeys } from "./migrations/005-place-keys.ts";
import { addRecentKeys } from "./migrations/006-recent-keys.ts";
import { addJointGroups } from "./migrations/007-joint-groups.ts";
import { refill } from "./migrations/008-refill.ts";
import { checkedAt, closeDistrusted, closeTrusted } from "./trust.ts";
import { Holders } from "./holders.ts";
import type { Ancestry } from "../btrfs/lineage.ts";

export const KIND_DIRECTORY = 0;
export const KIND_FILE = 1;
export const KIND_ORPHAN = 2;

/** What a row of inode says of an inode; sizes are bytes, mtime seconds. */
export interface InodeState {
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

/** A row of inode: an inode in one state, in all subvolumes of a set. */
export interface InodeRow extends InodeState {
  readonly family: number;
  readonly holder: number;
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
  /** Nothing later than this generation of the filesystem was seen of it. */
  readonly seen: number;
  readonly family: number;
}

/** By what files are looked for; inode_by_holder is for the sets that came later, see Holders. */
const INDEXES = {
  inode_by_size: "inode (size, layout) WHERE kind = 1",
  inode_by_parent: "inode (family, parent)",
  inode_by_holder: "inode (holder) WHERE holder > 0",
  inode_unnamed: "inode (family, ino) WHERE kind = 2",
  inode_immutable: "inode (family, ino) WHERE kind = 1 AND (flags & 64) <> 0",
  inode_opted_out: "inode (ino, gen, holder) WHERE (traits & 32) <> 0",
  grp_joint: "grp (size, content) WHERE joint = 1",
  grp_by_saving: "grp (reclaimable DESC, size DESC)",
} as const;

const TABLES = [
  "meta",
  "subvolume",
  "lineage",
  "holder",
  "inode",
  "print",
  "place_keys",
  "recent_keys",
  "grp",
  "pending",
  "suspect",
  "extent_refs",
] as const;

const MIGRATIONS = [
  createIndex,
  forgetRows,
  packReferences,
  shareRows,
  addPlaceKeys,
  addRecentKeys,
  addJointGroups,
  refill,
  // files of two layouts could have the same number for them
  refill,
  // references of extents are packed otherwise
  refill,
  // prints of compressed files are made otherwise
  refill,
];

/** The last version whose migration forgets all rows. */
const LAST_REFILLED = MIGRATIONS.lastIndexOf(refill) + 1;

/** The scan index of one filesystem. One process writes it, under the volume's lock. */
export class IndexStore {
  readonly db: Database;
  readonly #path: string;
  /** When it was last looked through for damage: as it is opened, where it is not trusted as it was left. */
  #checkedAt = Date.now();
  /** A scan ended half way: it may be for damage. */
  #failed = false;
  readonly #statements = new Map<string, Statement>();
  #holders: { readonly sets: Holders; readonly version: unknown } | null = null;

  /** @throws RefoldError, see openDatabase */
  constructor(directory: string, uuid: string, warn: (message: string) => void) {
    // a cache: a power cut may cost a scan, never a file
    const beforeMigration = (db: Database): void => {
      if (db.prepare("SELECT 1 FROM meta WHERE key = 'scan'").get() === undefined) return;
      if (Number(db.pragma("user_version", { simple: true })) >= LAST_REFILLED) return;
      warn(`the index of ${uuid} is of an older Refold and is made anew: the next scan is a full one`);
    };
    this.#path = join(directory, `${uuid}.db`);
    const check = (db: Database): boolean => {
      const before = checkedAt(db, this.#path);
      if (before !== null) this.#checkedAt = before;
      return before === null;
    };
    const options = { synchronous: "NORMAL", warn, check, beforeMigration } as const;
    this.db = openDatabase(this.#path, MIGRATIONS, options);
    this.db.pragma("cache_size = -16000");
    // what is sorted may be all of a million files: beyond the cache it goes to the disk
    this.db.pragma("temp_store = FILE");
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

  /** As all, a list a row: half the work where rows are many. Not for a statement that all or get runs, too. */
  lists<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.statement(sql)
      .raw(true)
      .all(...values) as Row[];
  }

  get(sql: string, ...values: unknown[]): unknown {
    return this.statement(sql).get(...values);
  }

  /**
   * As get, of one column: what is in it, undefined where there is no row. Not for a statement that all or get
   * runs, too.
   */
  value(sql: string, ...values: unknown[]): unknown {
    return this.statement(sql)
      .pluck(true)
      .get(...values);
  }

  run(sql: string, ...values: unknown[]): void {
    this.statement(sql).run(...values);
  }

  /** What setMeta stored; undefined where nothing was. */
  meta(key: string): unknown {
    const value = this.value("SELECT value FROM meta WHERE key = ?", key) as string | undefined;
    return value === undefined ? undefined : (JSON.parse(value) as unknown);
  }

  setMeta(key: string, value: unknown): void {
    this.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, JSON.stringify(value));
  }

  subvolumes(): SubvolumeRow[] {
    return this.all<SubvolumeRow>("SELECT * FROM subvolume");
  }

  /** Which subvolumes rows of inode belong to, as of now. Not to be asked while rows are iterated over. */
  get holders(): Holders {
    // another process, or connection, may have scanned since
    const version = this.value("PRAGMA data_version");
    if (this.#holders === null || this.#holders.version !== version) {
      const sets = new Holders(this);
      this.#holders = { sets, version };
      return sets;
    }
    return this.#holders.sets;
  }

  lineage(): Ancestry[] {
    return this.all<Ancestry>("SELECT * FROM lineage");
  }

  /** Indexes are made after the first rows: sorting once is cheaper than inserting sorted. */
  createIndexes(): void {
    for (const [name, on] of Object.entries(INDEXES)) {
      this.db.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${on}`);
    }
  }

  begin(): void {
    this.db.exec("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.db.exec("COMMIT");
  }

  rollback(): void {
    if (this.db.inTransaction) this.db.exec("ROLLBACK");
    this.#holders = null;
    this.#failed = true;
  }

  /** Forgets every scan. */
  clear(): void {
    const indexes = Object.keys(INDEXES).map((name) => `DROP INDEX IF EXISTS ${name};`);
    const tables = TABLES.map((name) => `DELETE FROM ${name};`);
    this.db.exec(`BEGIN IMMEDIATE; ${[...indexes, ...tables].join(" ")} COMMIT; VACUUM;`);
    this.#holders = null;
  }

  close(): void {
    if (this.#failed) closeDistrusted(this.db, this.#path);
    else closeTrusted(this.db, this.#path, this.#checkedAt);
  }
}
