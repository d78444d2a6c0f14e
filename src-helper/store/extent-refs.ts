import type { IndexStore } from "./index-store.ts";
import { findPair } from "./pairs.ts";

/** Of disk addresses, a row; its sectors, with a bit each beside them, fit into 16 bits. */
const CHUNK_BYTES = 2 ** 26;
/** References that are noted before they are stored, 2 bytes each: what they take stays bounded. */
const MAX_NOTED = 2 ** 23;
/** Extents whose counts are in memory at a time, 8 bytes each. */
const MAX_CACHED = 2 ** 23;

/**
 * How many extent items, of all rows of the index, refer to each extent on
 * disk. A file that several subvolumes have in one state is one row, and lets go
 * of its extents when it is folded in all of them. An extent's space comes back
 * only when the last reference goes, so a promise of freed bytes stands and
 * falls with these counts.
 *
 * Kept 64 MiB of disk addresses a row, packed: most rows of a scan are never
 * looked at again. What is added and removed is noted by row, and merged with
 * what is stored when it is flushed.
 */
export class ExtentRefs {
  readonly #store: IndexStore;
  readonly sectorSize: number;
  /** Not yet stored, by chunk. */
  readonly #notes = new Map<number, Notes>();
  /** Where the last note was: the next is mostly beside it. */
  #last: { readonly chunk: number; readonly notes: Notes } | null = null;
  #noted = 0;
  /** Counts of some chunks: sorted pairs (sector in the chunk, count). The first are those read longest ago. */
  readonly #chunks = new Map<number, Uint32Array>();
  #cached = 0;
  /** Nothing is stored yet: saves the look-up. */
  #empty: boolean;
  #shared = false;

  constructor(store: IndexStore, sectorSize: number, empty: boolean) {
    this.#store = store;
    this.sectorSize = sectorSize;
    this.#empty = empty;
  }

  /** Counts one more reference. bytenr: address of the extent, in bytes. */
  add(bytenr: number): void {
    this.#note(bytenr, 0);
  }

  /** Counts one less. */
  remove(bytenr: number): void {
    this.#note(bytenr, 1);
  }

  /** The references to an extent, as last stored. */
  count(bytenr: number): number {
    const chunk = Math.floor(bytenr / CHUNK_BYTES);
    const pairs = this.#chunk(chunk);
    const sector = (bytenr - chunk * CHUNK_BYTES) / this.sectorSize;
    const at = findPair(pairs, sector);
    return pairs[at] === sector ? (pairs[at + 1] ?? 0) : 0;
  }

  /**
   * Stores what was added and removed.
   * @returns true where some extent that changed is, or was, referred to more
   * than once, and not by changed files alone: other groups than theirs may be
   * affected. A file that is overwritten here and there, a database say, refers
   * to its own extents many times, and to nobody else's.
   */
  flush(): boolean {
    this.#merge();
    const shared = this.#shared;
    this.#shared = false;
    return shared;
  }

  #note(bytenr: number, removed: 0 | 1): void {
    const chunk = Math.floor(bytenr / CHUNK_BYTES);
    if (this.#last?.chunk !== chunk) {
      let notes = this.#notes.get(chunk);
      if (notes === undefined) this.#notes.set(chunk, (notes = new Notes()));
      this.#last = { chunk, notes };
    }
    this.#last.notes.push(((bytenr - chunk * CHUNK_BYTES) / this.sectorSize) * 2 + removed);
    if (++this.#noted === MAX_NOTED) this.#merge();
  }

  #merge(): void {
    for (const [chunk, notes] of [...this.#notes].sort((a, b) => a[0] - b[0])) {
      const before = this.#empty ? NONE : this.#chunk(chunk);
      const { pairs, changed, shared } = merge(before, notes.sorted());
      this.#shared ||= shared;
      if (changed) this.#put(chunk, pairs);
    }
    this.#notes.clear();
    this.#last = null;
    this.#noted = 0;
    this.#empty = false;
  }

