import { KIND, unpackExtents } from "../../btrfs/extents.ts";
import { isReleased } from "../../dedupe/predict.ts";
import { doubled, type ExtentTable } from "./extent-table.ts";

/**
 * What each row of the index takes on disk, as far as a fold can let go of it:
 * made once, so that no tick has to read extents. An extent that nothing but
 * one row holds is a part of one sum; others are listed by their number.
 */
export class Footprints {
  readonly extents: ExtentTable;
  readonly #sectorSize: number;
  /** Bytes that come back when the file is folded, whatever becomes of others. */
  #alone = new Float64Array(1024);
  /** Of each, where its pairs end; they begin where those before it do. */
  #ends = new Float64Array(1024);
  /** Pairs: the extent's number, and how many references go when the file is folded whole. */
  #pairs = new Float64Array(1024);
  #used = 0;
  #count = 0;

  constructor(extents: ExtentTable, sectorSize: number) {
    this.extents = extents;
    this.#sectorSize = sectorSize;
  }

  get pairs(): Float64Array {
    return this.#pairs;
  }

  alone(footprint: number): number {
    return this.#alone[footprint] ?? 0;
  }

  start(footprint: number): number {
    return footprint === 0 ? 0 : (this.#ends[footprint - 1] ?? 0);
  }

  end(footprint: number): number {
    return this.#ends[footprint] ?? 0;
  }

  /**
   * @param extents of a row of the index, packed
   * @param size of the file, bytes
   * @param sharing how many subvolumes have the row
   * @returns the number of its footprint
   */
  add(extents: Uint8Array | null, size: number, sharing: number): number {
    const footprint = this.#count++;
    if (footprint === this.#alone.length) {
      this.#alone = doubled(this.#alone);
      this.#ends = doubled(this.#ends);
    }
    if (extents !== null) this.#take(footprint, extents, size, sharing);
    this.#ends[footprint] = this.#used;
    return footprint;
  }

  #take(footprint: number, packed: Uint8Array, size: number, sharing: number): void {
    const end = Math.ceil(size / this.#sectorSize) * this.#sectorSize;
    const extents = unpackExtents(packed, this.#sectorSize);
    const settle = (bytenr: number, diskBytes: number, references: number): void => {
      const refs = this.extents.refsOf(bytenr);
      if (sharing === 1 && isReleased(references, refs)) {
        this.#alone[footprint] = this.alone(footprint) + diskBytes;
      } else this.#push(this.extents.number(bytenr, diskBytes, refs), references);
    };
    // what goes on behind the end of a file stays, see dedupe/predict.ts
    const goes = (last: number): number => (last <= end ? 1 : 0);
    const [only] = extents;
    if (extents.length === 1 && only !== undefined) {
      if (only.kind !== KIND.inline) settle(only.bytenr, only.diskBytes, goes(only.fileOffset + only.length));
      return;
    }
    const found = new Map<number, { readonly diskBytes: number; references: number }>();
    for (const { kind, bytenr, diskBytes, fileOffset, length } of extents) {
      if (kind === KIND.inline) continue;
      const references = goes(fileOffset + length);
      const known = found.get(bytenr);
      if (known === undefined) found.set(bytenr, { diskBytes, references });
      else known.references += references;
    }
    for (const [bytenr, { diskBytes, references }] of found) settle(bytenr, diskBytes, references);
  }

  #push(number: number, references: number): void {
    if (this.#used + 2 > this.#pairs.length) this.#pairs = doubled(this.#pairs);
    this.#pairs[this.#used++] = number;
    this.#pairs[this.#used++] = references;
  }
}
