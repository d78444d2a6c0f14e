import type { Contents } from "./contents.ts";
import { Lists } from "./lists.ts";
import { rowsOf } from "./sort.ts";
import type { Turns } from "./turns.ts";

/** Extents that are to be decided on together: each has something in common with another of them. */
export type Part = readonly number[];

/** Parts, each made where it is looked at: there can be as many as half of the extents. */
export class Parts implements Iterable<Part> {
  readonly #extents: Lists;

  /** @param extents of each part */
  constructor(extents: Lists) {
    this.#extents = extents;
  }

  *[Symbol.iterator](): Generator<Part> {
    for (let part = 0; part < this.#extents.count; part++) yield this.#extents.list(part);
  }
}

/**
 * Splits extents that may go into parts that have nothing to do with each
 * other. What stays in any case ties nothing together.
 * @throws what turns throw
 */
export async function partsOf({ count, fixed, holders }: Contents, turns: Turns): Promise<Parts> {
  const parent = rowsOf(count);
  const find = (extent: number): number => {
    let root = extent;
    while (parent[root] !== root) {
      const next = parent[parent[root] ?? 0] ?? 0;
      parent[root] = next;
      root = next;
    }
    return root;
  };
  for (let segment = 0; segment + 1 < holders.first.length; segment++) {
    if (turns.over) await turns.next();
    let first = -1;
    holders.each(segment, (extent) => {
      if (fixed[extent] === 1) return;
      if (first < 0) first = find(extent);
      else parent[find(extent)] = first;
    });
  }
  // numbered by their first extents
  const partOf = new Int32Array(count).fill(-1);
  const numbers = new Int32Array(count).fill(-1);
  let parts = 0;
  for (let extent = 0; extent < count; extent++) {
    if (extent % 1024 === 0 && turns.over) await turns.next();
    if (fixed[extent] === 1) continue;
    const root = find(extent);
    if ((numbers[root] ?? -1) < 0) numbers[root] = parts++;
    partOf[extent] = numbers[root] ?? -1;
  }
  return new Parts(await Lists.grouped(parts, partOf, turns));
}
