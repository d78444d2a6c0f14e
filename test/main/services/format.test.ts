import { describe, expect, test } from "vitest";
import fc from "fast-check";
import {
  bytesInParts,
  formatBytes,
  formatCount,
  formatDay,
  formatDuration,
  formatExactBytes,
  formatMoment,
  formatPercent,
  formatRate,
  formatRelative,
  formatShortMoment,
  pluralForm,
} from "../../../src-common/format.ts";

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Spaces that do not break, as plain ones. */
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/gu, " ");

describe("sizes", () => {
  test.each([
    [0, "0 B"],
    [1, "1 B"],
    [1023, "1,023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [99.94 * KIB, "99.9 KiB"],
    [99.96 * KIB, "100 KiB"],
    [918 * MIB, "918 MiB"],
    [1023.4 * MIB, "1,023 MiB"],
    [1023.6 * MIB, "1.0 GiB"],
    [48.6 * GIB, "48.6 GiB"],
    [291 * GIB, "291 GiB"],
    [-5.9 * MIB, "\u22125.9 MiB"],
    [2 ** 60 * 5000, "5,000 EiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(plain(formatBytes(bytes, "en"))).toBe(text);
  });

  test("German has a decimal comma and dots between thousands", () => {
    expect(plain(formatBytes(48.6 * GIB, "de"))).toBe("48,6 GiB");
    expect(plain(formatBytes(1023, "de"))).toBe("1.023 B");
    expect(plain(formatExactBytes(52_184_064, "de"))).toBe("52.184.064 Bytes");
    expect(formatCount(30_021, "de")).toBe("30.021");
  });

  test("a larger size is never shown as a smaller one, and no number has more than four digits", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        (a, b) => {
          const shown = (bytes: number): number => {
            const { value, unit } = bytesInParts(bytes, "en");
            expect(value.replaceAll(/[^0-9]/gu, "").length).toBeLessThanOrEqual(4);
            return (
              Number(value.replaceAll(",", "")) *
              1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].indexOf(unit)
            );
          };
          expect(shown(Math.min(a, b))).toBeLessThanOrEqual(shown(Math.max(a, b)));
        },
      ),
    );
  });

  test("the exact form counts every byte", () => {
    expect(plain(formatExactBytes(1, "en"))).toBe("1 byte");
    expect(plain(formatExactBytes(52_184_064, "en"))).toBe("52,184,064 bytes");
  });
});

describe("shares, counts, rates", () => {
  test("100 % means all", () => {
    expect(formatPercent(0.9999, "en")).toBe("99%");
    expect(formatPercent(1, "en")).toBe("100%");
    expect(formatPercent(0.29, "en")).toBe("29%");
    expect(plain(formatPercent(0.421, "de"))).toBe("42 %");
    expect(formatPercent(7, "en")).toBe("100%");
    expect(formatPercent(-1, "en")).toBe("0%");
  });

  test("plural forms", () => {
    expect([0, 1, 2].map((count) => pluralForm(count, "en"))).toEqual(["other", "one", "other"]);
    expect([0, 1, 2].map((count) => pluralForm(count, "de"))).toEqual(["other", "one", "other"]);
  });

  test("rates name their unit only for bytes", () => {
    expect(plain(formatRate(182 * MIB, "bytes", "en"))).toBe("182 MiB/s");
    expect(formatRate(41_200.4, "files", "en")).toBe("41,200/s");
  });
});

describe("durations", () => {
  test.each([
    [-5, "0.0 s"],
    [212, "0.2 s"],
    [9_960, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [192_000, "3 min 12 s"],
    [3_599_600, "1 h"],
    [7_500_000, "2 h 5 min"],
    [356_400_000, "4 d 3 h"],
  ])("%d ms are %s", (ms, text) => {
    expect(plain(formatDuration(ms, "en"))).toBe(text);
  });
  test("German", () => {
    expect(plain(formatDuration(1_500, "de"))).toBe("1,5 s");
    expect(plain(formatDuration(356_400_000, "de"))).toBe("4 Tg. 3 Std.");
  });
});

describe("moments", () => {
  const now = new Date(2026, 10, 21, 9, 41).getTime();
  const ago = (ms: number): string => formatRelative(now - ms, now, "en");

  test("in full, in a column, as a day", () => {
    expect(formatMoment(now, "en")).toBe("21 November 2026 at 09:41");
    expect(formatMoment(now, "de")).toBe("21. November 2026 um 09:41");
    expect(formatShortMoment(now, "de")).toBe("21.11.2026, 09:41");
    expect(formatShortMoment(now, "en")).toBe("21/11/2026, 09:41");
    expect(formatDay(new Date(2026, 9, 12).getTime(), now, "en")).toBe("12 Oct");
    expect(formatDay(new Date(2024, 9, 12).getTime(), now, "en")).toBe("12 Oct 2024");
  });

  test("relative to now", () => {
    expect(ago(20_000)).toBe("now");
    expect(ago(119_000)).toBe("1 minute ago");
    expect(ago(4 * 60_000)).toBe("4 minutes ago");
    expect(ago(3 * 3_600_000)).toBe("3 hours ago");
    expect(ago(30 * 3_600_000)).toBe("yesterday");
    expect(ago(10 * 86_400_000)).toBe("last week");
    expect(ago(60 * 86_400_000)).toBe("last month");
    expect(ago(800 * 86_400_000)).toBe("2 years ago");
    expect(formatRelative(now + 2 * 3_600_000, now, "de")).toBe("in 2 Stunden");
  });
});
