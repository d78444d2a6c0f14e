const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** A size in binary units with one decimal, e.g. "757.9 MiB"; whole bytes below 1 KiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  let value = bytes;
  let unit = 0;
  // 1023.95 would round to "1024.0".
  while ((unit === 0 ? value >= 1024 : value >= 1023.95) && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

/** A whole number with separators, e.g. "30,021". */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/gu, ",");
}

/** "1 file", "2,537 files". The plural is the noun with an s unless one is given. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : many}`;
}

/** A span of milliseconds for a person: "4 ms", "0.21 s", "12.3 s", "3 min 12 s", "2 h 05 min". */
export function formatDuration(ms: number): string {
  if (ms < 99.5) return `${String(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${String(Math.floor(whole / 60))} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A moment (ms since the epoch) in the local time zone, "2026-03-07 09:41". */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A moment (ms since the epoch) for JSON: ISO 8601 in UTC, null stays null. */
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

const SIZE = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:([KMGTPE])(?:i?B)?|B)?$/iu;

/**
 * A size as people write it: 4096, 4K, 1M, 1.5G, 4KiB. All units are binary.
 *
 * @returns whole bytes, or null where the text is no such size
 */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const unit = "KMGTPE".indexOf((match[2] ?? "").toUpperCase() || "?") + 1;
  const bytes = Number(match[1]) * 1024 ** unit;
  return Number.isSafeInteger(bytes) ? bytes : null;
}
