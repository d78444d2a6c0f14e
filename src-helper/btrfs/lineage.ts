import { NO_UUID, type Subvolume } from "./root-tree.ts";

/** Of which subvolume another is a snapshot, and the transaction whose state it took. */
export interface Ancestry {
  readonly uuid: string;
  readonly parent: string;
  readonly taken: number;
}

/**
 * How subvolumes descend from one another. Two that do had one history up to
 * some transaction: a leaf of either tree that is not newer was a leaf of both.
 */
export class Lineage {
  readonly #ancestry = new Map<string, Ancestry>();
  readonly #present: readonly Subvolume[];

  /** @param remembered of subvolumes that may be gone by now */
  constructor(subvolumes: readonly Subvolume[], remembered: readonly Ancestry[]) {
    this.#present = subvolumes;
    for (const one of remembered) this.#ancestry.set(one.uuid, one);
    for (const { uuid, parentUuid, taken } of subvolumes) {
      this.#ancestry.delete(uuid);
      if (uuid === NO_UUID || parentUuid === null || taken === 0) continue;
      this.#ancestry.set(uuid, { uuid, parent: parentUuid, taken });
    }
  }

  /** What has to be remembered so that those that are there now stay related. */
  needed(): Ancestry[] {
    const needed = new Map<string, Ancestry>();
    for (const { uuid } of this.#present) {
      for (const { ancestry } of this.#line(uuid)) {
        if (ancestry !== null) needed.set(ancestry.uuid, ancestry);
      }
    }
    return [...needed.values()];
  }

  /** The same for all that are related, and for no others. */
  familyOf({ id, uuid }: Subvolume): string {
    let origin = `id ${id}`;
    if (uuid !== NO_UUID) for (const ancestor of this.#line(uuid)) origin = ancestor.uuid;
    return origin;
  }

  /**
   * The last transaction up to which both had one history; null where they are
   * not related. The one that a snapshot is taken in does not count: its name
   * is written after the state is taken, and that may be in the other tree.
   */
  common(a: Subvolume, b: Subvolume): number | null {
    if (a.uuid === NO_UUID || b.uuid === NO_UUID) return null;
    const bounds = new Map<string, number>();
    for (const { uuid, until } of this.#line(a.uuid)) bounds.set(uuid, until);
    for (const { uuid, until } of this.#line(b.uuid)) {
      const bound = bounds.get(uuid);
      if (bound !== undefined) return Math.min(bound, until) - 1;
    }
    return null;
  }

  /** A subvolume and its ancestors, and up to when the history of each is also that of the first. */
  *#line(first: string): Generator<{ uuid: string; until: number; ancestry: Ancestry | null }> {
    const seen = new Set<string>(); // a damaged tree must not hold us forever
    let until = Infinity;
    for (let uuid: string | null = first; uuid !== null && !seen.has(uuid);) {
      seen.add(uuid);
      const ancestry: Ancestry | null = this.#ancestry.get(uuid) ?? null;
      yield { uuid, until, ancestry };
      if (ancestry !== null) until = Math.min(until, ancestry.taken);
      uuid = ancestry?.parent ?? null;
    }
  }
}
