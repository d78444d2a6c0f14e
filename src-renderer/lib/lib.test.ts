import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupsToFold } from "../../src-common/reclaimable.ts";
import { displayPath, displayText, shortenMiddle, splitForMiddle } from "./path-text.ts";
import { formatHash, parseHash, VIEWS } from "./route.ts";
import { formatExactSize, parseSize } from "./size.ts";

describe("groups to review", () => {
  const scan = { groups: 6, reclaimableBytes: 0, pinnedBytes: 0 };
  const off = { snapshots: false };

  it("are none where all that may be folded shares its data", () => {
    expect(groupsToFold(null, off)).toBe(0);
    expect(groupsToFold(scan, off)).toBe(0);
  });

  it("are all where something comes back, is kept elsewhere, or copies in snapshots are folded", () => {
    expect(groupsToFold({ ...scan, reclaimableBytes: 1 }, off)).toBe(6);
    expect(groupsToFold({ ...scan, pinnedBytes: 1 }, off)).toBe(6);
    expect(groupsToFold({ ...scan, pinnedBytes: null }, off)).toBe(6);
    expect(groupsToFold(scan, { snapshots: true })).toBe(6);
  });
});

describe("paths for the screen", () => {
  it.each([
    ["/home/me/plain.txt", "/home/me/plain.txt"],
    ["a\nb", "a\\x0ab"],
    ["byte \udcff", "byte \\xff"],
    ["back\\slash", "back\\\\slash"],
    ["\u202egnp.exe", "\\xe2\\x80\\xaegnp.exe"],
    ["zero\u200bwidth", "zero\\xe2\\x80\\x8bwidth"],
    ["soft\u00adhyphen", "soft\\xc2\\xadhyphen"],
    ["Grüße 👩‍👧.txt", "Grüße 👩‍👧.txt"],
  ])("%j is shown as %j", (path, shown) => {
    expect(displayPath(path)).toBe(shown);
  });

  it("shows no two paths alike, and none with a character that has no shape", () => {
    const units = fc.string({
      unit: fc.constantFrom("\\", "x", "0", "a", "\n", "\u202e", "\udcff", "\udc80", "/"),
    });
    fc.assert(
      fc.property(units, units, (a, b) => {
        expect(displayPath(a)).not.toMatch(/[\u0000-\u001f\u202a-\u202e\ud800-\udfff]/u);
        expect(displayPath(a) === displayPath(b)).toBe(a === b);
      }),
    );
  });

  it("leaves the backslash of a message alone", () => {
    expect(displayText("no \\x here\u202e")).toBe("no \\x here\\xe2\\x80\\xae");
  });

  it("splits a path into what gives way and a tail, and loses nothing", () => {
    expect(splitForMiddle("/home/me/photos/2024/img.nef")).toEqual({
      head: "/home/me/photos/2024",
      tail: "/img.nef",
    });
    expect(splitForMiddle("short.txt")).toEqual({ head: "", tail: "short.txt" });
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { head, tail } = splitForMiddle(text);
        expect(head + tail).toBe(text);
        expect(tail).not.toMatch(/^[\udc00-\udfff]/);
      }),
    );
  });

  it("shortens in the middle to the length that was asked for, never through a pair", () => {
    expect(shortenMiddle("abcdefghij", 5)).toBe("ab…ij");
    expect(shortenMiddle("abc", 5)).toBe("abc");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 3, max: 40 }), (text, most) => {
        const short = shortenMiddle(text, most);
        expect(short.length).toBeLessThanOrEqual(Math.max(most, 0));
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("sizes in a field", () => {
  it.each([
    ["4096", 4096],
    ["4K", 4096],
    ["64 KiB", 65_536],
    ["1.5 MiB", 1_572_864],
    ["1,5 mb", 1_572_864],
    [" 0 ", 0],
    ["lots", null],
    ["-1", null],
    ["4 XiB", null],
    ["", null],
    ["99999999999 EiB", null],
  ])("%j is %j", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseSize(formatExactSize(bytes))).toBe(bytes);
      }),
    );
  });
});

describe("the address", () => {
  it("reads what it writes", () => {
    for (const view of VIEWS)
      for (const volume of [null, "3c1f0a52-7b1e-4a8e-9a55-0d5f1c1a7e01"])
        expect(parseHash(formatHash({ view, volume }))).toEqual({ view, volume });
  });

  it.each(["", "#", "#/nowhere", "#/../review", "javascript:alert(1)"])("%j is the overview", (hash) => {
    expect(parseHash(hash)).toEqual({ view: "volumes", volume: null });
  });

  it("takes no volume that is no uuid", () => {
    expect(parseHash("#/review/<b>")).toEqual({ view: "review", volume: null });
  });
});
