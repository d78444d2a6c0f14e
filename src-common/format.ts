/**
 * Numbers, sizes, dates and durations as a person reads them, in the app's two
 * languages. Pure: no Node, no DOM, so that the main process and the pages say
 * the same thing in the same way. Dates are in the local time zone.
 */

/** The languages that the app speaks. */
export const LOCALES = ["en", "de"] as const;
export type Locale = (typeof LOCALES)[number];

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
/** Keeps a number and its unit on one line. */
const NO_BREAK = "\u00a0";

/** "en" has no country: dates in the order that most of the world writes them. */
const TAG = { en: "en-GB", de: "de-DE" } as const satisfies Record<Locale, string>;

// making an Intl formatter costs 50 times what using it does, and tables format thousands of cells
const cache = new Map<string, unknown>();
function cached<T>(key: string, make: () => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known as T;
  const made = make();
  cache.set(key, made);
  return made;
}

/** @param digits decimals, always that many */
function number(value: number, locale: Locale, digits: number): string {
  return cached(
    `number ${locale} ${String(digits)}`,
    () =>
      new Intl.NumberFormat(TAG[locale], { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  ).format(value);
}

/** A size in its parts, for a page that sets the number large: "48.6" and "GiB". */
export interface ByteParts {
  readonly value: string;
  readonly unit: (typeof UNITS)[number];
}

/**
 * A size in binary units, three digits or a little more: 918 MiB, 48.6 GiB, 1,023 KiB.
 *
 * @param bytes may be negative: a fold with defragmentation can cost space
 */
export function bytesInParts(bytes: number, locale: Locale): ByteParts {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // 1023.6 MiB would be rounded to 1,024 MiB
  if (unit > 0 && value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // 99.96 would be rounded to 100.0
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  const sign = bytes < 0 ? "\u2212" : "";
  return { value: sign + number(value, locale, digits), unit: UNITS[unit] ?? "B" };
}

/** A size as one text: "48.6 GiB", in German "48,6 GiB". The space does not break. */
export function formatBytes(bytes: number, locale: Locale): string {
  const { value, unit } = bytesInParts(bytes, locale);
  return value + NO_BREAK + unit;
}

/** Every byte: "52,184,064 bytes", for titles beside the short form. */
export function formatExactBytes(bytes: number, locale: Locale): string {
  const noun = locale === "de" ? (bytes === 1 ? "Byte" : "Bytes") : bytes === 1 ? "byte" : "bytes";
  return number(bytes, locale, 0) + NO_BREAK + noun;
}

/** A whole number with separators: "30,021", in German "30.021". */
export function formatCount(count: number, locale: Locale): string {
  return number(Math.round(count), locale, 0);
}

/**
 * A share as a whole percentage: "42 %". Rounded down, so that "100 %" means all.
 *
 * @param share 0 to 1; what lies outside is drawn in
 */
export function formatPercent(share: number, locale: Locale): string {
  const percent = Math.floor(Math.min(1, Math.max(0, share)) * 100 + 1e-9);
  return locale === "de" ? `${String(percent)}${NO_BREAK}%` : `${String(percent)}%`;
}

/** Which plural form a count takes: `one` or `other` in both languages. */
export function pluralForm(count: number, locale: Locale): "one" | "other" {
  const form = cached(`plural ${locale}`, () => new Intl.PluralRules(TAG[locale])).select(count);
  return form === "one" ? "one" : "other";
}

/**
 * A span in its two largest units, for what took or will take so long: "0.2 s",
 * "12 s", "3 min 12 s", "2 h 5 min", "4 d 3 h".
 *
 * @param ms milliseconds; negative counts as 0
 */
export function formatDuration(ms: number, locale: Locale): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return number(seconds, locale, 1) + NO_BREAK + "s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${String(whole)}${NO_BREAK}s`;
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(seconds / 3600);
  return two(
    Math.floor(hours / 24),
    locale === "de" ? "Tg." : "d",
    hours % 24,
    locale === "de" ? "Std." : "h",
  );
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${String(large)}${NO_BREAK}${largeUnit}`;
  return small === 0 ? first : `${first} ${String(small)}${NO_BREAK}${smallUnit}`;
}

/**
 * A rate of work a second: "182 MiB/s", "41,200/s".
 *
 * @param unit what is counted; everything but bytes is a bare number, its noun is the caller's
 */
export function formatRate(perSecond: number, unit: "files" | "bytes" | "extents", locale: Locale): string {
  const value = unit === "bytes" ? formatBytes(perSecond, locale) : formatCount(perSecond, locale);
  return `${value}/s`;
}

const DAY_TIME = {
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
} as const;

/** A moment in full: "21 November 2026 at 09:41". @param at milliseconds since the epoch */
export function formatMoment(at: number, locale: Locale): string {
  return cached(`moment ${locale}`, () => new Intl.DateTimeFormat(TAG[locale], DAY_TIME)).format(at);
}

/** A moment for a column of a table, all of one width: "21/11/2026, 09:41", in German "21.11.2026, 09:41". */
export function formatShortMoment(at: number, locale: Locale): string {
  return cached(
    `short ${locale}`,
    () =>
      new Intl.DateTimeFormat(TAG[locale], {
        day: "2-digit",
        month: "2-digit",
        year: "numeric",
        hour: "2-digit",
        minute: "2-digit",
      }),
  ).format(at);
}

/** A day: "12 Oct" in the year of `now`, "12 Oct 2024" in others. */
export function formatDay(at: number, now: number, locale: Locale): string {
  const year = new Date(at).getFullYear() !== new Date(now).getFullYear();
  return cached(
    `day ${locale} ${String(year)}`,
    () =>
      new Intl.DateTimeFormat(TAG[locale], {
        day: "numeric",
        month: "short",
        ...(year ? { year: "numeric" } : {}),
      }),
  ).format(at);
}

const STEPS = [
  ["minute", 60_000, 60],
  ["hour", 3_600_000, 24],
  ["day", 86_400_000, 7],
  ["week", 604_800_000, 5],
  ["month", 2_629_800_000, 12],
] as const;

/**
 * How far a moment lies from now: "4 minutes ago", "yesterday", "in 2 hours".
 * Less than a minute away is "now".
 *
 * @param at and now: milliseconds since the epoch
 */
export function formatRelative(at: number, now: number, locale: Locale): string {
  const format = cached(
    `relative ${locale}`,
    () => new Intl.RelativeTimeFormat(TAG[locale], { numeric: "auto" }),
  );
  const distance = at - now;
  if (Math.abs(distance) < 60_000) return format.format(0, "second");
  for (const [unit, length, below] of STEPS) {
    // toward zero: 119 seconds ago is "1 minute ago"
    const steps = Math.trunc(distance / length);
    if (Math.abs(steps) < below) return format.format(steps, unit);
  }
  return format.format(Math.trunc(distance / 31_557_600_000), "year");
}
