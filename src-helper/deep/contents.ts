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
  static async of({ extents, sectorSize }: Space, turns: Turns): Promise<Contents> {
    const segments = await Segments.of(extents, turns);
    const held = await Lists.of(extents, (extent) => segmentsOf(segments, extent), turns);
    const holders = await held.inverse(segments.size, turns);
    const contents = new Contents(extents.length, segments, held, holders);
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

  private constructor(first: Int32Array, values: Int32Array) {
    this.first = first;
    this.values = values;
  }

  /** @throws what turns throw */
  static async of<T>(
    items: readonly T[],
    listOf: (item: T) => readonly number[],
    turns: Turns,
  ): Promise<Lists> {
    const first = new Int32Array(items.length + 1);
    let values = new Int32Array(1024);
    let total = 0;
    for (const [k, item] of items.entries()) {
      const list = listOf(item);
      if (total + list.length > values.length) {
        const larger = new Int32Array(2 * (total + list.length));
        larger.set(values);
        values = larger;
      }
      values.set(list, total);
      total += list.length;
      first[k + 1] = total;
      if (turns.over) await turns.next();
    }
    return new Lists(first, values.slice(0, total));
  }

  size(list: number): number {
    return (this.first[list + 1] ?? 0) - (this.first[list] ?? 0);
  }

  each(list: number, visit: (value: number) => void): void {
    const end = this.first[list + 1] ?? 0;
    for (let k = this.first[list] ?? 0; k < end; k++) visit(this.values[k] ?? 0);
  }

  /** For each value the lists that it is in, ascending. @throws what turns throw */
  async inverse(values: number, turns: Turns): Promise<Lists> {
    const first = new Int32Array(values + 1);
    for (const value of this.values) first[value + 1] = (first[value + 1] ?? 0) + 1;
    for (let value = 0; value < values; value++) {
      first[value + 1] = (first[value + 1] ?? 0) + (first[value] ?? 0);
    }
    const [next, lists] = [first.slice(), new Int32Array(this.values.length)];
    for (let list = 0; list + 1 < this.first.length; list++) {
      const end = this.first[list + 1] ?? 0;
      for (let k = this.first[list] ?? 0; k < end; k++) {
        const value = this.values[k] ?? 0;
        const at = next[value] ?? 0;
        lists[at] = list;
        next[value] = at + 1;
      }
      if (turns.over) await turns.next();
    }
    return new Lists(first, lists);
  }
}
