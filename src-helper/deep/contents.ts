import { Lists } from "./lists.ts";
import { Segments } from "./segments.ts";
import type { References, Space } from "./space.ts";
import type { Turns } from "./turns.ts";

/** Bytes of metadata that one more extent item costs: the item, its back reference, and room around both. */
const ITEM_BYTES = 256;

/** How many ways there are in which files end inside of an extent: block of it and bytes in that block. */
function tailsOf({ offset, length, tail }: References, first: number, end: number): number {
  let tails: Set<string> | null = null;
  for (let k = first; k < end; k++) {
    if (tail[k] === 0) continue;
    tails ??= new Set();
    tails.add(`${(offset[k] ?? 0) + (length[k] ?? 0)}:${tail[k] ?? 0}`);
  }
  return tails?.size ?? 0;
}

/**
 * Which content extents hold, as numbers in rows: what choosing works on.
 * Extents go by their row of `Space.extents`.
 */
export class Contents {
  readonly segments: Segments;
  /** Bytes on disk of an extent. */
  readonly bytes: Float64Array;
  /** Bytes on disk that what is found nowhere else takes when it is written anew. */
  readonly own: Float64Array;
  /** Bytes of metadata that moving its ranges may cost. */
  readonly items: Float64Array;
  /** Bytes on disk that a segment takes when it is written anew, as the extent that packs it best. */
  readonly weight: Float64Array;
  /** 1: it stays, whatever that costs. */
  readonly fixed: Uint8Array;
  /** The file that refers to it first. */
  readonly file: Int32Array;
  /** Segments of an extent, each once. */
  readonly held: Lists;
  /** Extents that hold a segment. */
  readonly holders: Lists;

  private constructor(count: number, segments: Segments, held: Lists, holders: Lists) {
    this.segments = segments;
    this.bytes = new Float64Array(count);
    this.own = new Float64Array(count);
    this.items = new Float64Array(count);
    this.weight = new Float64Array(this.segments.size).fill(Infinity);
    this.fixed = new Uint8Array(count);
    this.file = new Int32Array(count);
    this.held = held;
    this.holders = holders;
  }

  /** @throws what turns throw */
  static async of(space: Space, turns: Turns): Promise<Contents> {
    const segments = await Segments.of(space.occurrences, turns);
    const held = await Lists.of(space.count, (extent) => segmentsOf(segments, space, extent), turns);
    const holders = await held.inverse(segments.size, turns);
    const contents = new Contents(space.count, segments, held, holders);
    await contents.#weigh(space, turns);
    return contents;
  }

  async #weigh(space: Space, turns: Turns): Promise<void> {
    const { count, extents, references, whole, occurrences, sectorSize } = space;
    for (let k = 0; k < count; k++) {
      if (turns.over) await turns.next();
      const diskBytes = extents.diskBytes[k] ?? 0;
      const perSector = diskBytes / (extents.length[k] ?? 1);
      const [firstReference, lastReference] = [extents.references[k] ?? 0, extents.references[k + 1] ?? 0];
      const tails = tailsOf(references, firstReference, lastReference);
      let sectors = tails;
      for (let at = extents.whole[k] ?? 0; at < (extents.whole[k + 1] ?? 0); at++)
        sectors += (whole.end[at] ?? 0) - (whole.start[at] ?? 0);
      const [firstOccurrence, lastOccurrence] = [
        extents.occurrences[k] ?? 0,
        extents.occurrences[k + 1] ?? 0,
      ];
      for (let at = firstOccurrence; at < lastOccurrence; at++) sectors -= occurrences.length[at] ?? 0;
      this.bytes[k] = diskBytes;
      this.own[k] = sectors * perSector;
      this.items[k] = (lastReference - firstReference + lastOccurrence - firstOccurrence) * ITEM_BYTES;
      // a copy ends where the file ends, so it can end in one way only
      this.fixed[k] = extents.pinned[k] === 1 || tails > 1 ? 1 : 0;
      this.file[k] = firstReference < lastReference ? (references.file[firstReference] ?? -1) : -1;
      this.held.each(k, (segment) => {
        const bytes = perSector * this.segments.length(segment);
        this.weight[segment] = Math.min(this.weight[segment] ?? Infinity, bytes);
      });
    }
    // rounded as the plan is: what is not compressed takes whole blocks anyway
    for (let k = 0; k < this.weight.length; k++)
      if (this.weight[k] === Infinity) this.weight[k] = this.segments.length(k) * sectorSize;
  }

  get count(): number {
    return this.bytes.length;
  }
}

function segmentsOf(segments: Segments, { extents, occurrences }: Space, extent: number): Set<number> {
  const all = new Set<number>();
  for (let at = extents.occurrences[extent] ?? 0; at < (extents.occurrences[extent + 1] ?? 0); at++) {
    const { first, end } = segments.of(occurrences, at);
    for (let k = first; k < end; k++) all.add(k);
  }
  return all;
}
