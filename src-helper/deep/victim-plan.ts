import type { Occurrence, Reference, Space, SpaceExtent } from "./space.ts";
import type { MappedRange, Move, Rewrite, Victim } from "./types.ts";

/** Sectors of a victim that come to lie where others of the same content do. */
export interface Shared {
  readonly offset: number;
  readonly length: number;
  readonly at: Occurrence;
  /** That is a victim, too, which is written anew before. */
  readonly anew: boolean;
}

/** Sectors of a victim that are written to the temporary file. */
export interface Written {
  readonly offset: number;
  readonly length: number;
  /** Sector of the temporary file. */
  readonly target: number;
}

export type Fate = Shared | Written;

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

/** Where each range of a victim goes, by what becomes of its blocks. @param fates ascending, all of what files hold whole */
export function planVictim(
  space: Space,
  extent: SpaceExtent,
  bundle: number,
  fates: readonly Fate[],
): Victim {
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
    moves: plan.moves.slice(),
    rewrites: plan.rewrites.slice(),
    copies: copiesOf(plan.rewrites).slice(),
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