  #chunk(chunk: number): Uint32Array {
    let pairs = this.#chunks.get(chunk);
    if (pairs === undefined) {
      const row = this.#store.get("SELECT data FROM extent_refs WHERE chunk = ?", chunk) as
        { data: Buffer } | undefined;
      pairs = row === undefined ? NONE : unpack(row.data);
      this.#keep(chunk, pairs);
    }
    return pairs;
  }

  #put(chunk: number, pairs: Uint32Array): void {
    this.#cached -= (this.#chunks.get(chunk)?.length ?? 0) / 2;
    this.#chunks.delete(chunk);
    this.#keep(chunk, pairs);
    if (pairs.length === 0) this.#store.run("DELETE FROM extent_refs WHERE chunk = ?", chunk);
    else this.#store.run("INSERT OR REPLACE INTO extent_refs VALUES (?, ?)", chunk, pack(pairs));
  }

  #keep(chunk: number, pairs: Uint32Array): void {
    this.#chunks.set(chunk, pairs);
    this.#cached += pairs.length / 2;
    for (const [oldest, some] of this.#chunks) {
      if (this.#cached <= MAX_CACHED || oldest === chunk) break;
      this.#chunks.delete(oldest);
      this.#cached -= some.length / 2;
    }
  }
}

const NONE = new Uint32Array();

/** References that came (2 * sector) and went (2 * sector + 1), in no order. */
class Notes {
  #values = new Uint16Array(64);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint16Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  sorted(): Uint16Array {
    return this.#values.subarray(0, this.#length).sort();
  }
}

/**
 * @param pairs sorted
 * @param notes sorted
 * @returns shared: some count that changed was, or is, more than one, by references that stayed
 */
function merge(
  pairs: Uint32Array,
  notes: Uint16Array,
): { pairs: Uint32Array; changed: boolean; shared: boolean } {
  const merged = new Uint32Array(pairs.length + 2 * notes.length);
  let [length, changed, shared] = [0, false, false];
  const put = (sector: number, count: number): void => {
    merged[length++] = sector;
    merged[length++] = count;
  };
  let at = 0;
  for (let k = 0; k < notes.length;) {
    const sector = (notes[k] ?? 0) >>> 1;
    let [came, went] = [0, 0];
    for (; k < notes.length && (notes[k] ?? 0) >>> 1 === sector; k++) {
      if ((notes[k] ?? 0) & 1) went++;
      else came++;
    }
    const change = came - went;
    const next = findPair(pairs, sector, at);
    merged.set(pairs.subarray(at, next), length);
    length += next - at;
    at = next;
    const known = at < pairs.length && pairs[at] === sector;
    const before = known ? (pairs[at + 1] ?? 0) : 0;
    if (known) at += 2;
    const after = before + change;
    if (after > 0) put(sector, after);
    if (change === 0) continue;
    changed = true;
    // a changed file's references all go and come anew: what did not go is somebody else's
    if (before !== went && (before > 1 || after > 1)) shared = true;
  }
  merged.set(pairs.subarray(at), length);
  return { pairs: merged.slice(0, length + pairs.length - at), changed, shared };
}

let scratch = Buffer.allocUnsafeSlow(2 ** 16);

/**
 * Each extent is one number, twice the distance from the one before, and one
 * more where a second number follows: its count, if that is not 1. Seven bits
 * a byte, the lowest first, and the eighth where another byte follows.
 * @returns good until the next call
 */
function pack(pairs: Uint32Array): Buffer {
  if (scratch.length < pairs.length * 5) scratch = Buffer.allocUnsafeSlow(pairs.length * 10);
  const bytes = scratch;
  let length = 0;
  const put = (value: number): void => {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) bytes[length++] = (rest & 0x7f) | 0x80;
    bytes[length++] = rest;
  };
  let last = 0;
  for (let k = 0; k < pairs.length; k += 2) {
    const [sector, count] = [pairs[k] ?? 0, pairs[k + 1] ?? 0];
    put((sector - last) * 2 + (count === 1 ? 0 : 1));
    if (count !== 1) put(count);
    last = sector;
  }
  return bytes.subarray(0, length);
}

function unpack(bytes: Buffer): Uint32Array {
  const pairs = new Uint32Array(bytes.length * 2);
  let at = 0;
  const next = (): number => {
    let byte = bytes[at++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  };
  let [length, sector] = [0, 0];
  while (at < bytes.length) {
    const step = next();
    sector += step >>> 1;
    pairs[length++] = sector;
    pairs[length++] = step & 1 ? next() : 1;
  }
  return pairs.slice(0, length);
}
