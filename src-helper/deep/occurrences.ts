import type { FoundRuns, Run } from "./runs.ts";
import type { SpaceExtent } from "./space.ts";
import { firstEndingAfter, union } from "./spans.ts";
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
  const roots = union(runs.map(({ canon, length }) => ({ start: canon, end: canon + length })));
  const all: Run[] = [
    ...runs,
    ...roots.map(({ start, end }) => ({ start, length: end - start, canon: start })),
  ].sort((a, b) => a.start - b.start);
  const spans = all.map(({ start, length }) => ({ start, end: start + length }));
  for (const extent of extents) {
    if (turns.over) await turns.next();
    if (extent.compared === "whole") {
      const sector = extent.bytenr / sectorSize;
      const canon = wholes.baseOf(twins.get(sector) ?? sector, extent.length);
      clip(extent, { start: extent.base, length: extent.length, canon });
      continue;
    }
    const end = extent.base + extent.length;
    for (let k = firstEndingAfter(spans, extent.base); k < all.length; k++) {
      const run = all[k];
      if (run === undefined || run.start >= end) break;
      clip(extent, run);
    }
  }
}

/** Adds the parts of a run that lie in whole blocks of an extent. */
function clip(extent: SpaceExtent, run: Run): void {
  const from = run.start - extent.base;
  for (let k = firstEndingAfter(extent.whole, from); k < extent.whole.length; k++) {
    const span = extent.whole[k];
    if (span === undefined || span.start >= from + run.length) break;
    const offset = Math.max(span.start, from);
    const length = Math.min(span.end, from + run.length) - offset;
    extent.occurrences.push({ extent, offset, length, canon: run.canon + (offset - from) });
  }
}
