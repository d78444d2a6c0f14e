const SIZE = /^(\d+(?:[.,]\d+)?|[.,]\d+)\s*(?:([KMGTPE])(?:i?B)?|B)?$/iu;

/**
 * A size as people write it: 4096, 4K, 1.5 GiB, 1,5 GiB; all units are binary.
 *
 * @returns whole bytes, or null where the text is no such size
 */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const unit = "KMGTPE".indexOf((match[2] ?? "").toUpperCase() || "?") + 1;
  const bytes = Math.round(Number((match[1] ?? "").replace(",", ".")) * 1024 ** unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A size for a field: exact, in the largest unit that takes it whole. "64 KiB", "5000 B". */
export function formatExactSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value > 0 && value % 1024 === 0 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${String(value)} ${UNITS[unit] ?? "B"}`;
}
