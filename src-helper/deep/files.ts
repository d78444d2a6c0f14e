import { Column, NumberedRows } from "./columns.ts";
import type { SubvolumeInode } from "./index-files.ts";
import type { DeepFile } from "./types.ts";

const NO_EXTENTS = new Uint8Array();

/** Files that take part in a plan, by number. There can be as many as a volume has, so they are numbers in rows. */
export class DeepFiles extends NumberedRows<DeepFile> {
  readonly #subvolume = new Column(Float64Array);
  readonly #inode = new Column(Float64Array);
  readonly #generation = new Column(Float64Array);
  readonly #size = new Column(Float64Array);
  readonly #flags = new Column(Float64Array);
  readonly #layout = new Column(Float64Array);
  readonly #traits = new Column(Uint32Array);
  readonly #uid = new Column(Uint32Array);
  readonly #mtime = new Column(Float64Array);
  readonly #readOnlySubvolumes: ReadonlySet<number>;

  constructor(readOnlySubvolumes: ReadonlySet<number>) {
    super();
    this.#readOnlySubvolumes = readOnlySubvolumes;
  }

  get length(): number {
    return this.#inode.length;
  }

  /** @param layout where it will lie */
  add(row: SubvolumeInode, layout: number): void {
    this.#subvolume.push(row.subvol);
    this.#inode.push(row.ino);
    this.#generation.push(row.gen);
    this.#size.push(row.size);
    this.#flags.push(row.flags);
    this.#layout.push(layout);
    this.#traits.push(row.traits);
    this.#uid.push(row.uid);
    this.#mtime.push(row.mtime);
  }

  protected row(index: number): DeepFile {
    const subvolume = this.#subvolume.at(index);
    return {
      subvolume,
      inode: this.#inode.at(index),
      generation: this.#generation.at(index),
      size: this.#size.at(index),
      flags: this.#flags.at(index),
      layout: this.#layout.at(index),
      traits: this.#traits.at(index),
      uid: this.#uid.at(index),
      mtime: this.#mtime.at(index),
      extents: NO_EXTENTS,
      readOnly: this.#readOnlySubvolumes.has(subvolume),
    };
  }
}
