import { join } from "node:path";
import type { Database, Statement } from "better-sqlite3";
import type { Difference, HistoryFile, HistoryRun, PathBytes, SkipReason } from "../engine/contract.ts";
import { openDatabase } from "../store/open-database.ts";
import { bytesToJsonString, jsonStringToBytes } from "../text/path-text.ts";
import { createJournal } from "./migrations/001-journal.ts";
import { addRewrites } from "./migrations/002-rewrites.ts";
import { addDifferences } from "./migrations/003-differences.ts";
import { addRangesOfRuns } from "./migrations/004-ranges-of-runs.ts";

const MIGRATIONS = [createJournal, addRewrites, addDifferences, addRangesOfRuns];

/** A file, told apart from every other of its filesystem, past and present. */
export interface FileIdentity {
  readonly subvolume: number;
  readonly inode: number;
  readonly generation: number;
}

/** "256:1234:77": the form in which people name a stuck file. */
export function fileId(file: FileIdentity): string {
  return `${file.subvolume}:${file.inode}:${file.generation}`;
}

/** A file that carries, or may carry, an immutable flag of ours. */
export interface Intent extends FileIdentity {
  readonly run: number;
  /** Where the file was when the flag was set. */
  readonly path: PathBytes;
  /** Milliseconds since the epoch. */
  readonly setAt: number;
}

/** How a fold ended for one file. */
export interface RunFile extends FileIdentity {
  readonly path: PathBytes;
  readonly outcome: "folded" | SkipReason;
  readonly detail: string;
}

/** A range that is about to be moved from an extent of which some are moved onto a copy; bytes. */
export interface JournaledRewrite extends FileIdentity {
  readonly run: number;
  /** Address of the extent. */
  readonly extent: number;
  /** KIND of btrfs/extents.ts. */
  readonly kind: number;
  readonly fileOffset: number;
  readonly length: number;
  readonly extentOffset: number;
  /** Where in the copy; -1 for a range that shares what is elsewhere: those are moved before. */
  readonly target: number;
}

export interface RunStart {
  readonly lock: "immutable" | "lease";
  readonly generation: number;
  readonly predictedBytes: number;
}

export interface RunEnd {
  readonly state: "done" | "cancelled" | "interrupted";
  readonly groups: number;
  readonly files: number;
  readonly skipped: number;
  /** null: could not be measured. */
  readonly freedBytes: number | null;
  readonly differences?: readonly Difference[];
  /** As HistoryRun; absent: none. */
  readonly ranges?: HistoryRun["ranges"];
}

/** Path of the journal of a filesystem. */
export function journalPath(databaseDir: string, uuid: string): string {
  return join(databaseDir, `${uuid}.journal.db`);
}

/**
 * What Refold did to one filesystem, and what it is doing: every run with its
 * files, and the intents from which a run that was cut off is mended. Every
 * commit is on disk when it returns (synchronous=FULL).
 */
export class Journal {
  readonly #db: Database;
  readonly #insertIntent: Statement;
  readonly #deleteIntent: Statement;
  readonly #insertFile: Statement;

