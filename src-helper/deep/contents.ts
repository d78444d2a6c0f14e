import { Segments } from "./segments.ts";
import type { Space, SpaceExtent } from "./space.ts";
import type { Turns } from "./turns.ts";

/** Bytes of metadata that one more extent item costs: the item, its back reference, and room around both. */
const ITEM_BYTES = 256;

/** The ways in which files end inside of an extent: block of it and bytes in that block, as "block:bytes". */
function tailsOf(extent: SpaceExtent): ReadonlySet<string> {
  const tails = extent.references.filter(({ tail }) => tail > 0);
  return new Set(tails.map(({ offset, length, tail }) => `${offset + length - 1}:${tail}`));
}

/**
 * Which content extents hold, as numbers in rows: what choosing works on.
 * Extents go by their index in `Space.extents`.
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

  private constructor(count: number, segments: Segments, lists: readonly (readonly number[])[]) {
    this.segments = segments;
    this.bytes = new Float64Array(count);
    this.own = new Float64Array(count);
    this.items = new Float64Array(count);
    this.weight = new Float64Array(this.segments.size).fill(Infinity);
    this.fixed = new Uint8Array(count);
    this.file = new Int32Array(count);
    this.held = new Lists(count, lists);
    this.holders = this.held.inverse(this.segments.size);
  }

  /** @throws what turns throw */
  static async of({ extents, sectorSize }: Space, turns: Turns): Promise<Contents> {
    const segments = new Segments(extents);
    const lists: (readonly number[])[] = [];
    for (const extent of extents) {
      lists.push(segmentsOf(segments, extent));
      if (turns.over) await turns.next();
    }
    const contents = new Contents(extents.length, segments, lists);
    await contents.#weigh(extents, sectorSize, turns);
    return contents;
  }

  async #weigh(extents: readonly SpaceExtent[], sectorSize: number, turns: Turns): Promise<void> {
    for (const [k, extent] of extents.entries()) {
      if (turns.over) await turns.next();
      const { diskBytes, length, whole, occurrences, references } = extent;
      const perSector = diskBytes / length;
      const tails = tailsOf(extent).size;
      let sectors = tails;
      for (const { start, end } of whole) sectors += end - start;
      for (const occurrence of occurrences) sectors -= occurrence.length;
      this.bytes[k] = diskBytes;
      this.own[k] = sectors * perSector;
      this.items[k] = (references.length + occurrences.length) * ITEM_BYTES;
      // a copy ends where the file ends, so it can end in one way only
      this.fixed[k] = extent.pinned || tails > 1 ? 1 : 0;
      this.file[k] = references[0]?.file ?? -1;
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

function segmentsOf(segments: Segments, extent: SpaceExtent): readonly number[] {
  const all = new Set<number>();
  for (const occurrence of extent.occurrences) {
    const { first, end } = segments.of(occurrence);
    for (let k = first; k < end; k++) all.add(k);
  }
  return [...all];
}

/** Lists of numbers, one after the other. */
export class Lists {
  readonly first: Int32Array;
  readonly values: Int32Array;

  constructor(count: number, lists: Iterable<readonly number[]>) {
    this.first = new Int32Array(count + 1);
    const values: Int32Array[] = [];
    let k = 0;
    let total = 0;
    for (const list of lists) {
      values.push(Int32Array.from(list));
      total += list.length;
      this.first[++k] = total;
    }
    this.values = new Int32Array(total);
    values.forEach((list, index) => {
      this.values.set(list, this.first[index] ?? 0);
    });
  }

  size(list: number): number {
    return (this.first[list + 1] ?? 0) - (this.first[list] ?? 0);
  }

  each(list: number, visit: (value: number) => void): void {
    const end = this.first[list + 1] ?? 0;
    for (let k = this.first[list] ?? 0; k < end; k++) visit(this.values[k] ?? 0);
  }

  /** For each value the lists that it is in. */
  inverse(values: number): Lists {
    const lists = Array.from({ length: values }, (): number[] => []);
    for (let k = 0; k + 1 < this.first.length; k++) {
      this.each(k, (value) => {
        lists[value]?.push(k);
      });
    }
    return new Lists(values, lists);
  }
}
