/** Every statement that the index is asked with is answered by an index: a million rows are never run through. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IndexStore } from "../../src-helper/store/index-store.ts";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { BY_SAVING, EVERYTHING, MIN_SIZE, namesContext, ReviewBench } from "./support.ts";

/** Statements that are to run through a whole table, and why. */
const WHOLE: readonly (readonly [pattern: RegExp, why: string])[] = [
  [
    /group_concat\(\s*printf\('%016llx %x/,
    "a first scan compares every file; it runs before there are indexes",
  ],
  [
    /FROM print p CROSS JOIN inode/,
    "a review holds the files of all groups: from print, then each by the index",
  ],
];

const asked = new Set<string>();
let bench: ReviewBench;

beforeAll(async () => {
  const prepare = Reflect.get(Database.prototype, "prepare") as (
    this: Database.Database,
    sql: string,
  ) => Database.Statement;
  vi.spyOn(Database.prototype, "prepare").mockImplementation(function (this: Database.Database, sql: string) {
    asked.add(sql.trim());
    return prepare.call(this, sql);
  });
  bench = new ReviewBench({ size: "1G" });
  for (const folder of ["a", "b"]) {
    mkdirSync(bench.path(folder));
    for (let k = 0; k < 12; k++)
      writeFileSync(bench.path(`${folder}/${k}`), Buffer.alloc(8192 + 4096 * (k % 3), `${k}`));
  }
  await bench.scan(16_384);
  await bench.scan();
  rmSync(bench.path("a/1"));
  writeFileSync(bench.path("b/2"), Buffer.alloc(8192, "changed"));
  writeFileSync(bench.path("b/new"), Buffer.alloc(8192, "0"));
  await bench.scan();
  await bench.withVolume(async (volume) => {
    for (const selection of [EVERYTHING, { ...EVERYTHING, exclude: ["nothing"], snapshots: true }]) {
      let shown = 0;
      for await (const group of volume.groups(selection, 2)) shown += group.files.length > 1 ? 1 : 0;
      expect(shown).toBe(2);
      await volume.preview(selection, { lock: "immutable", defrag: true, priority: "normal" });
    }
    volume.sizeLookup(8192);
    expect(volume.summary.lastScan).not.toBeNull();
  });
  const review = await bench.open();
  const page = { filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 10 };
  const { rows } = await review.rows(page);
  await review.names(namesContext());
  await review.files(rows[0]?.id ?? "", 0, 10);
  await review.tick({ kind: "filter", filter: { ...NO_FILTER, minSize: MIN_SIZE } }, false);
}, 120_000);

afterAll(() => {
  vi.restoreAllMocks();
  bench[Symbol.dispose]();
});

/** What SQLite says how it would find the rows. */
function planOf(db: Database.Database, sql: string): string[] {
  const parameters = sql.match(/\?/g)?.length ?? 0;
  const statement = db.prepare(`EXPLAIN QUERY PLAN ${sql}`);
  return (statement.all(...Array.from({ length: parameters }, () => 1)) as { detail: string }[]).map(
    ({ detail }) => detail,
  );
}

/** A partial index has only the few rows that are asked for. */
const PARTIAL = /inode_(unnamed|immutable|opted_out)/;

function isSlow(line: string): boolean {
  return (/^SCAN (inode|i)\b/.test(line) && !PARTIAL.test(line)) || line.includes("TEMP B-TREE");
}

test("no statement runs through inode, or sorts what an index has in order", () => {
  const store = new IndexStore(bench.db, bench.volume.uuid, () => undefined);
  try {
    const tables =
      /\b(FROM|UPDATE|INTO|JOIN)\s+(inode|print|grp|place_keys|recent_keys|holder|extent_refs)\b/i;
    const statements = [...asked].filter(
      (sql) => /^(SELECT|UPDATE|DELETE|WITH)/i.test(sql) && tables.test(sql),
    );
    expect(statements.length).toBeGreaterThan(20);
    const bad = statements
      .filter((sql) => !WHOLE.some(([pattern]) => pattern.test(sql)))
      .flatMap((sql) =>
        planOf(store.db, sql)
          .filter(isSlow)
          .map((line) => ({ sql, line })),
      );
    expect(bad).toEqual([]);
  } finally {
    store.close();
  }
});

test("the exceptions are in use", () => {
  for (const [pattern, why] of WHOLE)
    expect(
      [...asked].some((sql) => pattern.test(sql)),
      why,
    ).toBe(true);
});

test("a list of groups by saving is read from its index", () => {
  const store = new IndexStore(bench.db, bench.volume.uuid, () => undefined);
  try {
    const [sql] = [...asked].filter((one) => one.includes("ORDER BY reclaimable DESC"));
    expect(planOf(store.db, sql ?? "")).toEqual([expect.stringContaining("grp_by_saving")]);
  } finally {
    store.close();
  }
});
