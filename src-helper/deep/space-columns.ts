import { Column, type Numbered } from "./columns.ts";
import type { Extent, Reference, References, Space } from "./space.ts";
import type { Span } from "./spans.ts";
import type { DeepFile } from "./types.ts";

/** References, a row each. */
export class ReferenceColumns {
  readonly #file = new Column(Int32Array);
  readonly #at = new Column(Float64Array);
  readonly #offset = new Column(Uint32Array);
  readonly #length = new Column(Uint32Array);
  readonly #tail = new Column(Uint16Array);

  get length(): number {
    return this.#file.length;
  }

  add({ file, at, offset, length, tail }: Reference): void {
    this.#file.push(file);
    this.#at.push(at);
    this.#offset.push(offset);
    this.#length.push(length);
    this.#tail.push(tail);
  }

  row(row: number): Reference {
    return {
      file: this.#file.at(row),
      at: this.#at.at(row),
      offset: this.#offset.at(row),
      length: this.#length.at(row),
      tail: this.#tail.at(row),
    };
  }

  /** All of them. Nothing is to be added after. */
  get values(): References {
    return {
      file: this.#file.values,
      at: this.#at.values,
      offset: this.#offset.values,
      length: this.#length.values,
      tail: this.#tail.values,
    };
  }
}

/** Takes the extents of a space one after the other, ascending by bytenr. */
export class SpaceColumns {
  readonly #extents = {
    bytenr: new Column(Float64Array),
    diskBytes: new Column(Float64Array),
    kind: new Column(Uint8Array),
    length: new Column(Uint32Array),
    pinned: new Column(Uint8Array),
    references: new Column(Int32Array),
    whole: new Column(Int32Array),
    occurrences: new Column(Int32Array),
  };
  readonly #references = new ReferenceColumns();
  readonly #whole = { start: new Column(Uint32Array), end: new Column(Uint32Array) };
  readonly #occurrences = {
    extent: new Column(Int32Array),
    offset: new Column(Uint32Array),
    length: new Column(Uint32Array),
    canon: new Column(Float64Array),
  };
  /** Of #occurrences: those that follow are of the next extent. */
  #taken = 0;

  /** Says of blocks of the next extent that they are equal to others; sectors, ascending by offset in the extent. */
  readonly occurs = (offset: number, length: number, canon: number): void => {
    const occurrences = this.#occurrences;
    occurrences.extent.push(this.#extents.bytenr.length);
    occurrences.offset.push(offset);
    occurrences.length.push(length);
    occurrences.canon.push(canon);
  };

  /** Ends an extent, which is left out if nothing of it occurs elsewhere. @param whole ascending */
  add(extent: Extent, references: readonly Reference[], whole: readonly Span[]): void {
    if (this.#occurrences.canon.length === this.#taken) return;
    this.#extents.references.push(this.#references.length);
    this.#extents.whole.push(this.#whole.start.length);
    this.#extents.occurrences.push(this.#taken);
    this.#taken = this.#occurrences.canon.length;
    this.#extents.bytenr.push(extent.bytenr);
    this.#extents.diskBytes.push(extent.diskBytes);
    this.#extents.kind.push(extent.kind);
    this.#extents.length.push(extent.length);
    this.#extents.pinned.push(extent.pinned);
    for (const reference of references) this.#references.add(reference);
    for (const { start, end } of whole) {
      this.#whole.start.push(start);
      this.#whole.end.push(end);
    }
  }

  /** All of them. Nothing is to be added after. */
  space(files: Numbered<DeepFile>, sectorSize: number): Space {
    const { bytenr, diskBytes, kind, length, pinned, references, whole, occurrences } = this.#extents;
    const count = bytenr.length;
    references.push(this.#references.length);
    whole.push(this.#whole.start.length);
    occurrences.push(this.#taken);
    return {
      files,
      count,
      extents: {
        bytenr: bytenr.values,
        diskBytes: diskBytes.values,
        kind: kind.values,
        length: length.values,
        pinned: pinned.values,
        references: references.values,
        whole: whole.values,
        occurrences: occurrences.values,
      },
      references: this.#references.values,
      whole: { start: this.#whole.start.values, end: this.#whole.end.values },
      occurrences: {
        extent: this.#occurrences.extent.values,
        offset: this.#occurrences.offset.values,
        length: this.#occurrences.length.values,
        canon: this.#occurrences.canon.values,
      },
      sectorSize,
    };
  }
}
