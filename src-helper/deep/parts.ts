import type { Contents } from "./contents.ts";
import type { Turns } from "./turns.ts";

/** Extents that are to be decided on together: each has something in common with another of them. */
export type Part = readonly number[];

/**
 * Splits extents that may go into parts that have nothing to do with each
 * other. What stays in any case ties nothing together.
 * @throws what turns throw
 */
export async function partsOf({ count, fixed, holders }: Contents, turns: Turns): Promise<Part[]> {
  const parent = Int32Array.from({ length: count }, (_, k) => k);
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
  const parts = new Map<number, number[]>();
  for (let extent = 0; extent < count; extent++) {
    if (fixed[extent] === 1) continue;
    if (turns.over) await turns.next();
    const root = find(extent);
    const part = parts.get(root);
    if (part === undefined) parts.set(root, [extent]);
    else part.push(extent);
  }
  return [...parts.values()];
}
