import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExtentRefs } from "../../src-helper/store/extent-refs.ts";
import { IndexStore } from "../../src-helper/store/index-store.ts";

const SECTOR = 4096;
const CHUNK = 2 ** 26;

let directory: string;
let store: IndexStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "refold-refs-"));
  store = new IndexStore(directory, "00000000-0000-0000-0000-000000000001", () => undefined);
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const opened = (empty = false): ExtentRefs => new ExtentRefs(store, SECTOR, empty);

test("counts what was added less what was removed, in any order, over the borders of rows", () => {
  let seed = 5;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const truth = new Map<number, number>();
  for (let round = 0; round < 6; round++) {
    const refs = opened(round === 0);
    for (let k = 0; k < 3000; k++) {
      const bytenr =
        random(40) * (CHUNK / 4) + random(50) * SECTOR + (random(2) === 0 ? 0 : CHUNK / 4 - SECTOR);
      const before = truth.get(bytenr) ?? 0;
      if (before > 0 && random(3) === 0) {
        refs.remove(bytenr);
        truth.set(bytenr, before - 1);
      } else {
        refs.add(bytenr);
        truth.set(bytenr, before + 1);
      }
    }
    refs.flush();
    for (const reader of [refs, opened()]) {
      for (const [bytenr, count] of truth) expect(reader.count(bytenr), `${bytenr}`).toBe(count);
    }
  }
  expect(opened().count(123 * CHUNK)).toBe(0);
});

test("keeps counts beyond 16 bits and addresses beyond 32", () => {
  const refs = opened(true);
  const far = 2 ** 44 + 17 * SECTOR;
  for (let k = 0; k < 150_000; k++) refs.add(far);
  refs.add(far + CHUNK - 18 * SECTOR);
  refs.add(far + SECTOR);
  refs.add(far + SECTOR);
  refs.flush();
  expect(opened().count(far)).toBe(150_000);
  expect(opened().count(far + SECTOR)).toBe(2);
  expect(opened().count(far + CHUNK - 18 * SECTOR)).toBe(1);
  for (let k = 0; k < 90_000; k++) refs.remove(far);
  refs.flush();
  expect(opened().count(far)).toBe(60_000);
  expect(opened().count(far + SECTOR)).toBe(2);
});

test.each([4096, 16384, 65536])("a row with ever more extents, of sectors of %i bytes", (sectorSize) => {
  const sectors = CHUNK / sectorSize;
  const refs = new ExtentRefs(store, sectorSize, true);
  const truth = new Map<number, number>();
  // 7 is no divisor of any: all sectors come in turn
  for (let k = 0; k < sectors; k++) {
    const sector = (7 * k) % sectors;
    refs.add(sector * sectorSize);
    if (k % 5 === 0) refs.add(sector * sectorSize);
    truth.set(sector, k % 5 === 0 ? 2 : 1);
    if (k % (sectors / 64) !== 0) continue;
    refs.flush();
    const reader = new ExtentRefs(store, sectorSize, false);
    const wrong = Array.from({ length: sectors }, (_, at) => at).filter(
      (at) => reader.count(at * sectorSize) !== (truth.get(at) ?? 0),
    );
    expect(wrong).toEqual([]);
  }
});

test("says whether an extent that changed is or was shared", () => {
  const first = opened(true);
  first.add(0);
  first.add(SECTOR);
  first.add(SECTOR);
  first.flush();
  const change = (work: (refs: ExtentRefs) => void): boolean => {
    const refs = opened();
    work(refs);
    return refs.flush();
  };
  expect(
    change((refs) => {
      refs.add(2 * SECTOR);
    }),
  ).toBe(false);
  expect(
    change((refs) => {
      refs.remove(2 * SECTOR);
    }),
  ).toBe(false);
  expect(
    change((refs) => {
      refs.add(0);
    }),
  ).toBe(true);
  expect(
    change((refs) => {
      refs.remove(0);
    }),
  ).toBe(true);
  expect(
    change((refs) => {
      refs.remove(SECTOR);
    }),
  ).toBe(true);
  // what came and went is no change
  expect(
    change((refs) => {
      refs.add(0);
      refs.remove(0);
    }),
  ).toBe(false);
});

test("an extent that nobody refers to takes no room", () => {
  const refs = opened(true);
  refs.add(5 * SECTOR);
  refs.flush();
  refs.remove(5 * SECTOR);
  refs.flush();
  expect(store.get("SELECT COUNT(*) AS n FROM extent_refs")).toEqual({ n: 0 });
});

test("a file overwritten here and there refers to its own extents many times: nobody else is affected", () => {
  const first = opened(true);
  for (let k = 0; k < 3; k++) first.add(0);
  first.flush();
  const change = (went: number, came: number): boolean => {
    const refs = opened();
    for (let k = 0; k < went; k++) refs.remove(0);
    for (let k = 0; k < came; k++) refs.add(0);
    return refs.flush();
  };
  expect(change(3, 2)).toBe(false);
  expect(change(2, 5)).toBe(false);
  // another file's reference stays
  expect(change(4, 3)).toBe(true);
  expect(change(0, 1)).toBe(true);
  expect(change(5, 0)).toBe(false);
  expect(opened().count(0)).toBe(0);
});

test("what was changed again and again is stored as what was counted once", () => {
  let seed = 11;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const truth = new Map<number, number>();
  const stored = (): Buffer =>
    (store.get("SELECT data FROM extent_refs WHERE chunk = 0") as { data: Buffer }).data;
  const spread = [3, 300, CHUNK / SECTOR];
  for (let round = 0; round < 60; round++) {
    const refs = opened();
    const below = spread[round % 3] ?? 1;
    for (let k = random(20); k >= 0; k--) {
      const sector = random(below);
      const before = truth.get(sector) ?? 0;
      if (before > 0 && random(2) === 0) {
        refs.remove(sector * SECTOR);
        truth.set(sector, before - 1);
      } else {
        refs.add(sector * SECTOR);
        truth.set(sector, before + 1);
      }
    }
    refs.flush();
    if (![...truth.values()].some((count) => count > 0)) continue;
    const after = Buffer.from(stored());
    store.run("DELETE FROM extent_refs");
    const once = opened(true);
    for (const [sector, count] of truth) for (let k = 0; k < count; k++) once.add(sector * SECTOR);
    once.flush();
    expect(stored().equals(after), `round ${round}`).toBe(true);
  }
});
