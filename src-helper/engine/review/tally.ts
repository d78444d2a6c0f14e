import { isReleased, isTouched, type Release } from "../../dedupe/predict.ts";
import { doubled, type ExtentTable } from "./extent-table.ts";

/** What folding a group in one way gives back. */
export interface Yield {
  /** Files that move. */
  readonly toFold: number;
  /** Bytes that come back by folding this group alone. */
  readonly bytes: number;
  /** Extents that the group lets go of in part: a range of the tally's releases. */
  readonly from: number;
  readonly to: number;
}

export const NOTHING: Yield = { toFold: 0, bytes: 0, from: 0, to: 0 };

/** One Yield a group. */
export class Yields {
  readonly toFold: Int32Array;
  readonly bytes: Float64Array;
  readonly from: Int32Array;
  readonly to: Int32Array;

  constructor(groups: number) {
    this.toFold = new Int32Array(groups);
    this.bytes = new Float64Array(groups);
    this.from = new Int32Array(groups);
    this.to = new Int32Array(groups);
  }

  get(group: number): Yield {
    return {
      toFold: this.toFold[group] ?? 0,
      bytes: this.bytes[group] ?? 0,
      from: this.from[group] ?? 0,
      to: this.to[group] ?? 0,
    };
  }

  set(group: number, value: Yield): void {
    this.toFold[group] = value.toFold;
    this.bytes[group] = value.bytes;
    this.from[group] = value.from;
    this.to[group] = value.to;
  }
}

/** Releases that nobody refers to any more are cleared away when there are this many new ones. */
const SPARE_RELEASES = 1 << 18;

/**
 * What folding a changing choice of groups gives back, kept as it changes: the
 * same sum as dedupe/predict.ts makes from nothing. An extent's space comes
 * back when every reference to it goes, so what groups let go of in part is
 * counted by extent.
 */
export class Tally {
  readonly #extents: ExtentTable;
  readonly #sizes: Float64Array;
  /** What each group is chosen to do now. */
  readonly #now: Yields;
  /** All columns of yields that refer to releases. */
  readonly #users: Yields[];
  /** Pairs: the extent's number, and how many references go, see Release. */
  #releases = new Float64Array(1024);
  #used = 0;
  /** #used after the last time that it was cleared up. */
  #kept = 0;
  #groups = 0;
  #files = 0;
  #foldBytes = 0;
  #alone = 0;
  #crossing = 0;
  #pinned = 0;

  /** @param sizes bytes of each file, by group */
  constructor(sizes: Float64Array, extents: ExtentTable, users: readonly Yields[]) {
    this.#sizes = sizes;
    this.#extents = extents;
    this.#now = new Yields(sizes.length);
    this.#users = [this.#now, ...users];
  }

  /** Groups that move a file, and the files. */
  get groups(): number {
    return this.#groups;
  }

  get files(): number {
    return this.#files;
  }

  /** Bytes of the files that move. */
  get foldBytes(): number {
    return this.#foldBytes;
  }

  /** Bytes that come back by all that is chosen. */
  get predictedBytes(): number {
    return this.#alone + this.#crossing;
  }

  /** Bytes of extents that stay although some of their references go. */
  get pinnedBytes(): number {
    return this.#pinned;
  }

  /** Bytes of an extent of which some references go, but not all: its share of pinnedBytes. */
  pinnedAt(bytenr: number): number {
    const number = this.#extents.find(bytenr);
    if (number < 0) return 0;
    const released = this.#extents.released[number] ?? 0;
    if (!isTouched(released) || isReleased(released, this.#extents.refs[number] ?? 0)) return 0;
    return this.#extents.diskBytes[number] ?? 0;
  }

  now(group: number): Yield {
    return this.#now.get(group);
  }

  toFold(group: number): number {
    return this.#now.toFold[group] ?? 0;
  }

  bytes(group: number): number {
    return this.#now.bytes[group] ?? 0;
  }

  /**
   * Takes down what a group lets go of.
   * @param released by the address of the extent, see releasesOf
   */
  measure(toFold: number, released: ReadonlyMap<number, Release>): Yield {
    const from = this.#used;
    let bytes = 0;
    for (const [bytenr, { released: references, diskBytes }] of released) {
      const refs = this.#extents.refsOf(bytenr);
      if (isReleased(references, refs)) bytes += diskBytes;
      else this.#push(this.#extents.number(bytenr, diskBytes, refs), references);
    }
    return { toFold, bytes, from, to: this.#used };
  }

  /**
   * As measure, of extents by their numbers.
   * @param alone bytes of those that go anyway
   * @param references by number
   */
  take(toFold: number, alone: number, numbers: Int32Array, references: Float64Array): Yield {
    const { refs, diskBytes } = this.#extents;
    const from = this.#used;
    let bytes = alone;
    for (const number of numbers) {
      const released = references[number] ?? 0;
      if (isReleased(released, refs[number] ?? 0)) bytes += diskBytes[number] ?? 0;
      else this.#push(number, released);
    }
    return { toFold, bytes, from, to: this.#used };
  }

  /** Chooses what is done with a group, in place of what was chosen before. */
  set(group: number, value: Yield): void {
    const before = this.now(group);
    this.#count(group, before, -1);
    this.#now.set(group, value);
    this.#count(group, value, 1);
  }

  /** Clears up, now and then. To be called when no yield is held but those of the columns. */
  tidy(): void {
    if (this.#used < 2 * this.#kept + SPARE_RELEASES) return;
    const moved = new Map<number, number>();
    const kept = new Float64Array(this.#releases.length);
    let used = 0;
    for (const yields of this.#users) {
      for (let group = 0; group < this.#sizes.length; group++) {
        const { from, to } = yields.get(group);
        if (from === to) continue;
        let at = moved.get(from);
        if (at === undefined) {
          at = used;
          moved.set(from, at);
          kept.set(this.#releases.subarray(from, to), at);
          used += to - from;
        }
        yields.from[group] = at;
        yields.to[group] = at + (to - from);
      }
    }
    this.#releases = kept;
    this.#used = used;
    this.#kept = used;
  }

  #count(group: number, { toFold, bytes, from, to }: Yield, sign: 1 | -1): void {
    if (toFold > 0) this.#groups += sign;
    this.#files += sign * toFold;
    this.#foldBytes += sign * toFold * (this.#sizes[group] ?? 0);
    this.#alone += sign * bytes;
    for (let k = from; k < to; k += 2) {
      this.#change(this.#releases[k] ?? 0, sign * (this.#releases[k + 1] ?? 0));
    }
  }

  #change(number: number, by: number): void {
    const { refs, released, diskBytes } = this.#extents;
    const [all, bytes, before] = [refs[number] ?? 0, diskBytes[number] ?? 0, released[number] ?? 0];
    if (isReleased(before, all)) this.#crossing -= bytes;
    else if (isTouched(before)) this.#pinned -= bytes;
    const after = before + by;
    released[number] = after;
    if (isReleased(after, all)) this.#crossing += bytes;
    else if (isTouched(after)) this.#pinned += bytes;
  }

  #push(number: number, references: number): void {
    if (this.#used + 2 > this.#releases.length) this.#releases = doubled(this.#releases);
    this.#releases[this.#used] = number;
    this.#releases[this.#used + 1] = references;
    this.#used += 2;
  }
}
