/** What the settings of parts of files come to: what is asked of which helper, and when a live scan looks for them. */
import { describe, expect, test } from "vitest";
import { deepOptions } from "../../src-helper/rpc/deep.ts";
import { deepSchema } from "../../src-helper/rpc/protocol.ts";
import { arePartsOutdated, deepOf, observedDeepOf } from "../../src-main/app/ranges.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src-main/settings/schema.ts";
import { scanned, volume } from "./services/support.ts";

const GIB = 2 ** 30;
const on: Settings = { ...DEFAULT_SETTINGS, ranges: true, rangesMemory: GIB, rangesRewrite: 25 };
const reads: Settings = { ...on, rangesRead: true };

describe("what is asked", () => {
  test("is nothing where parts are not looked for", () => {
    expect(deepOf({ ...reads, ranges: false })).toEqual({});
    expect(observedDeepOf({})).toEqual({});
  });

  test("comes to the engine as it was set", () => {
    const { deep } = deepOf(on);
    expect(deepOptions(deepSchema.parse(deep))).toMatchObject({ memory: GIB, maxRewrite: 0.25 });
    expect(deepOptions(deepSchema.parse(deep)).read).toBeUndefined();
    expect(deepOptions(deepSchema.parse(deepOf(reads).deep)).read).toBe(true);
  });

  test("is less memory, and no reading, of a helper that only observes", () => {
    expect(observedDeepOf(deepOf(reads))).toEqual({ deep: { memory: GIB / 4, maxRewrite: 0.25 } });
  });
});

test("a live scan looks for parts where they are wanted, out of date, and found without reading", () => {
  const found = { extents: 1, files: 2, reclaimableBytes: GIB, rewrittenBytes: 0 };
  const outdated = (settings: Settings, ranges?: { current: boolean; read?: boolean }): boolean => {
    const lastScan =
      ranges === undefined ? scanned(GIB) : { ...scanned(GIB), ranges: { ...found, ...ranges } };
    return arePartsOutdated(volume({ lastScan }), settings);
  };
  expect(outdated(on)).toBe(true);
  expect(outdated(on, { current: false })).toBe(true);
  expect(outdated(on, { current: true })).toBe(false);
  // it counts what the review will not
  expect(outdated(on, { current: true, read: true })).toBe(true);
  expect(outdated(reads, { current: false })).toBe(false);
  expect(outdated(DEFAULT_SETTINGS, { current: false })).toBe(false);
  expect(arePartsOutdated(volume({ lastScan: null }), on)).toBe(false);
  expect(arePartsOutdated(null, on)).toBe(false);
});
