import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration, parseSize, plural } from "../../src-helper/cli/units.ts";

describe("sizes as people write them", () => {
  it.each([
    ["0", 0],
    ["4096", 4096],
    ["4K", 4096],
    ["4k", 4096],
    ["4KiB", 4096],
    ["4KB", 4096],
    ["512B", 512],
    ["1M", 2 ** 20],
    ["1.5G", 1.5 * 2 ** 30],
    [".5M", 2 ** 19],
    [" 2T ", 2 ** 41],
  ])("reads %s", (text, size) => {
    expect(parseSize(text)).toBe(size);
  });

  it.each(["", "K", "-1", "4X", "1.5", "0.3K", "4 K K", "1e3", "0x10", "9E", "4iB", "1,5G", "NaN"])(
    "refuses %j",
    (text) => {
      expect(parseSize(text)).toBeNull();
    },
  );

  it("reads whole numbers of bytes as they are", () => {
    fc.assert(
      fc.property(fc.nat(), (size) => {
        expect(parseSize(String(size))).toBe(size);
      }),
    );
  });
});

describe("numbers for people", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1048524, "1023.9 KiB"],
    [1048575, "1.0 MiB"],
    [1.5 * 2 ** 30, "1.5 GiB"],
    [-4096, "-4.0 KiB"],
  ])("shows %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("never shows more than four digits before the point", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(formatBytes(bytes)).toMatch(/^\d{1,4}(\.\d)? ([KMGTPE]i)?B$/);
        expect(formatBytes(bytes)).not.toMatch(/^1024/);
      }),
    );
  });

  it("separates thousands and makes plurals", () => {
    expect(formatCount(1234567)).toBe("1,234,567");
    expect(formatCount(999)).toBe("999");
    expect(plural(1, "file")).toBe("1 file");
    expect(plural(2537, "copy", "copies")).toBe("2,537 copies");
  });

  it.each([
    [0, "0 ms"],
    [99, "99 ms"],
    [100, "0.10 s"],
    [210, "0.21 s"],
    [9999, "10.0 s"],
    [59_990, "1 min 00 s"],
    [192_000, "3 min 12 s"],
    [7_500_000, "2 h 05 min"],
  ])("shows %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
