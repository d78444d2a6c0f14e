import { INODE } from "../btrfs/constants.ts";
import { KIND, type Extent } from "../btrfs/extents.ts";
import { Column, type Numbered } from "./columns.ts";
import type { SubvolumeInode } from "./index-files.ts";
import { Lists } from "./lists.ts";
import { NumberTable, type NumberSet } from "./number-table.ts";
import { partsOfRuns, type Wholes } from "./occurrences.ts";
import type { Places } from "./places.ts";
import type { Runs } from "./runs.ts";
import { rowsOf, sortRowsInTurns } from "./sort.ts";
import type { Reference, Space } from "./space.ts";
import { ReferenceColumns, SpaceColumns } from "./space-columns.ts";
import { union, type Span } from "./spans.ts";
import type { Turns } from "./turns.ts";
import { UNSUMMED, type DeepFile } from "./types.ts";

/** Where an extent stands among all blocks, also one that is preallocated in part; null where it is compared whole. */
export function baseOf(places: Places, row: SubvolumeInode, piece: Extent): number | null {
  return places.baseOf(row, piece.kind === KIND.prealloc ? { ...piece, kind: KIND.plain } : piece);
}

/** The base of an extent that is compared whole. */
const WHOLE = -1;

/** Collects the extents of a volume, or of one subvolume, in the order in which files refer to them. */
export class SpaceBuilder {
  readonly #places: Places;
  readonly #wholes: Wholes;
  /** Row of #extents by address. */
  readonly #rows = new NumberTable();
  readonly #extents = {
    bytenr: new Column(Float64Array),
    diskBytes: new Column(Float64Array),
    kind: new Column(Uint8Array),
    length: new Column(Uint32Array),
    base: new Column(Float64Array),
    pinned: new Column(Uint8Array),
  };
  readonly #references = new ReferenceColumns();
  /** The extent of each. */
  readonly #referred = new Column(Int32Array);

  constructor(places: Places, wholes: Wholes) {
    this.#places = places;
    this.#wholes = wholes;
  }

  /** The row of the extent that a file refers to. */
  extent(row: SubvolumeInode, piece: Extent): number {
    const known = this.#rows.get(piece.bytenr);
    if (known !== undefined) return known;
    const unsummed = (row.flags & INODE.nodatasum) !== 0;
    const { bytenr, diskBytes, kind, length, base, pinned } = this.#extents;
    const count = bytenr.length;
    bytenr.push(piece.bytenr);
    diskBytes.push(piece.diskBytes);
    kind.push(piece.kind >= KIND.zlib ? piece.kind : unsummed ? UNSUMMED : KIND.plain);
    length.push(piece.ramBytes / this.#places.sectorSize);
    base.push(baseOf(this.#places, row, piece) ?? WHOLE);
    pinned.push(0);
    this.#rows.set(piece.bytenr, count);
    return count;
  }

  /** It stays: something that cannot be moved refers to it. */
  pin(extent: number): void {
    this.#extents.pinned.set(extent, 1);
  }

  refer(extent: number, reference: Reference): void {
    this.#referred.push(extent);
    this.#references.add(reference);
  }

  addresses(): Float64Array {
    return this.#extents.bytenr.values;
  }

  /** @param addresses of extents that stay */
  pinAll(addresses: NumberSet): void {
    for (const [extent, bytenr] of this.addresses().entries()) if (addresses.has(bytenr)) this.pin(extent);
  }

  /**
   * Puts what was collected in order, and together with what was found equal; what has nothing in common is left out.
   * @param equal see equalBlocks
   * @throws what turns throw
   */
  async space(files: Numbered<DeepFile>, equal: Runs, twins: NumberTable, turns: Turns): Promise<Space> {
    const { bytenr, diskBytes, kind, length, base, pinned } = this.#extents;
    const made = new SpaceColumns();
    const referring = await Lists.grouped(bytenr.length, this.#referred.values, turns);
    const byAddress = (a: number, b: number): number => bytenr.at(a) - bytenr.at(b);
    for (const k of await sortRowsInTurns(rowsOf(bytenr.length), byAddress, turns)) {
      if (turns.over) await turns.next();
      const references = referring.list(k).map((row) => this.#references.row(row));
      const whole = wholeOf(references);
      const extent = {
        bytenr: bytenr.at(k),
        diskBytes: diskBytes.at(k),
        kind: kind.at(k),
        length: length.at(k),
        pinned: pinned.at(k),
      };
      if (base.at(k) === WHOLE) {
        const sector = extent.bytenr / this.#places.sectorSize;
        const canon = this.#wholes.baseOf(twins.get(sector) ?? sector, extent.length);
        for (const { start, end } of whole) made.occurs(start, end - start, canon + start);
      } else partsOfRuns(equal, base.at(k), whole, made.occurs);
      made.add(extent, references, whole);
    }
    return made.space(files, this.#places.sectorSize);
  }
}

/** The blocks that files hold whole: not a last one in which a file ends. */
function wholeOf(references: readonly Reference[]): Span[] {
  const spans = references
    .map(({ offset, length, tail }) => ({ start: offset, end: offset + length - (tail > 0 ? 1 : 0) }))
    .filter(({ start, end }) => end > start);
  return spans.length < 2 ? spans : union(spans);
}
