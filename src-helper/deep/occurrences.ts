import type { FoundRuns, Run } from "./runs.ts";
import type { SpaceExtent } from "./space.ts";
import { fitted, withOneMore } from "./short-lists.ts";
import { sortInTurns } from "./sort.ts";
import { firstEndingAfter, unionInTurns, type Span } from "./spans.ts";
import type { Turns } from "./turns.ts";

/** Compressed extents get places of their own, beyond any disk: their blocks are not those on disk. */
const COMPRESSED_BASE = 2 ** 48;

/** Places for extents that are compared whole: their blocks are not those on disk. */
export class Wholes {
  readonly #bases = new Map<number, number>();
  #end = COMPRESSED_BASE;

  baseOf(sector: number, length: number): number {
    let base = this.#bases.get(sector);
    if (base === undefined) {
      base = this.#end;
      this.#end += length;
      this.#bases.set(sector, base);
    }
    return base;
  }
}

/** Says of each extent which of its blocks are equal to others. */
export async function addOccurrences(
  extents: readonly SpaceExtent[],
  { runs, twins }: FoundRuns,
  wholes: Wholes,
  sectorSize: number,
  turns: Turns,
): Promise<void> {
  const canons: Span[] = [];
  for (const { canon, length } of runs) {
    canons.push({ start: canon, end: canon + length });
    if (canons.length % 1024 === 0 && turns.over) await turns.next();
  }
  const found: Run[] = runs.slice();
  for (const { start, end } of await unionInTurns(canons, turns)) {
    found.push({ start, length: end - start, canon: start });
    if (found.length % 1024 === 0 && turns.over) await turns.next();
  }
  const all = await sortInTurns(found, (a, b) => a.start - b.start, turns);
  for (const extent of extents) {
    if (turns.over) await turns.next();
    if (extent.compared === "whole") {
      const sector = extent.bytenr / sectorSize;
      const canon = wholes.baseOf(twins.get(sector) ?? sector, extent.length);
      clip(extent, { start: extent.base, length: extent.length, canon });
      continue;
    }
    const end = extent.base + extent.length;
    for (let k = firstRunAfter(all, extent.base); k < all.length; k++) {
      const run = all[k];
      if (run === undefined || run.start >= end) break;
      clip(extent, run);
    }
    extent.occurrences = fitted(extent.occurrences);
  }
}

/** The index of the first run that ends after a sector; they do not overlap. */
function firstRunAfter(runs: readonly Run[], sector: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const run = runs[middle];
    if (run !== undefined && run.start + run.length <= sector) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds the parts of a run that lie in whole blocks of an extent. */
function clip(extent: SpaceExtent, run: Run): void {
  const from = run.start - extent.base;
  for (let k = firstEndingAfter(extent.whole, from); k < extent.whole.length; k++) {
    const span = extent.whole[k];
    if (span === undefined || span.start >= from + run.length) break;
    const offset = Math.max(span.start, from);
    const length = Math.min(span.end, from + run.length) - offset;
    const canon = run.canon + (offset - from);
    extent.occurrences = withOneMore(extent.occurrences, { extent, offset, length, canon });
  }
}
