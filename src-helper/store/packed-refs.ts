/**
 * Reference counts of extents, packed: each extent is one number, twice the
 * distance in sectors from the one before, and one more where a second number
 * follows: its count, if that is not 1. Seven bits a byte, the lowest first, and
 * the eighth where another byte follows.
 */

/** What notes made of packed references. */
export interface Merged {
  /** null: as before. Good until the next merge. */
  readonly bytes: Uint8Array | null;
  /** Some count that changed was, or is, more than one, by references that stayed. */
  readonly shared: boolean;
}

/** Bytes that two entries take at most: one that is new, and the one behind it with its new distance. */
const MOST_PER_NOTE = 16;

let scratch = new Uint8Array(2 ** 16);

/**
 * Puts notes and packed references together. What lies between changes is
 * copied as it is: of the many references of a row a scan changes a few.
 *
 * @param notes references that came (2 * sector) and went (2 * sector + 1), ascending
 */
export function mergeNotes(packed: Uint8Array, notes: Uint16Array): Merged {
  const most = packed.length + MOST_PER_NOTE * (notes.length + 1);
  if (scratch.length < most) scratch = new Uint8Array(2 * most);
  const merge = new Merge(packed, scratch);
  let [changed, shared] = [false, false];
  for (let k = 0; k < notes.length;) {
    const sector = (notes[k] ?? 0) >>> 1;
    let [came, went] = [0, 0];
    for (; k < notes.length && (notes[k] ?? 0) >>> 1 === sector; k++) {
      if ((notes[k] ?? 0) & 1) went++;
      else came++;
    }
    const before = merge.find(sector);
    if (came === went) continue;
    const after = before + came - went;
    merge.set(sector, after);
    changed = true;
    // a changed file's references all go and come anew: what did not go is somebody else's
    if (before !== went && (before > 1 || after > 1)) shared = true;
  }
  return { bytes: changed ? merge.end() : null, shared };
}

/** Goes from one entry to the next. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the entry at hand begins. */
  start = 0;
  /** The sector of the one before it; 0 before the first. */
  before = 0;
  /** Its own; Infinity behind the last. */
  sector = 0;
  count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.next();
  }

  next(): void {
    this.start = this.#at;
    this.before = this.sector;
    if (this.#at >= this.#bytes.length) {
      this.sector = Infinity;
      return;
    }
    const step = this.#number();
    this.sector += step >>> 1;
    this.count = step & 1 ? this.#number() : 1;
  }

  #number(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.#at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }
}

/** Copies entries from one place to another, and changes some on the way. */
class Merge {
  readonly #from: Uint8Array;
  readonly #entry: Reader;
  readonly #to: Uint8Array;
  #length = 0;
  /** The sector of the entry written last. */
  #written = 0;
  /** Where what is to be copied as it is begins. */
  #uncopied = 0;

  constructor(from: Uint8Array, to: Uint8Array) {
    this.#from = from;
    this.#entry = new Reader(from);
    this.#to = to;
  }

  /** Goes on to a sector, which is behind the one before. @returns its count, 0 where there is none */
  find(sector: number): number {
    while (this.#entry.sector < sector) this.#pass();
    return this.#entry.sector === sector ? this.#entry.count : 0;
  }

  /** Writes the sector that was found last with another count; 0: takes it out. */
  set(sector: number, count: number): void {
    this.#copy();
    if (count > 0) this.#put(sector, count);
    if (this.#entry.sector === sector) this.#entry.next();
    this.#uncopied = this.#entry.start;
  }

  /** Copies the rest. @returns all that was written */
  end(): Uint8Array {
    if (this.#entry.sector < Infinity) this.#pass();
    this.#to.set(this.#from.subarray(this.#uncopied), this.#length);
    return this.#to.subarray(0, this.#length + this.#from.length - this.#uncopied);
  }

  /** The entry at hand stays as it is: but for its distance, where another comes before it now. */
  #pass(): void {
    const { start, before, sector, count } = this.#entry;
    const isMoved = this.#uncopied === start && before !== this.#written;
    if (isMoved) this.#put(sector, count);
    this.#entry.next();
    if (isMoved) this.#uncopied = this.#entry.start;
  }

  /** Copies what was passed. */
  #copy(): void {
    const { start, before } = this.#entry;
    if (this.#uncopied === start) return;
    this.#to.set(this.#from.subarray(this.#uncopied, start), this.#length);
    this.#length += start - this.#uncopied;
    this.#uncopied = start;
    this.#written = before;
  }

  #put(sector: number, count: number): void {
    this.#number((sector - this.#written) * 2 + (count === 1 ? 0 : 1));
    if (count !== 1) this.#number(count);
    this.#written = sector;
  }

  #number(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#to[this.#length++] = (rest & 0x7f) | 0x80;
    this.#to[this.#length++] = rest;
  }
}

/** @returns sorted pairs: sector, count, sector, count, ... */
export function unpackRefs(packed: Uint8Array): Uint32Array {
  const pairs = new Uint32Array(packed.length * 2);
  let length = 0;
  const entry = new Reader(packed);
  while (entry.sector < Infinity) {
    pairs[length++] = entry.sector;
    pairs[length++] = entry.count;
    entry.next();
  }
  return pairs.slice(0, length);
}
