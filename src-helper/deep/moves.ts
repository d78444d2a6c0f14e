import type { Choice } from "./choose.ts";
import type { Occurrence, Reference, Space, SpaceExtent } from "./space.ts";
import { sortInTurns } from "./sort.ts";
import type { Turns } from "./turns.ts";
import type { MappedRange, Move, Rewrite, Victim } from "./types.ts";

/** Sectors of a victim that come to lie where others of the same content do. */
interface Shared {
  readonly offset: number;
  readonly length: number;
  readonly at: Occurrence;
  /** That is a victim, too, which is written anew before. */
  readonly anew: boolean;
}

/** Sectors of a victim that are written to the temporary file. */
interface Written {
  readonly offset: number;
  readonly length: number;
  /** Sector of the temporary file. */
  readonly target: number;
}

type Fate = Shared | Written;

/** An extent that goes, and the number of its bundle. */
interface Going {
  readonly extent: SpaceExtent;
  bundle: number;
}

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

/** Victims that are to be chosen together. */
class Bundles {
  readonly #extents: readonly SpaceExtent[];
  readonly #numbers: ReadonlyMap<SpaceExtent, number>;
  /** Of each the earliest that is known to be of its bundle. */
  readonly #first: number[];

  constructor(extents: readonly SpaceExtent[]) {
    this.#extents = extents;
    this.#numbers = new Map(extents.map((extent, k) => [extent, k]));
    this.#first = extents.map((_, k) => k);
  }

  join(one: SpaceExtent, other: SpaceExtent): void {
    const a = this.#find(this.#numbers.get(one) ?? 0);
    const b = this.#find(this.#numbers.get(other) ?? 0);
    this.#first[Math.max(a, b)] = Math.min(a, b);
  }

