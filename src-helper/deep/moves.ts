import { Bundles } from "./bundles.ts";
import type { Choice } from "./choose.ts";
import { sortInTurns } from "./sort.ts";
import type { Occurrence, Space, SpaceExtent } from "./space.ts";
import type { Turns } from "./turns.ts";
import type { Victim } from "./types.ts";
import { planVictim, type Fate } from "./victim-plan.ts";

/**
 * Says for every range that refers to a victim where it goes: onto a copy that
 * stays, or onto the temporary file that holds what is nowhere else. What
 * several victims hold and nothing that stays is written once, for the first of
 * them; the others follow it. So the order of the victims is that of the fold.
 * @throws what turns throw
 */
export async function planMoves(
  space: Space,
  { victims, segments }: Choice,
  turns: Turns,
): Promise<Victim[]> {
  const gone = new Set(victims);
  const places = new Array<Occurrence | undefined>(segments.size);
  for (const extent of space.extents) {
    if (gone.has(extent)) continue;
    if (turns.over) await turns.next();
    for (const occurrence of extent.occurrences) {
      const { first, end } = segments.of(occurrence);
      for (let k = first; k < end; k++) places[k] ??= occurrence;
    }
  }
  // what is best packed is what is kept
  const order = await sortInTurns(
    victims,
    (a, b) => a.diskBytes / a.length - b.diskBytes / b.length || a.bytenr - b.bytenr,
    turns,
  );
  const bundles = new Bundles(order);
  for (const extent of order) {
    if (turns.over) await turns.next();
    for (const occurrence of extent.occurrences) {
      const { first, end } = segments.of(occurrence);
      for (let k = first; k < end; k++) {
        const place = (places[k] ??= occurrence);
        if (gone.has(place.extent)) bundles.join(place.extent, extent);
      }
    }
  }
  const plan: Victim[] = [];
  for (const { extent, bundle } of await bundles.sorted(turns)) {
    plan.push(planVictim(space, extent, bundle, fatesOf(extent, segments, places, gone)));
    if (turns.over) await turns.next();
  }
  return plan;
}

/** The whole blocks of a victim in order, cut where their fate changes. */
function fatesOf(
  extent: SpaceExtent,
  segments: Choice["segments"],
  places: readonly (Occurrence | undefined)[],
  gone: ReadonlySet<SpaceExtent>,
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
  let next = 0;
  for (const { start, end } of extent.whole) {
    let at = start;
    for (; next < extent.occurrences.length; next++) {
      const occurrence = extent.occurrences[next];
      if (occurrence === undefined || occurrence.offset >= end) break;
      write(at, occurrence.offset - at);
      const { first, end: last } = segments.of(occurrence);
      for (let k = first; k < last; k++) {
        const offset = occurrence.offset + segments.start(k) - occurrence.canon;
        const length = segments.length(k);
        const place = places[k];
        const before = written.get(k);
        if (place !== undefined && place.extent !== extent)
          fates.push({ offset, length, at: place, anew: gone.has(place.extent) });
        else if (before !== undefined) fates.push({ offset, length, target: before });
        else written.set(k, write(offset, length));
      }
      at = occurrence.offset + occurrence.length;
    }
    write(at, end - at);
  }
  return fates;
}
