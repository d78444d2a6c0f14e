import type { Subvolume } from "../btrfs/root-tree.ts";

/**
 * Which subvolumes hold older states of others. Snapshots of one subvolume are
 * a family, with the snapshots of those, also where one between has been deleted.
 */
export class Families {
  readonly #byId: ReadonlyMap<number, Subvolume>;
  readonly #byUuid: ReadonlyMap<string, Subvolume>;
  readonly #members = new Map<string, Subvolume[]>();
  /** uuid -> the uuid that stands for its family. */
  readonly #heads = new Map<string, string>();

  constructor(subvolumes: readonly Subvolume[]) {
    this.#byId = new Map(subvolumes.map((one) => [one.id, one]));
    this.#byUuid = new Map(subvolumes.map((one) => [one.uuid, one]));
    for (const { uuid, parentUuid } of subvolumes) {
      if (parentUuid !== null) this.#heads.set(this.#head(uuid), this.#head(parentUuid));
    }
    for (const one of subvolumes) {
      const head = this.#head(one.uuid);
      const members = this.#members.get(head);
      if (members === undefined) this.#members.set(head, [one]);
      else members.push(one);
    }
  }

  /**
   * Subvolumes for which a rule on a folder of this one holds too: read-only
   * ones of its family, and those that were made from it. None for a read-only
   * one: what is said of a snapshot is said of that snapshot.
   */
  snapshotsOf(id: number): Subvolume[] {
    const origin = this.#byId.get(id);
    if (origin === undefined || origin.readOnly) return [];
    const members = this.#members.get(this.#head(origin.uuid)) ?? [];
    return members.filter((one) => one.id !== id && (one.readOnly || this.#descends(one, origin)));
  }

  /** The other side: writable subvolumes whose rules hold for this one. */
  originsOf(id: number): Subvolume[] {
    const snapshot = this.#byId.get(id);
    if (snapshot === undefined) return [];
    const members = this.#members.get(this.#head(snapshot.uuid)) ?? [];
    return members.filter(
      (one) => one.id !== id && !one.readOnly && (snapshot.readOnly || this.#descends(snapshot, one)),
    );
  }

  #descends(one: Subvolume, origin: Subvolume): boolean {
    const seen = new Set<string>();
    for (let at: Subvolume | undefined = one; at !== undefined && at.parentUuid !== null;) {
      if (at.parentUuid === origin.uuid) return true;
      // uuids of a restored image may go round in a ring
      if (seen.has(at.uuid)) return false;
      seen.add(at.uuid);
      at = this.#byUuid.get(at.parentUuid);
    }
    return false;
  }

  #head(uuid: string): string {
    let at = uuid;
    for (let next = this.#heads.get(at); next !== undefined && next !== at; next = this.#heads.get(at))
      at = next;
    return at;
  }
}
