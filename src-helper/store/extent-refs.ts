import type { IndexStore } from "./index-store.ts";
import { countAt, mergeNotes, refsOf, type PackedRefs } from "./packed-refs.ts";

/** Of disk addresses, a row; its sectors, with a bit each beside them, fit into 16 bits. */
const CHUNK_BYTES = 2 ** 26;
/** References that are noted before they are stored, 2 bytes each: what they take stays bounded. */
const MAX_NOTED = 2 ** 23;
/** Words of rows that are in memory at a time, 2 bytes each. */
const MAX_CACHED = 2 ** 23;

const LOAD = "SELECT data FROM extent_refs WHERE chunk = ?";
const STORE = "INSERT OR REPLACE INTO extent_refs VALUES (?, ?)";
const DELETE = "DELETE FROM extent_refs WHERE chunk = ?";

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
  /** Some rows. The first are those read longest ago. */
  readonly #chunks = new Map<number, PackedRefs>();
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
    const sector = (bytenr - chunk * CHUNK_BYTES) / this.sectorSize;
    return countAt(this.#chunk(chunk), this.#sectors, sector);
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
      const before = this.#empty ? NOTHING : this.#stored(chunk);
      const { packed, shared } = mergeNotes(before, this.#sectors, notes.sorted());
      this.#shared ||= shared;
      if (packed !== null) this.#put(chunk, packed);
    }
    this.#notes.clear();
    this.#last = null;
    this.#noted = 0;
    this.#empty = false;
  }

  #stored(chunk: number): PackedRefs {
    const data = this.#store.value(LOAD, chunk) as Buffer | undefined;
    return data === undefined ? NOTHING : refsOf(data);
  }

  #chunk(chunk: number): PackedRefs {
    let packed = this.#chunks.get(chunk);
    if (packed === undefined) {
      packed = this.#stored(chunk);
      this.#keep(chunk, packed);
    }
    return packed;
  }

  #put(chunk: number, packed: PackedRefs): void {
    this.#cached -= this.#chunks.get(chunk)?.length ?? 0;
    this.#chunks.delete(chunk);
    if (packed.length === 0) this.#store.run(DELETE, chunk);
    else this.#store.run(STORE, chunk, Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength));
  }

  #keep(chunk: number, packed: PackedRefs): void {
    this.#chunks.set(chunk, packed);
    this.#cached += packed.length;
    for (const [oldest, some] of this.#chunks) {
      if (this.#cached <= MAX_CACHED || oldest === chunk) break;
      this.#chunks.delete(oldest);
      this.#cached -= some.length;
    }
  }

  /** Of a row. */
  get #sectors(): number {
    return CHUNK_BYTES / this.sectorSize;
  }
}

const NOTHING: PackedRefs = new Uint16Array();

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
