import { sortInTurns } from "./sort.ts";
import type { Turns } from "./turns.ts";

/** [start, end), in sectors. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Sorted, and those that overlap or touch made one. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted(byStart)) join(merged, span);
  return merged;
}

/** The same of very many. @throws what turns throw */
export async function unionInTurns(spans: readonly Span[], turns: Turns): Promise<Span[]> {
  const merged: Span[] = [];
  let k = 0;
  for (const span of await sortInTurns(spans, byStart, turns)) {
    join(merged, span);
    if (++k % 1024 === 0 && turns.over) await turns.next();
  }
  return merged;
}

function byStart(a: Span, b: Span): number {
  return a.start - b.start;
}

/** Adds a span that begins no earlier than any before. */
function join(merged: Span[], span: Span): void {
  const last = merged.at(-1);
  if (last === undefined || last.end < span.start) merged.push(span);
  else if (last.end < span.end) merged[merged.length - 1] = { start: last.start, end: span.end };
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
