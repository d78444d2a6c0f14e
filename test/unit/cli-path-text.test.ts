import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesToJsonString, jsonStringToBytes } from "../../src-helper/text/path-text.ts";

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const anyBytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array));
/** Mostly valid text with bad bytes strewn in: random bytes alone are hardly ever multi-byte UTF-8. */
const mixedBytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text, "utf8")),
      anyBytes,
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

describe("paths as text", () => {
  it("gives back every byte, through JSON too", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, mixedBytes), (path) => {
        const json = JSON.stringify(bytesToJsonString(path));
        expect(jsonStringToBytes(JSON.parse(json) as string)).toEqual(path);
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves valid UTF-8 as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(bytesToJsonString(Buffer.from(text, "utf8"))).toBe(text);
      }),
    );
  });

  it("writes only lone surrogates U+DC80 to U+DCFF for what is not UTF-8", () => {
    fc.assert(
      fc.property(anyBytes, (path) => {
        for (const character of bytesToJsonString(path)) {
          const point = character.codePointAt(0) ?? 0;
          if (point >= 0xd800 && point <= 0xdfff) expect(point >= 0xdc80 && point <= 0xdcff).toBe(true);
        }
      }),
    );
  });

  // The right-hand sides are what Python's bytes.decode("utf-8", "surrogateescape") gives.
  it.each([
    ["a lone continuation byte", bytes(0x61, 0x80), "a\udc80"],
    ["an overlong slash", bytes(0xc0, 0xaf), "\udcc0\udcaf"],
    ["an overlong three-byte form", bytes(0xe0, 0x80, 0xaf), "\udce0\udc80\udcaf"],
    ["an overlong four-byte form", bytes(0xf0, 0x80, 0x80, 0xaf), "\udcf0\udc80\udc80\udcaf"],
    ["an encoded surrogate", bytes(0xed, 0xb3, 0xbf), "\udced\udcb3\udcbf"],
    ["a cut sequence before text", bytes(0xe2, 0x82, 0x41), "\udce2\udc82A"],
    ["a cut sequence at the end", bytes(0x41, 0xf0, 0x9f, 0x98), "A\udcf0\udc9f\udc98"],
    ["beyond U+10FFFF", bytes(0xf4, 0x90, 0x80, 0x80), "\udcf4\udc90\udc80\udc80"],
    ["a byte that starts nothing", bytes(0xff, 0xc3, 0xa9), "\udcffé"],
  ])("writes %s byte by byte", (_what, path, text) => {
    expect(bytesToJsonString(path)).toBe(text);
    expect(jsonStringToBytes(text)).toEqual(path);
  });

  it("refuses a lone surrogate that stands for no byte", () => {
    expect(() => jsonStringToBytes("a\ud800")).toThrow(RangeError);
    expect(() => jsonStringToBytes("\udc41")).toThrow(RangeError);
  });

  it("prints as \\udcNN in JSON", () => {
    expect(JSON.stringify(bytesToJsonString(bytes(0x66, 0xff)))).toBe('"f\\udcff"');
  });
});
