import { sortInTurns } from "./sort.ts";
import type { SpaceExtent } from "./space.ts";
import type { Turns } from "./turns.ts";

/** An extent that goes, and the number of its bundle. */
export interface Going {
  readonly extent: SpaceExtent;
  readonly bundle: number;
}

/** Victims that are to be chosen together. */
export class Bundles {
  readonly #extents: readonly SpaceExtent[];
  readonly #numbers: ReadonlyMap<SpaceExtent, number>;
  /** Of each the earliest that is known to be of its bundle. */
  readonly #first: number[];

  constructor(extents: readonly SpaceExtent[]) {
    this.#extents = extents;
    this.#numbers = new Map(extents.map((extent, k) => [extent, k]));
    this.#first = extents.map((_, k) => k);
  }

  join(one: SpaceExtent, other: SpaceExtent): void {
    const a = this.#find(this.#numbers.get(one) ?? 0);
    const b = this.#find(this.#numbers.get(other) ?? 0);
    this.#first[Math.max(a, b)] = Math.min(a, b);
  }

  #find(number: number): number {
    let at = number;
    for (let next = this.#first[at] ?? at; next !== at; next = this.#first[at] ?? at) {
      this.#first[at] = this.#first[next] ?? next;
      at = next;
    }
    return at;
  }

  /**
   * Bundle after bundle, those of one file near each other, each in the order that was given.
   * @throws what turns throw
   */
  async sorted(turns: Turns): Promise<Going[]> {
    const unsorted: { extent: SpaceExtent; k: number; root: number; file: number }[] = [];
    for (const [k, extent] of this.#extents.entries()) {
      const root = this.#find(k);
      unsorted.push({ extent, k, root, file: this.#extents[root]?.references[0]?.file ?? -1 });
      if (turns.over) await turns.next();
    }
    const all = await sortInTurns(unsorted, (a, b) => a.file - b.file || a.root - b.root || a.k - b.k, turns);
    let bundle = -1;
    let last = -1;
    return all.map(({ extent, root }) => {
      if (root !== last) bundle++;
      last = root;
      return { extent, bundle };
    });
  }
}
