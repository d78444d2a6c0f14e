import { Column, NumberedRows } from "./columns.ts";
import type { DeepPlan, Move, Rewrite, Victim } from "./types.ts";

/** Where ranges lie: a row each, bytes. */
class Ranges {
  readonly file = new Column(Int32Array);
  readonly fileOffset = new Column(Float64Array);
  readonly offset = new Column(Float64Array);

  add(file: number, fileOffset: number, offset: number): void {
    this.file.push(file);
    this.fileOffset.push(fileOffset);
    this.offset.push(offset);
  }

  at(row: number, bytenr: number): Move["to"] {
    return {
      file: this.file.at(row),
      fileOffset: this.fileOffset.at(row),
      bytenr,
      offset: this.offset.at(row),
    };
  }
}

/** The extents of a plan, as numbers in rows; there can be hundreds of thousands. */
export class Victims extends NumberedRows<Victim> {
  readonly #bytenr = new Column(Float64Array);
  readonly #bundle = new Column(Int32Array);
  readonly #diskBytes = new Column(Float64Array);
  readonly #kind = new Column(Uint8Array);
  readonly #rewrittenBytes = new Column(Float64Array);
  /** Where the moves and the rewrites of each end. */
  readonly #movesEnd = new Column(Int32Array);
  readonly #rewritesEnd = new Column(Int32Array);
  readonly #moves = {
    to: new Ranges(),
    from: new Ranges(),
    fromBytenr: new Column(Float64Array),
    length: new Column(Float64Array),
    anew: new Column(Uint8Array),
  };
  readonly #rewrites = {
    to: new Ranges(),
    target: new Column(Float64Array),
    length: new Column(Float64Array),
  };
  /** Of all of them together. */
  diskBytes = 0;
  rewrittenBytes = 0;

  get length(): number {
    return this.#bytenr.length;
  }

  /** The number of the next bundle. */
  get bundles(): number {
    return this.length === 0 ? 0 : this.#bundle.at(this.length - 1) + 1;
  }

  /** Their ranges are in no other extent: to.bytenr is its own. */
  add(victim: Victim): void {
    this.#bytenr.push(victim.bytenr);
    this.#bundle.push(victim.bundle);
    this.#diskBytes.push(victim.diskBytes);
    this.#kind.push(victim.kind);
    this.#rewrittenBytes.push(victim.rewrittenBytes);
    for (const { to, from, length, anew } of victim.moves) {
      this.#moves.to.add(to.file, to.fileOffset, to.offset);
      this.#moves.from.add(from.file, from.fileOffset, from.offset);
      this.#moves.fromBytenr.push(from.bytenr);
      this.#moves.length.push(length);
      this.#moves.anew.push(anew === true ? 1 : 0);
    }
    for (const { to, target, length } of victim.rewrites) {
      this.#rewrites.to.add(to.file, to.fileOffset, to.offset);
      this.#rewrites.target.push(target);
      this.#rewrites.length.push(length);
    }
    this.#movesEnd.push(this.#moves.length.length);
    this.#rewritesEnd.push(this.#rewrites.length.length);
    this.diskBytes += victim.diskBytes;
    this.rewrittenBytes += victim.rewrittenBytes;
  }

  protected row(index: number): Victim {
    const bytenr = this.#bytenr.at(index);
    return {
      bytenr,
      bundle: this.#bundle.at(index),
      diskBytes: this.#diskBytes.at(index),
      kind: this.#kind.at(index),
      moves: this.#movesOf(index, bytenr),
      rewrites: this.#rewritesOf(index, bytenr),
      rewrittenBytes: this.#rewrittenBytes.at(index),
    };
  }

  #movesOf(index: number, bytenr: number): Move[] {
    const { to, from, fromBytenr, length, anew } = this.#moves;
    const moves: Move[] = [];
    for (let k = this.#movesEnd.at(index - 1); k < this.#movesEnd.at(index); k++) {
      moves.push({
        to: to.at(k, bytenr),
        from: from.at(k, fromBytenr.at(k)),
        length: length.at(k),
        ...(anew.at(k) === 1 ? { anew: true } : {}),
      });
    }
    return moves;
  }

  #rewritesOf(index: number, bytenr: number): Rewrite[] {
    const { to, target, length } = this.#rewrites;
    const rewrites: Rewrite[] = [];
    for (let k = this.#rewritesEnd.at(index - 1); k < this.#rewritesEnd.at(index); k++)
      rewrites.push({ to: to.at(k, bytenr), target: target.at(k), length: length.at(k) });
    return rewrites;
  }
}

/** Where the extents lie that go by a plan. */
export function addressesOf({ victims }: Pick<DeepPlan, "victims">): Set<number> {
  const addresses = new Set<number>();
  for (const { bytenr } of victims) addresses.add(bytenr);
  return addresses;
}