  #find(number: number): number {
    let at = number;
    for (let next = this.#first[at] ?? at; next !== at; next = this.#first[at] ?? at) {
      this.#first[at] = this.#first[next] ?? next;
      at = next;
    }
    return at;
  }

  /**
   * Bundle after bundle, those of one file near each other, each in the order that was given.
   * @throws what turns throw
   */
  async sorted(turns: Turns): Promise<Going[]> {
    const unsorted: { extent: SpaceExtent; k: number; root: number; file: number }[] = [];
    for (const [k, extent] of this.#extents.entries()) {
      const root = this.#find(k);
      unsorted.push({ extent, k, root, file: this.#extents[root]?.references[0]?.file ?? -1 });
      if (turns.over) await turns.next();
    }
    const all = await sortInTurns(unsorted, (a, b) => a.file - b.file || a.root - b.root || a.k - b.k, turns);
    let bundle = -1;
    let last = -1;
    return all.map(({ extent, root }) => {
      if (root !== last) bundle++;
      last = root;
      return { extent, bundle };
    });
  }
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

class VictimPlan {
  readonly moves: Move[] = [];
  readonly rewrites: Rewrite[] = [];
  readonly #space: Space;

  constructor(space: Space) {
    this.#space = space;
  }

  bytes(sectors: number): number {
    return sectors * this.#space.sectorSize;
  }

  mapped(extent: SpaceExtent, { file, at, offset }: Reference, from: number): MappedRange {
    return {
      file,
      fileOffset: this.bytes(at + from - offset),
      bytenr: extent.bytenr,
      offset: this.bytes(from),
    };
  }

  move(to: MappedRange, from: MappedRange, length: number, anew: boolean): void {
    const last = this.moves.at(-1);
    if (last !== undefined && follows(last.to, to, last.length) && follows(last.from, from, last.length)) {
      this.moves[this.moves.length - 1] = { ...last, length: last.length + length };
    } else this.moves.push({ to, from, length, ...(anew ? { anew } : {}) });
  }

  rewrite(to: MappedRange, target: number, length: number): void {
    const last = this.rewrites.at(-1);
    if (last !== undefined && follows(last.to, to, last.length) && last.target + last.length === target) {
      this.rewrites[this.rewrites.length - 1] = { ...last, length: last.length + length };
    } else this.rewrites.push({ to, target, length });
  }
}

function follows(last: MappedRange, next: MappedRange, length: number): boolean {
  return (
    last.file === next.file &&
    last.bytenr === next.bytenr &&
    last.fileOffset + length === next.fileOffset &&
    last.offset + length === next.offset
  );
}

function planVictim(space: Space, extent: SpaceExtent, bundle: number, fates: readonly Fate[]): Victim {
  const plan = new VictimPlan(space);
  const copied = fates.reduce(
    (end, fate) => ("target" in fate ? Math.max(end, fate.target + fate.length) : end),
    0,
  );
  let tails = false;
  for (const reference of extent.references) {
    const whole = reference.offset + reference.length - (reference.tail > 0 ? 1 : 0);
    for (let k = firstEnding(fates, reference.offset); k < fates.length; k++) {
      const fate = fates[k];
      if (fate === undefined || fate.offset >= whole) break;
      const from = Math.max(fate.offset, reference.offset);
      const length = Math.min(fate.offset + fate.length, whole) - from;
      if ("target" in fate) {
        const target = plan.bytes(fate.target + from - fate.offset);
        plan.rewrite(plan.mapped(extent, reference, from), target, plan.bytes(length));
      } else addMoves(plan, extent, reference, from, length, fate);
    }
    if (reference.tail > 0) {
      tails = true;
      // never in the first block of the temporary file alone: so small a file would lie in the metadata
      const target = plan.bytes(Math.max(copied, 1));
      plan.rewrites.push({ to: plan.mapped(extent, reference, whole), target, length: reference.tail });
    }
  }
  const sectors = copied + (tails ? 1 : 0);
  return {
    bytenr: extent.bytenr,
    bundle,
    diskBytes: extent.diskBytes,
    kind: extent.kind,
    moves: plan.moves,
    rewrites: plan.rewrites,
    copies: copiesOf(plan.rewrites),
    rewrittenBytes:
      Math.ceil((sectors * extent.diskBytes) / space.sectorSize / extent.length) * space.sectorSize,
  };
}

/** A range that goes onto an occurrence that stays, by the files that hold that. */
function addMoves(
  plan: VictimPlan,
  extent: SpaceExtent,
  reference: Reference,
  from: number,
  length: number,
  fate: Shared,
): void {
  const { at, anew } = fate;
  // where the blocks of the fate lie in the extent that stays
  const shift = at.offset - at.canon + canonAt(extent, fate.offset) - fate.offset;
  for (let done = 0; done < length;) {
    const start = from + done + shift;
    const source = holderOf(at.extent, start);
    const rest = Math.min(length - done, source.offset + wholeOf(source) - start);
    plan.move(
      plan.mapped(extent, reference, from + done),
      plan.mapped(at.extent, source, start),
      plan.bytes(rest),
      anew,
    );
    done += rest;
  }
}

function canonAt(extent: SpaceExtent, offset: number): number {
  const { occurrences } = extent;
  let low = 0;
  let high = occurrences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((occurrences[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const found = occurrences[low - 1];
  if (found === undefined) throw new Error("a block without an occurrence has a source");
  return found.canon + (offset - found.offset);
}

function wholeOf({ length, tail }: Reference): number {
  return length - (tail > 0 ? 1 : 0);
}

/** The file that holds a block of an extent, and most of what comes after it. */
function holderOf(extent: SpaceExtent, sector: number): Reference {
  let best: Reference | undefined;
  let reach = sector;
  for (const reference of extent.references) {
    const end = reference.offset + wholeOf(reference);
    if (reference.offset <= sector && end > reach) {
      best = reference;
      reach = end;
    }
  }
  if (best === undefined) throw new Error("an occurrence lies outside of every file");
  return best;
}

function firstEnding(fates: readonly Fate[], sector: number): number {
  let low = 0;
  let high = fates.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const fate = fates[middle];
    if (fate !== undefined && fate.offset + fate.length <= sector) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rewrites that together fill the temporary file, without overlap. */
export function copiesOf(rewrites: readonly Rewrite[]): Rewrite[] {
  const copies: Rewrite[] = [];
  let end = 0;
  for (const rewrite of rewrites.toSorted((a, b) => a.target - b.target || b.length - a.length)) {
    const skip = Math.max(0, end - rewrite.target);
    if (skip >= rewrite.length) continue;
    const { to } = rewrite;
    copies.push({
      to: { ...to, fileOffset: to.fileOffset + skip, offset: to.offset + skip },
      target: rewrite.target + skip,
      length: rewrite.length - skip,
    });
    end = rewrite.target + rewrite.length;
  }
  return copies;
}
