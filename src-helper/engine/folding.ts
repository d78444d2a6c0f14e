import { existsSync } from "node:fs";
import { Journal, journalPath } from "../journal/store.ts";

type Warn = (message: string) => void;

/** Works on the journal of a filesystem; null where it has none. Makes no database. */
export function withJournal<Result>(
  databaseDir: string,
  uuid: string,
  warn: Warn,
  work: (journal: Journal) => Result,
): Result | null {
  if (!existsSync(journalPath(databaseDir, uuid))) return null;
  const journal = Journal.open(databaseDir, uuid, warn);
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}
export function foldSelection(..._a: unknown[]): never { throw new Error("not yet"); }
export function stuckFiles(..._a: unknown[]): never { throw new Error("not yet"); }
export function repairFiles(..._a: unknown[]): never { throw new Error("not yet"); }
export function foldNamedFiles(..._a: unknown[]): never { throw new Error("not yet"); }
