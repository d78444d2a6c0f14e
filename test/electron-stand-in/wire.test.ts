import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CloneError, decode, encode } from "./page/wire.ts";

const roundTrip = (value: unknown): unknown => decode(encode(value));

const values = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "binary" }),
    // half of a pair too, which UTF-8 has not
    fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((units) => String.fromCharCode(...units)),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.float64Array(),
    fc.bigUint64Array(),
    fc.array(tie("tree")),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "length")), tie("tree")),
    fc.array(fc.tuple(tie("tree"), tie("tree"))).map((pairs) => new Map(pairs)),
    fc.array(tie("tree")).map((items) => new Set(items)),
  ),
})).tree;

describe("the wire's clone", () => {
  test("is structuredClone's, for everything that both can", () => {
    fc.assert(
      fc.property(values, (value) => {
        // vitest compares objects by what they say their constructor is, and some of these lie
        deepStrictEqual(roundTrip(value), structuredClone(value));
      }),
      { numRuns: 500 },
    );
  });

  test("is text that UTF-8 can carry", () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = encode(value);
        expect(Buffer.from(text, "utf8").toString("utf8")).toBe(text);
      }),
    );
  });

  test("keeps cycles and what is shared", () => {
    const shared = { n: 1 };
    const value: { self?: unknown; a: object; b: object; map: Map<unknown, unknown> } = {
      a: shared,
      b: shared,
      map: new Map(),
    };
    value.self = value;
    value.map.set(value, value.map);
    const copy = roundTrip(value) as typeof value;
    expect(copy.self).toBe(copy);
    expect(copy.a).toBe(copy.b);
    expect(copy.map.get(copy)).toBe(copy.map);
  });

  test("keeps errors, regular expressions, boxes and arrays with holes", () => {
    const error = roundTrip(new RangeError("too far", { cause: { at: 3 } })) as RangeError;
    expect(error).toBeInstanceOf(RangeError);
    expect([error.message, error.cause]).toEqual(["too far", { at: 3 }]);
    expect(roundTrip(/a+/giu)).toEqual(/a+/giu);
    expect(roundTrip(Object("boxed"))).toEqual(Object("boxed"));
    const holes = new Array<number>(5);
    holes[3] = 1;
    expect(roundTrip(holes)).toStrictEqual(holes);
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
  });

  test("takes of a view what is seen, and not the rest of its buffer", () => {
    const secret = Buffer.from("before|seen|after");
    const copy = roundTrip(secret.subarray(7, 11)) as Uint8Array;
    expect(Buffer.from(copy).toString()).toBe("seen");
    expect(copy.buffer.byteLength).toBe(4);
  });

  test("is not ended by depth", () => {
    let deep: unknown = "bottom";
    for (let k = 0; k < 200_000; k++) deep = [deep];
    let copy = roundTrip(deep);
    for (let k = 0; k < 200_000; k++) [copy] = copy as [unknown];
    expect(copy).toBe("bottom");
  });

  test.each([
    ["a function", () => undefined],
    ["a symbol", Symbol("x")],
    ["a function inside", { a: [() => undefined] }],
    ["a promise", Promise.resolve(1)],
    ["a weak map", new WeakMap()],
    ["an event target", new EventTarget()],
    ["shared memory", new SharedArrayBuffer(8)],
  ])("refuses %s in Electron's words", (_what, value) => {
    expect(() => encode(value)).toThrow(CloneError);
    expect(() => encode(value)).toThrow("An object could not be cloned.");
  });

  test("a message that encode did not make is refused, and makes nothing of a prototype", () => {
    const made = [
      '[["r",9],[]]',
      '[["r","__proto__"],[]]',
      '[["?"],[]]',
      '[["r",0],[["?",1]]]',
      "[]",
      "{}",
      "null",
      "",
    ];
    for (const text of made) expect(() => decode(text)).toThrow(Error);
    const copy = decode('[["r",0],[["o","__proto__",["r",1]],["o","polluted",true]]]') as object;
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
