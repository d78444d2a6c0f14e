/** [start, end), in sectors. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Sorted, and those that overlap or touch made one. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || last.end < span.start) merged.push(span);
    else if (last.end < span.end) merged[merged.length - 1] = { start: last.start, end: span.end };
  }
  return merged;
}

/** The index of the first span that ends after a sector. */
export function firstEndingAfter(spans: readonly Span[], sector: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.end ?? 0) <= sector) low = middle + 1;
    else high = middle;
  }
  return low;
}
