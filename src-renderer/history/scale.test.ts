import fc from "fast-check";
import { expect, it } from "vitest";
import { roundUp } from "./scale.ts";

it("ends an axis at a round size at or above the largest, not far above it", () => {
  expect(roundUp(36.8 * 2 ** 30)).toBe(50 * 2 ** 30);
  expect(roundUp(600 * 2 ** 20)).toBe(2 ** 30);
  expect(roundUp(0)).toBe(1);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (bytes) => {
      expect(roundUp(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(roundUp(bytes)).toBeLessThanOrEqual(bytes * 2.5);
    }),
  );
});
