/** When the index of a scan is looked through for damage, and when it is taken as it was left. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { IndexStore } from "../../src-helper/store/index-store.ts";
import { checkedAt } from "../../src-helper/store/trust.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
let directory = "";
let path = "";
let warnings: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "refold-trust-"));
  path = join(directory, `${UUID}.db`);
  warnings = [];
  const store = open();
  store.run("INSERT INTO pending SELECT value FROM json_each(?)", JSON.stringify([...Array(5000).keys()]));
  store.setMeta("kept", true);
  store.close();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

const open = (): IndexStore => new IndexStore(directory, UUID, (message) => warnings.push(message));

/** Whether it is trusted as it is now; changes nothing. */
function isTrusted(): boolean {
  const db = new BetterSqlite(path);
  try {
    return checkedAt(db, path) !== null;
  } finally {
    db.close();
  }
}

test("it is trusted as it was left", () => {
  expect(isTrusted()).toBe(true);
  const reader = open();
  expect(reader.meta("kept")).toBe(true);
  reader.close();
  expect(isTrusted()).toBe(true);
  const writer = open();
  writer.setMeta("kept", false);
  writer.close();
  expect(isTrusted()).toBe(true);
});

test("not once something else wrote to it, and damage is found then", () => {
  const fd = openSync(path, "r+");
  for (let at = 4096; at < statSync(path).size; at += 4096)
    writeSync(fd, Buffer.alloc(1000, "x"), 0, 1000, at);
  closeSync(fd);
  open().close();
  expect(warnings[0]).toContain("moved to");
});

test("not where it was cut off, even with its time set back", () => {
  const { atime, mtime, size } = statSync(path);
  truncateSync(path, size - 8192);
  utimesSync(path, atime, mtime);
  open().close();
  expect(warnings[0]).toContain("moved to");
});

test("not after a day", () => {
  vi.useFakeTimers({ now: Date.now() + 25 * 60 * 60 * 1000, toFake: ["Date"] });
  expect(isTrusted()).toBe(false);
});

test("not after a scan that failed, until it was looked through", () => {
  const failed = open();
  failed.begin();
  failed.rollback();
  failed.close();
  expect(isTrusted()).toBe(false);
  const checked = open();
  checked.setMeta("kept", true);
  checked.close();
  expect(isTrusted()).toBe(true);
});

test("not while another has it open and wrote", () => {
  const other = open();
  other.setMeta("kept", false);
  expect(isTrusted()).toBe(false);
  other.close();
});

test("while another has it open, as a review does, but not where that one reads what was before", () => {
  const review = open();
  const write = (): void => {
    const writer = open();
    writer.setMeta("kept", false);
    writer.close();
  };
  write();
  expect(isTrusted()).toBe(true);
  review.db.exec("BEGIN");
  review.meta("kept");
  write();
  expect(isTrusted()).toBe(false);
  review.db.exec("COMMIT");
  write();
  expect(isTrusted()).toBe(true);
  review.close();
  expect(isTrusted()).toBe(true);
});
