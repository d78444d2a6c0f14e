/** Sorting in turns, against sorting at once. */
import { expect, test } from "vitest";
import { sortInTurns, sortNumbersInTurns } from "../../src-helper/deep/sort.ts";
import { unionInTurns, union } from "../../src-helper/deep/spans.ts";
import { Turns } from "../../src-helper/deep/turns.ts";
import { Random } from "../support/random.ts";

const turns = new Turns(() => Promise.resolve());

// around the sizes at which runs are merged once more
test.each([0, 1, 4095, 4096, 4097, 8192, 8193, 20_001, 33_000])("%i items", async (count) => {
  const random = new Random(count);
  const items = Array.from({ length: count }, (_, k) => ({ key: random.below(count / 4 + 1), k }));
  const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
  expect(await sortInTurns(items, compare, turns)).toEqual(items.toSorted(compare));
  const numbers = Float64Array.from(items, ({ key }) => key * 2 ** 33);
  expect(await sortNumbersInTurns(numbers, turns)).toEqual(numbers.toSorted());
  const spans = items.map(({ key }) => ({ start: 8 * key, end: 8 * key + 1 + random.below(12) }));
  expect(await unionInTurns(spans, turns)).toEqual(union(spans));
});

test("ends where a turn says so, and leaves what it was given as it was", async () => {
  const items = Array.from({ length: 9000 }, (_, k) => 9000 - k);
  const ends = new Turns(() => Promise.reject(new Error("enough")));
  Object.defineProperty(ends, "over", { value: true });
  await expect(sortInTurns(items, (a, b) => a - b, ends)).rejects.toThrow("enough");
  expect(items[0]).toBe(9000);
});