  private constructor(db: Database) {
    this.#db = db;
    this.#insertIntent = db.prepare(
      `INSERT OR REPLACE INTO intents (subvolume, inode, generation, run, path, set_at) VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#deleteIntent = db.prepare(
      `DELETE FROM intents WHERE subvolume = ? AND inode = ? AND generation = ?`,
    );
    this.#insertFile = db.prepare(
      `INSERT INTO run_files (run, subvolume, inode, generation, path, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /**
   * Opens the journal of a filesystem, making it where there is none. The
   * caller holds the volume's lock, or only reads.
   * @throws RefoldError where it cannot be opened or written
   */
  static open(databaseDir: string, uuid: string, warn: (message: string) => void): Journal {
    const path = journalPath(databaseDir, uuid);
    return new Journal(openDatabase(path, MIGRATIONS, { synchronous: "FULL", warn }));
  }

  close(): void {
    this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @returns the id of the new run */
  beginRun(start: RunStart): number {
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO runs (started, state, lock, generation, predicted) VALUES (?, 'running', ?, ?, ?)`,
      )
      .run(Date.now(), start.lock, start.generation, start.predictedBytes);
    return Number(lastInsertRowid);
  }

  /**
   * In one transaction, durable on return: intents for files about to be
   * locked, and how earlier files of the run ended.
   */
  advance(
    run: number,
    intents: readonly (FileIdentity & { path: PathBytes })[],
    ended: readonly RunFile[],
  ): void {
    if (intents.length === 0 && ended.length === 0) return;
    const now = Date.now();
    this.#db
      .transaction(() => {
        for (const file of intents) {
          this.#insertIntent.run(file.subvolume, file.inode, file.generation, run, file.path, now);
        }
        for (const file of ended) {
          const { subvolume, inode, generation, path, outcome, detail } = file;
          this.#insertFile.run(run, subvolume, inode, generation, path, outcome, detail);
        }
      })
      .immediate();
  }

  /** Only after the flag was cleared, or never set, and a sync of the volume has made that durable. */
  removeIntents(files: readonly FileIdentity[]): void {
    if (files.length === 0) return;
    this.#db
      .transaction(() => {
        for (const file of files) this.#deleteIntent.run(file.subvolume, file.inode, file.generation);
      })
      .immediate();
  }

  /** Durable on return: to be called before the first range of an extent is moved onto its copy. */
  addRewrites(rewrites: readonly JournaledRewrite[]): void {
    if (rewrites.length === 0) return;
    const insert = this.#db.prepare(`INSERT INTO rewrites VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#db
      .transaction(() => {
        for (const one of rewrites) {
          const { run, extent, kind, subvolume, inode, generation } = one;
          const { fileOffset, length, extentOffset, target } = one;
          insert.run(
            run,
            extent,
            kind,
            subvolume,
            inode,
            generation,
            fileOffset,
            length,
            extentOffset,
            target,
          );
        }
      })
      .immediate();
  }

  /** Ranges of extents that a run may have moved in part, those of one extent together. */
  openRewrites(): readonly JournaledRewrite[] {
    const rows = this.#db
      .prepare(
        `SELECT run, extent, kind, subvolume, inode, generation, file_offset AS fileOffset, length,
           extent_offset AS extentOffset, target FROM rewrites ORDER BY run, extent, rowid`,
      )
      .all();
    return rows as JournaledRewrite[];
  }

  /** Only when a sync has made durable that all ranges of the extent are moved, or none. */
  removeRewrites(run: number, extents: readonly number[]): void {
    if (extents.length === 0) return;
    const remove = this.#db.prepare(`DELETE FROM rewrites WHERE run = ? AND extent = ?`);
    this.#db
      .transaction(() => {
        for (const extent of extents) remove.run(run, extent);
      })
      .immediate();
  }

  finishRun(run: number, end: RunEnd): void {
    this.#db
      .prepare(
        `UPDATE runs SET finished = ?, state = ?, groups = ?, files = ?, skipped = ?, freed = ?, differences = ?,
           extents = ?, rewritten = ? WHERE id = ?`,
      )
      .run(
        Date.now(),
        end.state,
        end.groups,
        end.files,
        end.skipped,
        end.freedBytes,
        differencesToText(end.differences ?? []),
        end.ranges?.extents ?? 0,
        end.ranges?.rewrittenBytes ?? 0,
        run,
      );
  }

  /**
   * Marks runs that never came to an end as interrupted. Call it where the
   * volume's lock is held: then no run but this process's own can be alive.
   * @returns how many there were
   */
  markInterruptedRuns(): number {
    return this.#db
      .prepare(
        `UPDATE runs SET state = 'interrupted',
           files = (SELECT count(*) FROM run_files WHERE run = runs.id AND outcome = 'folded'),
           skipped = (SELECT count(*) FROM run_files WHERE run = runs.id AND outcome <> 'folded')
         WHERE state = 'running'`,
      )
      .run().changes;
  }

  /** Files that may carry a flag of ours, oldest first. */
  openIntents(): readonly Intent[] {
    const rows = this.#db
      .prepare(
        `SELECT subvolume, inode, generation, run, path, set_at AS setAt FROM intents ORDER BY set_at, inode`,
      )
      .all();
    return rows as Intent[];
  }

  /** All runs, newest first. */
  history(volume: string): readonly HistoryRun[] {
    const rows = this.#db
      .prepare(
        `SELECT id, started AS startedAt, finished AS finishedAt, state, groups, files, skipped,
           predicted AS predictedBytes, freed AS freedBytes, differences, extents, rewritten AS rewrittenBytes
         FROM runs ORDER BY id DESC`,
      )
      .all() as (Omit<HistoryRun, "volume" | "state" | "differences" | "ranges"> &
      NonNullable<HistoryRun["ranges"]> & {
        state: HistoryRun["state"] | "running";
        differences: string | null;
      })[];
    return rows.map(({ extents, rewrittenBytes, ...row }) => ({
      ...row,
      volume,
      differences: differencesFromText(row.differences),
      state: row.state === "running" ? "interrupted" : row.state,
      ...(extents === 0 ? {} : { ranges: { extents, rewrittenBytes } }),
    }));
  }

  /** Some files of a run, and how many there are. */
  historyPage(run: number, offset: number, limit: number): { total: number; files: readonly HistoryFile[] } {
    const { total } = this.#db.prepare(`SELECT count(*) AS total FROM run_files WHERE run = ?`).get(run) as {
      total: number;
    };
    const files = this.#db
      .prepare(
        `SELECT path, inode, outcome, detail FROM run_files WHERE run = ? ORDER BY rowid LIMIT ? OFFSET ?`,
      )
      .all(run, limit, offset) as HistoryFile[];
    return { total, files };
  }

  /** Files of a run in the order in which they ended. */
  historyFiles(run: number): readonly HistoryFile[] {
    const rows = this.#db
      .prepare(`SELECT path, inode, outcome, detail FROM run_files WHERE run = ? ORDER BY rowid`)
      .all(run);
    return rows as HistoryFile[];
  }
}

interface StoredDifference extends Omit<Difference, "subvolumes"> {
  readonly subvolumes?: readonly { readonly path: string; readonly bytes: number }[];
}

function differencesToText(differences: readonly Difference[]): string | null {
  if (differences.length === 0) return null;
  const stored = differences.map(({ subvolumes, ...rest }): StoredDifference => {
    if (subvolumes === undefined) return rest;
    return { ...rest, subvolumes: subvolumes.map((one) => ({ ...one, path: bytesToJsonString(one.path) })) };
  });
  return JSON.stringify(stored);
}

function differencesFromText(text: string | null): Difference[] {
  if (text === null) return [];
  return (JSON.parse(text) as StoredDifference[]).map(({ subvolumes, ...rest }): Difference => {
    if (subvolumes === undefined) return rest;
    return { ...rest, subvolumes: subvolumes.map((one) => ({ ...one, path: jsonStringToBytes(one.path) })) };
  });
}
