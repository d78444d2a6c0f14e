/**
 * A size that very many files have is compared some of them at a time, by keys (scan/crowded-sizes.ts). With so few
 * that each size is one: what is stored must be what comparing each as a whole gives.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, constants, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { byKey } from "../../src-helper/scan/crowded-sizes.ts";
import { IndexBench } from "../snapshots-index/support.ts";
import { Random } from "../support/random.ts";

/** More files of a size, and it is gone through by keys. */
const CROWD = 8;
const MOST = 1 << 30;
/** Two blocks; two blocks and a part; less than 64 bits of checksums; compressed in part. */
const SIZES = [8192, 12_345, 4096, 65_536];

function contentOf(size: number, content: number): Buffer {
  const random = new Random(size * 1000 + content);
  const data = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) data.writeUInt32LE(random.below(2 ** 32), at);
  // they differ before the last block, which is not full, or only there
  if (size % 4096 !== 0 && content % 3 === 0) contentOf(size, content + 1).copy(data, 0, 0, 8192);
  return data;
}

/** @param bench whose last scan went to that folder */
function stored(bench: IndexBench, folder: string): unknown {
  const db = new Database(join(bench.volume.beside(folder), `${bench.volume.uuid}.db`), { readonly: true });
  try {
    const all = (sql: string): unknown[] => db.prepare(sql).raw(true).all();
    return {
      groups: all("SELECT * FROM grp ORDER BY size, content"),
      prints: all("SELECT size, layout, status, csum, content FROM print ORDER BY size, layout"),
      keys: all("SELECT * FROM place_keys ORDER BY size"),
      recent: all("SELECT * FROM recent_keys ORDER BY size"),
      pending: all("SELECT * FROM pending"),
    };
  } finally {
    db.close();
  }
}

function write(bench: IndexBench, folder: string, sizes: readonly number[], files: number): void {
  mkdirSync(bench.path(folder));
  const random = new Random(files);
  for (const size of sizes) {
    for (let k = 0; k < files; k++) {
      writeFileSync(bench.path(`${folder}/${size} ${k}`), contentOf(size, random.below(files * 0.8)));
    }
  }
}

test("by keys, some at a time, as at once", async () => {
  using bench = new IndexBench();
  write(bench, "plain", SIZES, 40);
  mkdirSync(bench.path("zstd"));
  execFileSync("btrfs", ["property", "set", bench.path("zstd"), "compression", "zstd"]);
  for (let k = 0; k < 10; k++) writeFileSync(bench.path(`zstd/${k}`), Buffer.alloc(65_536, `text ${k % 4} `));
  // very many files at one place
  writeFileSync(bench.path("one"), contentOf(20_480, 1));
  for (let k = 0; k < 20; k++)
    copyFileSync(bench.path("one"), bench.path(`one ${k}`), constants.COPYFILE_FICLONE);

  await bench.scan("whole", MOST);
  await bench.scan("crowded", CROWD);
  const first = stored(bench, "whole") as { groups: unknown[]; keys: unknown[] };
  expect(stored(bench, "crowded")).toEqual(first);
  expect(first.groups.length).toBeGreaterThan(30);
  // so that both ways of a size were there: with keys, and without
  expect(first.keys).toHaveLength(2);

  // another size that is crowded from the first, and one that becomes it
  write(bench, "later", [16_384, 8192], 30);
  write(bench, "few", [24_576], CROWD - 2);
  await bench.scan("whole", MOST);
  await bench.scan("crowded", CROWD);
  expect(stored(bench, "crowded")).toEqual(stored(bench, "whole"));
  write(bench, "more", [24_576], 30);
  rmSync(bench.path("later"), { recursive: true });
  await bench.scan("whole", MOST);
  await bench.scan("crowded", CROWD);
  expect(stored(bench, "crowded")).toEqual(stored(bench, "whole"));
});

test("those of one key stay together, however many they are", () => {
  const keys = [5, 1, 5, 2, 5, 3, 2, 5, 9, 9, 4];
  const pairs = Float64Array.from(keys.flatMap((key, k) => [100 + k, key]));
  const layouts = (key: number): number[] => keys.flatMap((other, k) => (other === key ? [100 + k] : []));
  expect([...byKey(pairs, false, 2)].map((some) => some.toSorted())).toEqual([
    layouts(2),
    layouts(5),
    layouts(9),
  ]);
  expect([...byKey(pairs, false, 3)].map((some) => some.toSorted())).toEqual(
    [[...layouts(2), ...layouts(5)], layouts(9)].map((some) => some.toSorted()),
  );
  const all = [...byKey(pairs, true, 4)].flat().toSorted();
  expect(all).toEqual(keys.map((_, k) => 100 + k));
  expect([...byKey(new Float64Array(), true, 4)]).toEqual([]);
});
