import { rowsOf, sortRowsInTurns } from "./sort.ts";
import type { Turns } from "./turns.ts";

/** An extent that goes, and the number of its bundle. */
export interface Going {
  readonly extent: number;
  readonly bundle: number;
}

/** Victims that are to be chosen together. */
export class Bundles {
  readonly #extents: Int32Array;
  /** Index in #extents by extent. */
  readonly #numbers: Int32Array;
  /** Of each the earliest that is known to be of its bundle. */
  readonly #first: Int32Array;

  /**
   * @param extents that go, in the order in which what they have in common is written
   * @param count of all extents
   */
  constructor(extents: Int32Array, count: number) {
    this.#extents = extents;
    this.#numbers = new Int32Array(count);
    for (const [k, extent] of extents.entries()) this.#numbers[extent] = k;
    this.#first = rowsOf(extents.length);
  }

  join(one: number, other: number): void {
    const a = this.#find(this.#numbers[one] ?? 0);
    const b = this.#find(this.#numbers[other] ?? 0);
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
   * @param file by extent
   * @throws what turns throw
   */
  async sorted(file: (extent: number) => number, turns: Turns): Promise<Iterable<Going>> {
    const roots = rowsOf(this.#extents.length);
    for (let k = 0; k < roots.length; k++) {
      roots[k] = this.#find(k);
      if (k % 1024 === 0 && turns.over) await turns.next();
    }
    const rootOf = (k: number): number => roots[k] ?? 0;
    const fileOf = (k: number): number => file(this.#extents[rootOf(k)] ?? 0);
    const order = await sortRowsInTurns(
      rowsOf(roots.length),
      (a, b) => fileOf(a) - fileOf(b) || rootOf(a) - rootOf(b) || a - b,
      turns,
    );
    return going(order, this.#extents, roots);
  }
}

function* going(order: Int32Array, extents: Int32Array, roots: Int32Array): Generator<Going> {
  let [bundle, last] = [-1, -1];
  for (const k of order) {
    const root = roots[k] ?? 0;
    if (root !== last) bundle++;
    last = root;
    yield { extent: extents[k] ?? 0, bundle };
  }
}
