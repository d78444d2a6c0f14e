import { Bundles } from "./bundles.ts";
import type { Choice } from "./choose.ts";
import { sortRowsInTurns } from "./sort.ts";
import type { Space } from "./space.ts";
import type { Turns } from "./turns.ts";
import { planVictim, type Fate } from "./victim-plan.ts";
import { Victims } from "./victims.ts";

const NOWHERE = -1;

/**
 * Says for every range that refers to a victim where it goes: onto a copy that
 * stays, or onto the temporary file that holds what is nowhere else. What
 * several victims hold and nothing that stays is written once, for the first of
 * them; the others follow it. So the order of the victims is that of the fold.
 * @throws what turns throw
 */
export async function planMoves(space: Space, { victims, segments }: Choice, turns: Turns): Promise<Victims> {
  const { count, extents, occurrences, references } = space;
  const gone = new Uint8Array(count);
  for (const extent of victims) gone[extent] = 1;
  /** Of each segment the occurrence that it is shared with. */
  const places = new Int32Array(segments.size).fill(NOWHERE);
  for (let k = 0; k < occurrences.extent.length; k++) {
    if (turns.over) await turns.next();
    if (gone[occurrences.extent[k] ?? 0] === 1) continue;
    const { first, end } = segments.of(occurrences, k);
    for (let at = first; at < end; at++) if (places[at] === NOWHERE) places[at] = k;
  }
  // what is best packed is what is kept
  const perSector = (extent: number): number =>
    (extents.diskBytes[extent] ?? 0) / (extents.length[extent] ?? 1);
  const order = await sortRowsInTurns(victims, (a, b) => perSector(a) - perSector(b) || a - b, turns);
  const bundles = new Bundles(order, count);
  for (const extent of order) {
    if (turns.over) await turns.next();
    for (let k = extents.occurrences[extent] ?? 0; k < (extents.occurrences[extent + 1] ?? 0); k++) {
      const { first, end } = segments.of(occurrences, k);
      for (let at = first; at < end; at++) {
        if (places[at] === NOWHERE) places[at] = k;
        const holder = occurrences.extent[places[at] ?? 0] ?? 0;
        if (gone[holder] === 1) bundles.join(holder, extent);
      }
    }
  }
  const fileOf = (extent: number): number => references.file[extents.references[extent] ?? 0] ?? -1;
  const plan = new Victims();
  for (const { extent, bundle } of await bundles.sorted(fileOf, turns)) {
    plan.add(planVictim(space, extent, bundle, fatesOf(space, extent, segments, places, gone)));
    if (turns.over) await turns.next();
  }
  return plan;
}

/** The whole blocks of a victim in order, cut where their fate changes. */
function fatesOf(
  { extents, whole, occurrences }: Space,
  extent: number,
  segments: Choice["segments"],
  places: Int32Array,
  gone: Uint8Array,
): Fate[] {
  const fates: Fate[] = [];
  const written = new Map<number, number>(); // segment -> sector of the temporary file
  let target = 0;
  const write = (offset: number, length: number): number => {
    const at = target;
    if (length > 0) fates.push({ offset, length, target: at });
    target += length;
    return at;
  };
  let next = extents.occurrences[extent] ?? 0;
  const behind = extents.occurrences[extent + 1] ?? 0;
  for (let span = extents.whole[extent] ?? 0; span < (extents.whole[extent + 1] ?? 0); span++) {
    const end = whole.end[span] ?? 0;
    let at = whole.start[span] ?? 0;
    for (; next < behind; next++) {
      const start = occurrences.offset[next] ?? 0;
      if (start >= end) break;
      write(at, start - at);
      const { first, end: last } = segments.of(occurrences, next);
      for (let k = first; k < last; k++) {
        const offset = start + segments.start(k) - (occurrences.canon[next] ?? 0);
        const length = segments.length(k);
        const place = places[k] ?? NOWHERE;
        const holder = occurrences.extent[place] ?? extent;
        const before = written.get(k);
        if (holder !== extent) fates.push({ offset, length, at: place, anew: gone[holder] === 1 });
        else if (before !== undefined) fates.push({ offset, length, target: before });
        else written.set(k, write(offset, length));
      }
      at = start + (occurrences.length[next] ?? 0);
    }
    write(at, end - at);
  }
  return fates;
}
