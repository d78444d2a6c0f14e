import type { Space } from "./space.ts";
import type { MappedRange, Move, Rewrite, Victim } from "./types.ts";

/** Sectors of a victim that come to lie where others of the same content do. */
export interface Shared {
  readonly offset: number;
  readonly length: number;
  /** An occurrence of them. */
  readonly at: number;
  /** What holds that is a victim, too, which is written anew before. */
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

  /** @param from sector of the extent */
  mapped(extent: number, reference: number, from: number): MappedRange {
    const { extents, references } = this.#space;
    return {
      file: references.file[reference] ?? -1,
      fileOffset: this.bytes((references.at[reference] ?? 0) + from - (references.offset[reference] ?? 0)),
      bytenr: extents.bytenr[extent] ?? 0,
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

/**
 * Where each range of a victim goes, by what becomes of its blocks.
 * @param extent row of Space.extents
 * @param fates ascending, all of what files hold whole
 */
export function planVictim(space: Space, extent: number, bundle: number, fates: readonly Fate[]): Victim {
  const { extents, references } = space;
  const plan = new VictimPlan(space);
  const copied = fates.reduce(
    (end, fate) => ("target" in fate ? Math.max(end, fate.target + fate.length) : end),
    0,
  );
  let tails = false;
  for (let k = extents.references[extent] ?? 0; k < (extents.references[extent + 1] ?? 0); k++) {
    const offset = references.offset[k] ?? 0;
    const tail = references.tail[k] ?? 0;
    const whole = wholeEnd(space, k);
    for (let next = firstEnding(fates, offset); next < fates.length; next++) {
      const fate = fates[next];
      if (fate === undefined || fate.offset >= whole) break;
      const from = Math.max(fate.offset, offset);
      const length = Math.min(fate.offset + fate.length, whole) - from;
      if ("target" in fate) {
        const target = plan.bytes(fate.target + from - fate.offset);
        plan.rewrite(plan.mapped(extent, k, from), target, plan.bytes(length));
      } else addMoves(plan, space, extent, k, from, length, fate);
    }
    if (tail > 0) {
      tails = true;
      // never in the first block of the temporary file alone: so small a file would lie in the metadata
      const target = plan.bytes(Math.max(copied, 1));
      plan.rewrites.push({ to: plan.mapped(extent, k, whole), target, length: tail });
    }
  }
  const sectors = copied + (tails ? 1 : 0);
  const diskBytes = extents.diskBytes[extent] ?? 0;
  return {
    bytenr: extents.bytenr[extent] ?? 0,
    bundle,
    diskBytes,
    kind: extents.kind[extent] ?? 0,
    moves: plan.moves,
    rewrites: plan.rewrites,
    rewrittenBytes:
      Math.ceil((sectors * diskBytes) / space.sectorSize / (extents.length[extent] ?? 1)) * space.sectorSize,
  };
}

/** A range that goes onto an occurrence that stays, by the files that hold that. */
function addMoves(
  plan: VictimPlan,
  space: Space,
  extent: number,
  reference: number,
  from: number,
  length: number,
  { at, anew, offset }: Shared,
): void {
  const { occurrences } = space;
  const source = occurrences.extent[at] ?? 0;
  // where the blocks of the fate lie in the extent that stays
  const shift =
    (occurrences.offset[at] ?? 0) - (occurrences.canon[at] ?? 0) + canonAt(space, extent, offset) - offset;
  for (let done = 0; done < length;) {
    const start = from + done + shift;
    const holder = holderOf(space, source, start);
    const rest = Math.min(length - done, wholeEnd(space, holder) - start);
    plan.move(
      plan.mapped(extent, reference, from + done),
      plan.mapped(source, holder, start),
      plan.bytes(rest),
      anew,
    );
    done += rest;
  }
}

function canonAt({ extents, occurrences }: Space, extent: number, offset: number): number {
  let low = extents.occurrences[extent] ?? 0;
  let high = extents.occurrences[extent + 1] ?? 0;
  const first = low;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((occurrences.offset[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  if (low === first) throw new Error("a block without an occurrence has a source");
  return (occurrences.canon[low - 1] ?? 0) + offset - (occurrences.offset[low - 1] ?? 0);
}

/** The sector of the extent behind the last that a reference holds whole. */
function wholeEnd({ references }: Space, reference: number): number {
  const end = (references.offset[reference] ?? 0) + (references.length[reference] ?? 0);
  return (references.tail[reference] ?? 0) > 0 ? end - 1 : end;
}

/** The file that holds a block of an extent, and most of what comes after it: its reference. */
function holderOf(space: Space, extent: number, sector: number): number {
  const { extents, references } = space;
  let best = -1;
  let reach = sector;
  for (let k = extents.references[extent] ?? 0; k < (extents.references[extent + 1] ?? 0); k++) {
    const end = wholeEnd(space, k);
    if ((references.offset[k] ?? 0) <= sector && end > reach) {
      best = k;
      reach = end;
    }
  }
  if (best < 0) throw new Error("an occurrence lies outside of every file");
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
