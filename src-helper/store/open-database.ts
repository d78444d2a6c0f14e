import { chmodSync, existsSync, mkdirSync, renameSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite, { type Database } from "better-sqlite3";
import { RefoldError } from "../engine/errors.ts";

export type Migration = (db: Database) => void;

export interface OpenOptions {
  /** FULL: a commit is on disk when it returns. NORMAL: it may be lost in a power cut, whole. */
  readonly synchronous: "FULL" | "NORMAL";
  warn(message: string): void;
  /** Whether to look through all of an existing database for damage; always, where there is no such function. */
  readonly check?: (db: Database) => boolean;
  /** Called in the transaction in which an older database is migrated, before. */
  readonly beforeMigration?: (db: Database) => void;
}

/**
 * Opens a database of Refold's, making or migrating it as needed. What cannot
 * be used, because it is damaged or of a newer Refold, is moved aside, said,
 * and made anew: it is never reused silently and never deleted.
 *
 * @throws RefoldError where the directory cannot be written, or is full
 */
export function openDatabase(path: string, migrations: readonly Migration[], options: OpenOptions): Database {
  try {
    makeDirectory(dirname(path));
    const first = tryOpen(path, migrations, options);
    if (!(first instanceof Unusable)) return first;
    const aside = `${path}.${first.kind}-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
    for (const suffix of ["", "-wal", "-shm"]) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    options.warn(`${path} ${first.message}; it was moved to ${aside}, and a new one is begun`);
    const second = tryOpen(path, migrations, options);
    if (second instanceof Unusable) throw new RefoldError("failed", `${path} ${second.message}`);
    return second;
  } catch (error) {
    throw describe(path, error);
  }
}

/** As mkdir -p. Node's own (24.21) never returns from a place where nothing can be made, like /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

class Unusable {
  readonly kind: "corrupt" | "newer";
  readonly message: string;

  constructor(kind: "corrupt" | "newer", message: string) {
    this.kind = kind;
    this.message = message;
  }
}

function tryOpen(path: string, migrations: readonly Migration[], options: OpenOptions): Database | Unusable {
  let db: Database | undefined;
  // sqlite makes its files with 0644 & ~umask, and -wal and -shm as the first
  const umask = process.umask(0o077);
  try {
    db = new BetterSqlite(path);
    chmodSync(path, 0o600);
    db.pragma("busy_timeout = 5000");
    db.pragma("journal_mode = WAL");
    db.pragma(`synchronous = ${options.synchronous}`);
    db.pragma("foreign_keys = ON");
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version > migrations.length) {
      db.close();
      return new Unusable(
        "newer",
        `is of a newer Refold (version ${version}, this one knows ${migrations.length})`,
      );
    }
    const all = version > 0 && (options.check?.(db) ?? true);
    if (all && db.pragma("quick_check(1)", { simple: true }) !== "ok") {
      db.close();
      return new Unusable("corrupt", "is damaged");
    }
    migrate(db, version, migrations, options.beforeMigration);
    return db;
  } catch (error) {
    db?.close();
    if (isCorruption(error)) return new Unusable("corrupt", `cannot be read (${(error as Error).message})`);
    throw error;
  } finally {
    process.umask(umask);
  }
}

function migrate(
  db: Database,
  version: number,
  migrations: readonly Migration[],
  before: OpenOptions["beforeMigration"],
): void {
  if (version === migrations.length) return;
  db.transaction(() => {
    if (version > 0) before?.(db);
    for (const migration of migrations.slice(version)) migration(db);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isCorruption(error: unknown): boolean {
  return ["SQLITE_CORRUPT", "SQLITE_NOTADB"].some((code) => codeOf(error).startsWith(code));
}

/** Below this, a failed write is taken for a full disk whatever it is called. */
const NO_ROOM_BYTES = 128 * 1024;

function isFull(code: string, directory: string): boolean {
  if (code === "SQLITE_FULL" || code === "ENOSPC") return true;
  if (!code.startsWith("SQLITE_IOERR") && !code.startsWith("SQLITE_CANTOPEN")) return false;
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < NO_ROOM_BYTES;
  } catch {
    return false;
  }
}

/**
 * What an error of a database means to a person; other errors come back as
 * they are.
 * @param directory where the database is
 */
export function databaseError(directory: string, error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof RefoldError || !/^(SQLITE_|ENOSPC$)/.test(code)) return error;
  if (isFull(code, directory)) {
    return new RefoldError("failed", `no room for Refold's database in ${directory}`, {
      kept: "Every file has its content, and none is left locked.",
      next: "Make room there, or name another place with --db DIR.",
      cause: error,
    });
  }
  return new RefoldError("failed", `the database in ${directory} failed: ${(error as Error).message}`, {
    kept: "Every file has its content, and none is left locked.",
    next: "Check that disk; `refold reset` begins a new index.",
    cause: error,
  });
}

/** Runs what works on databases; their errors come out as databaseError says. */
export async function withDatabaseErrors<Result>(
  directory: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(directory, error);
  }
}

function describe(path: string, error: unknown): Error {
  if (error instanceof RefoldError) return error;
  const code = codeOf(error);
  const directory = dirname(path);
  if (isFull(code, directory)) return databaseError(directory, error) as Error;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new RefoldError("failed", `${directory} cannot be made`, {
      kept: "No file was changed.",
      next: "Name another place for Refold's databases with --db DIR.",
      cause: error,
    });
  }
  if (
    code === "EACCES" ||
    code === "EPERM" ||
    code.startsWith("SQLITE_CANTOPEN") ||
    code === "SQLITE_READONLY"
  ) {
    return new RefoldError("permission", `${path} cannot be opened`, { cause: error });
  }
  return new RefoldError("failed", `${path}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
