/** Sorting in turns, against sorting at once. */
import { expect, test } from "vitest";
import { equalBlocks } from "../../src-helper/deep/occurrences.ts";
import { sortNumbersInTurns, sortRowsInTurns } from "../../src-helper/deep/sort.ts";
import { union } from "../../src-helper/deep/spans.ts";
import { Turns } from "../../src-helper/deep/turns.ts";
import { Random } from "../support/random.ts";

const turns = new Turns(() => Promise.resolve());

// around the sizes at which runs are merged once more
test.each([0, 1, 4095, 4096, 4097, 8192, 8193, 20_001, 33_000])("%i items", async (count) => {
  const random = new Random(count);
  const keys = Array.from({ length: count }, () => random.below(count / 4 + 1));
  const compare = (a: number, b: number): number => (keys[a] ?? 0) - (keys[b] ?? 0);
  const rows = Int32Array.from(keys.keys());
  expect([...(await sortRowsInTurns(rows, compare, turns))]).toEqual([...rows].toSorted(compare));
  const numbers = Float64Array.from(keys, (key) => key * 2 ** 33);
  expect(await sortNumbersInTurns(numbers, turns)).toEqual(numbers.toSorted());
  // runs beyond all that they are equal to, and those of the ones that touch
  const runs = {
    start: Float64Array.from(keys, (_, k) => 2 ** 40 + 16 * k),
    length: Float64Array.from(keys, () => 1 + random.below(12)),
    canon: Float64Array.from(keys, (key) => 8 * key),
  };
  const { start, length, canon } = await equalBlocks(runs, turns);
  const spans = keys.map((key, k) => ({ start: 8 * key, end: 8 * key + (runs.length[k] ?? 0) }));
  const own = union(spans).map((span) => [span.start, span.end - span.start, span.start]);
  const found = keys.map((key, k) => [2 ** 40 + 16 * k, runs.length[k] ?? 0, 8 * key]);
  expect([...start.keys()].map((k) => [start[k], length[k], canon[k]])).toEqual([...own, ...found]);
});

test("ends where a turn says so, and leaves what it was given as it was", async () => {
  const items = Int32Array.from({ length: 9000 }, (_, k) => 9000 - k);
  const ends = new Turns(() => Promise.reject(new Error("enough")));
  Object.defineProperty(ends, "over", { value: true });
  await expect(sortRowsInTurns(items, (a, b) => a - b, ends)).rejects.toThrow("enough");
  expect(items[0]).toBe(9000);
});
