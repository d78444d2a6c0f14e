import { Column, type Numbered } from "./columns.ts";
import type { Extent, Reference, Space } from "./space.ts";
import type { Span } from "./spans.ts";
import type { DeepFile } from "./types.ts";

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
  readonly #references = {
    file: new Column(Int32Array),
    at: new Column(Float64Array),
    offset: new Column(Uint32Array),
    length: new Column(Uint32Array),
    tail: new Column(Uint16Array),
  };
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
    this.#extents.references.push(this.#references.file.length);
    this.#extents.whole.push(this.#whole.start.length);
    this.#extents.occurrences.push(this.#taken);
    this.#taken = this.#occurrences.canon.length;
    this.#extents.bytenr.push(extent.bytenr);
    this.#extents.diskBytes.push(extent.diskBytes);
    this.#extents.kind.push(extent.kind);
    this.#extents.length.push(extent.length);
    this.#extents.pinned.push(extent.pinned);
    for (const { file, at, offset, length, tail } of references) {
      this.#references.file.push(file);
      this.#references.at.push(at);
      this.#references.offset.push(offset);
      this.#references.length.push(length);
      this.#references.tail.push(tail);
    }
    for (const { start, end } of whole) {
      this.#whole.start.push(start);
      this.#whole.end.push(end);
    }
  }

  /** All of them. Nothing is to be added after. */
  space(files: Numbered<DeepFile>, sectorSize: number): Space {
    const { bytenr, diskBytes, kind, length, pinned, references, whole, occurrences } = this.#extents;
    const count = bytenr.length;
    references.push(this.#references.file.length);
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
      references: {
        file: this.#references.file.values,
        at: this.#references.at.values,
        offset: this.#references.offset.values,
        length: this.#references.length.values,
        tail: this.#references.tail.values,
      },
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
