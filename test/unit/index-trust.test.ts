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

const open = (check = true): IndexStore =>
  new IndexStore(directory, UUID, (message) => warnings.push(message), check);

/** Whether it is trusted as it is now; changes nothing. */
function isTrusted(): boolean {
  const store = open(false);
  try {
    return checkedAt(store.db, path) !== null;
  } finally {
    store.close();
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

test("not after a scan that failed, nor where nobody ever looked", () => {
  const failed = open();
  failed.begin();
  failed.rollback();
  failed.close();
  expect(isTrusted()).toBe(false);
  const unchecked = open(false);
  unchecked.setMeta("kept", false);
  unchecked.close();
  expect(isTrusted()).toBe(false);
  open().close();
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
