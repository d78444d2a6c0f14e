import { SizeCounts } from "./crowded-sizes.ts";

/** Places of which more are not remembered one by one. */
const MOST = 50_000;

/** What came, went or changed of one size. */
export interface TouchedSize {
  /** Layouts of which some file came, went or changed; null: too many to tell, so all of the size. */
  readonly layouts: ReadonlySet<number> | null;
  /** Of these, those that no file lay at for a moment: other data may be there now. */
  readonly gone: ReadonlySet<number>;
  /** What was the content at those. */
  readonly lost: readonly Buffer[];
}

interface Touched {
  layouts: Set<number> | null;
  gone: Set<number>;
  lost: Buffer[];
}

/** Which files a walk found changed, by size and place: what has to be compared anew. */
export class TouchedPlaces {
  readonly #sizes = new Map<number, Touched>();
  readonly #isFirst: boolean;
  /** In a first scan: of the files that were found. */
  readonly counts = new SizeCounts();
  #count = 0;

  /** @param isFirst of a first scan, which compares everything: sizes are counted */
  constructor(isFirst: boolean) {
    this.#isFirst = isFirst;
  }

  get sizes(): ReadonlyMap<number, TouchedSize> {
    return this.#sizes;
  }

  /** A file of that size at that place came, went or changed. */
  touch(size: number, layout: number): void {
    if (this.#isFirst) {
      this.counts.add(size);
      return;
    }
    const { layouts } = this.#of(size);
    if (layouts === null || layouts.has(layout)) return;
    layouts.add(layout);
    if (++this.#count > MOST) this.#forgetPlaces();
  }

  /** The last file went from there. @param content of what was there, where it was that of other places too */
  leave(size: number, layout: number, content: Buffer | null): void {
    if (this.#isFirst) return;
    this.touch(size, layout);
    const touched = this.#of(size);
    if (touched.layouts === null) return;
    touched.gone.add(layout);
    if (content !== null) touched.lost.push(content);
  }

  /** The whole of a size is to be compared. */
  all(size: number): void {
    const touched = this.#of(size);
    touched.layouts = null;
    touched.gone.clear();
    touched.lost = [];
  }

  #of(size: number): Touched {
    let touched = this.#sizes.get(size);
    if (touched === undefined) {
      const layouts = this.#count > MOST ? null : new Set<number>();
      this.#sizes.set(size, (touched = { layouts, gone: new Set(), lost: [] }));
    }
    return touched;
  }

  #forgetPlaces(): void {
    for (const size of this.#sizes.keys()) this.all(size);
  }
}
