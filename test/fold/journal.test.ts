/** The journal as a database: what it keeps, who may read it, and what it does with damaged files. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal, journalPath } from "../../src-helper/journal/store.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
const START = { lock: "immutable", generation: 7, predictedBytes: 4096 } as const;
let directory = "";
let warnings: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "refold-journal-"));
  warnings = [];
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function open(): Journal {
  return Journal.open(join(directory, "db"), UUID, (message) => warnings.push(message));
}

test("only root can read it, and each of its files", () => {
  using journal = open();
  journal.beginRun(START);
  expect(statSync(join(directory, "db")).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(join(directory, "db"))) {
    expect(statSync(join(directory, "db", name)).mode & 0o777).toBe(0o600);
  }
});

test("keeps runs, files with any bytes in their paths, and large numbers", () => {
  const path = Buffer.from([0x2f, 0xff, 0x0a, 0x61]);
  const file = { subvolume: 256, inode: 2 ** 40 + 1, generation: 2 ** 33 };
  {
    using journal = open();
    const run = journal.beginRun(START);
    journal.advance(run, [{ ...file, path }], [{ ...file, path, outcome: "in-use", detail: "Somebody." }]);
  }
  using journal = open();
  expect(journal.openIntents()).toMatchObject([{ ...file, path, run: 1 }]);
  expect(journal.historyFiles(1)).toEqual([
    { path, inode: file.inode, outcome: "in-use", detail: "Somebody." },
  ]);
  journal.removeIntents([{ ...file, generation: 1 }]);
  expect(journal.openIntents()).toHaveLength(1);
  journal.removeIntents([file]);
  expect(journal.openIntents()).toEqual([]);
});

test("a run that never ended is interrupted, with what it had done by then; an ended one stays as it is", () => {
  const file = { subvolume: 5, inode: 300, generation: 3, path: Buffer.from("/x"), detail: "" };
  {
    using journal = open();
    const ended = journal.beginRun(START);
    journal.finishRun(ended, {
      state: "done",
      groups: 2,
      files: 3,
      skipped: 1,
      freedBytes: 99,
      ranges: { extents: 2, rewrittenBytes: 8192 },
    });
    const cut = journal.beginRun(START);
    journal.advance(
      cut,
      [],
      [
        { ...file, outcome: "folded" },
        { ...file, outcome: "differs" },
      ],
    );
  }
  using journal = open();
  expect(journal.markInterruptedRuns()).toBe(1);
  expect(journal.markInterruptedRuns()).toBe(0);
  expect(journal.history(UUID)).toMatchObject([
    {
      id: 2,
      state: "interrupted",
      finishedAt: null,
      files: 1,
      skipped: 1,
      freedBytes: null,
      predictedBytes: 4096,
    },
    {
      id: 1,
      ranges: { extents: 2, rewrittenBytes: 8192 },
      state: "done",
      groups: 2,
      files: 3,
      skipped: 1,
      freedBytes: 99,
      volume: UUID,
    },
  ]);
});

test("a damaged one is moved aside and said, never reused", () => {
  const path = journalPath(join(directory, "db"), UUID);
  open().close();
  writeFileSync(path, Buffer.alloc(8192, "not a database "));
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  using journal = open();
  expect(journal.history(UUID)).toEqual([]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(path);
  expect(readdirSync(join(directory, "db")).some((name) => name.includes(".corrupt-"))).toBe(true);
});

test("one of a newer Refold is moved aside, whole", () => {
  const path = journalPath(join(directory, "db"), UUID);
  {
    using journal = open();
    journal.beginRun(START);
  }
  const db = new BetterSqlite(path);
  db.pragma("user_version = 99");
  db.close();
  using journal = open();
  expect(journal.history(UUID)).toEqual([]);
  const aside = readdirSync(join(directory, "db")).find(
    (name) => name.includes(".newer-") && !/-(wal|shm)$/.test(name),
  );
  expect(warnings[0]).toContain(aside);
  const kept = new BetterSqlite(join(directory, "db", aside ?? ""), { readonly: true });
  expect(kept.prepare("SELECT count(*) AS n FROM runs").get()).toEqual({ n: 1 });
  kept.close();
  expect(existsSync(path)).toBe(true);
});
