import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { IndexStore } from "../../src-helper/store/index-store.ts";

const UUID = "00000000-0000-0000-0000-000000000001";

/** An index with rows and indexes, then given the number of an older version. */
function indexOf(version: number, scanned: boolean): string {
  const directory = mkdtempSync(join(tmpdir(), "refold-index-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const store = new IndexStore(directory, UUID, () => undefined);
  const inode = "INSERT INTO inode VALUES (1, ?, -1, 1, 0, 256, 1, 4096, 0, 0, 0, 7, 1, NULL)";
  for (const ino of [257, 258]) store.run(inode, ino);
  store.run("INSERT INTO print (size, layout, status) VALUES (4096, 7, 0)");
  store.createIndexes();
  if (scanned) store.setMeta("scan", { generation: 1 });
  store.close();
  const db = new BetterSqlite(join(directory, `${UUID}.db`));
  db.pragma(`user_version = ${version}`);
  db.close();
  return directory;
}

test.each([7, 8, 9, 10])(
  "rows that a Refold of version %i may have got wrong are forgotten, and it is said",
  (version) => {
    const told: string[] = [];
    const store = new IndexStore(indexOf(version, true), UUID, (message) => told.push(message));
    onTestFinished(() => {
      store.close();
    });
    expect(told).toEqual([expect.stringContaining("the next scan is a full one")]);
    for (const table of ["inode", "print"])
      expect(store.get(`SELECT COUNT(*) AS n FROM ${table}`)).toEqual({ n: 0 });
    expect(store.meta("scan")).toBeUndefined();
    // a first scan makes them after its rows
    expect(store.all("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")).toEqual([]);
  },
);

test("of an index that no scan filled, and of one of this version, nothing is said", () => {
  const told: string[] = [];
  const warn = (message: string): void => void told.push(message);
  new IndexStore(indexOf(7, false), UUID, warn).close();
  const directory = indexOf(7, true);
  new IndexStore(directory, UUID, () => undefined).close();
  new IndexStore(directory, UUID, warn).close();
  expect(told).toEqual([]);
});
