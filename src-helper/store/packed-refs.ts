import { findPair } from "./pairs.ts";

/**
 * Reference counts of the extents of one row, packed so that one can be asked
 * for without the others. 16 bits a word:
 *
 * - how many pairs follow;
 * - the pairs, by sector: a sector whose count is not 1, and the count. One
 *   beyond 16 bits is the sum of several pairs;
 * - the sectors whose count is 1: a bit for each sector of the row, or, where
 *   that is shorter, a list.
 */
export type PackedRefs = Uint16Array;

const MOST = 0xffff;

/** What notes made of packed references. */
interface Merged {
  /** null: as before. Empty where nothing is left. */
  readonly packed: PackedRefs | null;
  /** Some count that changed was, or is, more than one, by references that stayed. */
  readonly shared: boolean;
}

/** The stored bytes as they are read; copied where they are not aligned. */
export function refsOf(bytes: Uint8Array): PackedRefs {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(buffer, byteOffset, length / 2);
}

/** @param sectors of a row. @returns the references to the extent that begins at a sector; 0 where none does */
export function countAt(packed: PackedRefs, sectors: number, sector: number): number {
  const pairs = pairsOf(packed);
  let count = 0;
  for (let at = findPair(pairs, sector); pairs[at] === sector; at += 2) count += pairs[at + 1] ?? 0;
  if (count > 0) return count;
  const ones = onesOf(packed);
  if (ones.length === bitWords(sectors)) return ((ones[sector >>> 4] ?? 0) >>> (sector & 15)) & 1;
  return ones.includes(sector) ? 1 : 0;
}

/**
 * Puts notes and packed references together.
 *
 * @param sectors of a row; at most 2 ** 15
 * @param notes references that came (2 * sector) and went (2 * sector + 1), ascending
 */
export function mergeNotes(packed: PackedRefs, sectors: number, notes: Uint16Array): Merged {
  const bits = unpackOnes(packed, sectors);
  const pairs = new Pairs(packed);
  let [changed, shared] = [false, false];
  for (let k = 0; k < notes.length;) {
    const sector = (notes[k] ?? 0) >>> 1;
    let [came, went] = [0, 0];
    for (; k < notes.length && (notes[k] ?? 0) >>> 1 === sector; k++) {
      if ((notes[k] ?? 0) & 1) went++;
      else came++;
    }
    if (came === went) continue;
    const [word, bit] = [sector >>> 4, 1 << (sector & 15)];
    const before = pairs.take(sector) + (((bits[word] ?? 0) & bit) === 0 ? 0 : 1);
    const after = before + came - went;
    if (after === 1) bits[word] = (bits[word] ?? 0) | bit;
    else {
      bits[word] = (bits[word] ?? 0) & ~bit;
      pairs.put(sector, after);
    }
    changed = true;
    // a changed file's references all go and come anew: what did not go is somebody else's
    if (before !== went && (before > 1 || after > 1)) shared = true;
  }
  return { packed: changed ? pack(pairs.end(), bits) : null, shared };
}

/** Goes through pairs, and writes them anew with some changed. */
class Pairs {
  readonly #from: Uint16Array;
  #at = 0;
  readonly #to: number[] = [];

  constructor(packed: PackedRefs) {
    this.#from = pairsOf(packed);
  }

  /** Copies what is before a sector, and leaves its own out. @returns its count, 0 where it has no pair */
  take(sector: number): number {
    for (; this.#at < this.#from.length && (this.#from[this.#at] ?? 0) < sector; this.#at += 2) this.#copy();
    let count = 0;
    for (; this.#at < this.#from.length && this.#from[this.#at] === sector; this.#at += 2)
      count += this.#from[this.#at + 1] ?? 0;
    return count;
  }

  /** Writes the sector that was taken last. */
  put(sector: number, count: number): void {
    for (let rest = count; rest > 0; rest -= MOST) this.#to.push(sector, Math.min(rest, MOST));
  }

  /** @returns all pairs */
  end(): readonly number[] {
    for (; this.#at < this.#from.length; this.#at += 2) this.#copy();
    return this.#to;
  }

  #copy(): void {
    this.#to.push(this.#from[this.#at] ?? 0, this.#from[this.#at + 1] ?? 0);
  }
}

/** Sector, count, sector, count, ... */
function pairsOf(packed: PackedRefs): Uint16Array {
  return packed.subarray(1, 1 + 2 * (packed[0] ?? 0));
}

/** Bits, or a list. */
function onesOf(packed: PackedRefs): Uint16Array {
  return packed.subarray(1 + 2 * (packed[0] ?? 0));
}

function bitWords(sectors: number): number {
  return Math.ceil(sectors / 16);
}

/** A bit for each sector whose count is 1. */
function unpackOnes(packed: PackedRefs, sectors: number): Uint16Array {
  const ones = onesOf(packed);
  if (ones.length === bitWords(sectors)) return ones.slice();
  const bits = new Uint16Array(bitWords(sectors));
  for (const sector of ones) bits[sector >>> 4] = (bits[sector >>> 4] ?? 0) | (1 << (sector & 15));
  return bits;
}

function pack(pairs: readonly number[], bits: Uint16Array): PackedRefs {
  const ones = listOf(bits) ?? bits;
  if (pairs.length + ones.length === 0) return new Uint16Array();
  const packed = new Uint16Array(1 + pairs.length + ones.length);
  packed[0] = pairs.length / 2;
  packed.set(pairs, 1);
  packed.set(ones, 1 + pairs.length);
  return packed;
}

/** The sectors whose bits are set; null where they take no less room than the bits. */
function listOf(bits: Uint16Array): number[] | null {
  const list: number[] = [];
  for (let word = 0; word < bits.length; word++) {
    for (let rest = bits[word] ?? 0; rest !== 0; rest &= rest - 1) {
      if (list.length + 1 >= bits.length) return null;
      list.push(16 * word + 31 - Math.clz32(rest & -rest));
    }
  }
  return list;
}
