import type { IndexStore } from "./index-store.ts";

/** What the rows of a set come to, each counted once. */
export interface HolderCounts {
  readonly inodes: number;
  readonly files: number;
  /** Sizes of the files. */
  readonly bytes: number;
}

/** A set of subvolumes; as there may be very many, what is in it is looked at where it is asked for. */
class Holder {
  readonly id: number;
  readonly family: number;
  inodes: number;
  files: number;
  bytes: number;
  /** JSON, as it is stored: tells sets of one family apart. */
  text: string;
  #subvolumes: readonly number[] | null = null;
  #members: Set<number> | null = null;

  constructor({ id, family, subvolumes, inodes, files, bytes }: StoredHolder) {
    this.id = id;
    this.family = family;
    this.text = subvolumes;
    this.inodes = inodes;
    this.files = files;
    this.bytes = bytes;
  }

  /** Ascending. */
  get subvolumes(): readonly number[] {
    return (this.#subvolumes ??= JSON.parse(this.text) as number[]);
  }

  replace(subvolumes: readonly number[]): void {
    this.#subvolumes = subvolumes;
    this.#members = null;
    this.text = JSON.stringify(subvolumes);
  }

  has(subvolume: number): boolean {
    return (this.#members ??= new Set(this.subvolumes)).has(subvolume);
  }

  /** How many there are. */
  get count(): number {
    if (this.#subvolumes !== null) return this.#subvolumes.length;
    let count = this.text === "[]" ? 0 : 1;
    for (let at = this.text.indexOf(","); at >= 0; at = this.text.indexOf(",", at + 1)) count++;
    return count;
  }
}

/** Sets of which the rows have to follow. */
export interface Leavers {
  /** Nobody is in them any more: their rows go. */
  readonly emptied: readonly number[];
  /** Two sets came to be the same: the rows of the one, which are fewer, join the other's. */
  readonly merged: readonly { readonly from: number; readonly into: number }[];
}

interface StoredHolder extends HolderCounts {
  readonly id: number;
  readonly family: number;
  readonly subvolumes: string;
}

/**
 * The sets of subvolumes that rows of inode belong to. A snapshot has nearly
 * all inodes as its origin has them, so a row stands for an inode in every
 * subvolume of a set: to take in a new snapshot, or to forget one, changes the
 * sets, which are few, and not the rows.
 *
 * Every set has another content; no subvolume is in two rows of one inode.
 */
export class Holders {
  readonly #store: IndexStore;
  readonly #sets = new Map<number, Holder>();
  readonly #byContent = new Map<string, number>();
  /** null: not needed so far. */
  #bySubvolume: Map<number, Set<Holder>> | null = null;
  readonly #changed = new Set<number>();
  /** By the set and the subvolume that joins or leaves it; kept while no set changes its content. */
  readonly #with = new Map<number, Map<number, number>>();
  readonly #without = new Map<number, Map<number, number>>();
  readonly #alone = new Map<number, number>();
  #lowest = 0;
  #highest = 0;

  constructor(store: IndexStore) {
    this.#store = store;
    for (const row of store.all<StoredHolder>("SELECT * FROM holder")) {
      this.#insert(new Holder(row));
    }
  }

  /** The subvolumes of a set, ascending. */
  subvolumes(id: number): readonly number[] {
    return this.#get(id).subvolumes;
  }

  has(id: number, subvolume: number): boolean {
    return this.#get(id).has(subvolume);
  }

  /** Files and their bytes, counted in every subvolume. */
  totals(): { files: number; bytes: number } {
    let [files, bytes] = [0, 0];
    for (const set of this.#sets.values()) {
      const { count } = set;
      files += set.files * count;
      bytes += set.bytes * count;
    }
    return { files, bytes };
  }

  /** Rows of inode. */
  rows(): number {
    let rows = 0;
    for (const { inodes } of this.#sets.values()) rows += inodes;
    return rows;
  }

  /** How many sets there are. */
  get size(): number {
    return this.#sets.size;
  }

  familyOf(id: number): number {
    return this.#get(id).family;
  }

  counts(id: number): HolderCounts {
    return this.#get(id);
  }

  /** The set of one subvolume alone. @param first of the first walk of its family */
  alone(family: number, subvolume: number, first = false): number {
    let id = this.#alone.get(subvolume);
    if (id === undefined) this.#alone.set(subvolume, (id = this.#of(family, [subvolume], first)));
    return id;
  }

  /** The set with a subvolume more. */
  with(id: number, subvolume: number): number {
    return this.#neighbour(this.#with, id, subvolume, ({ family, subvolumes }) =>
      this.#of(
        family,
        [...subvolumes, subvolume].sort((a, b) => a - b),
      ),
    );
  }

  /** The set without one of its subvolumes; 0 where nobody is left. */
  without(id: number, subvolume: number): number {
    return this.#neighbour(this.#without, id, subvolume, ({ family, subvolumes }) =>
      subvolumes.length === 1
        ? 0
        : this.#of(
            family,
            subvolumes.filter((one) => one !== subvolume),
          ),
    );
  }

  /** Counts a row of a set, or one less. @param bytes its size where it is a file, else null */
  count(id: number, rows: 1 | -1, bytes: number | null): void {
    const set = this.#get(id);
    set.inodes += rows;
    if (bytes !== null) {
      set.files += rows;
      set.bytes += rows * bytes;
    }
    this.#changed.add(id);
  }

  /** A new subvolume has all inodes as another has them: it joins all of its sets. */
  inherit(from: number, subvolume: number): void {
    for (const set of [...this.#setsOf(from)]) {
      this.#reshape(
        set,
        [...set.subvolumes, subvolume].sort((a, b) => a - b),
      );
    }
  }

  /** A subvolume leaves all of its sets. The caller sees to the rows, and tells afterwards with `drop`. */
  leave(subvolume: number): Leavers {
    const emptied: number[] = [];
    const merged: { from: number; into: number }[] = [];
    for (const set of [...this.#setsOf(subvolume)]) {
      const left = set.subvolumes.filter((one) => one !== subvolume);
      const twin = this.#sets.get(this.#byContent.get(keyOf(set.family, JSON.stringify(left))) ?? 0);
      this.#reshape(set, left);
      if (left.length === 0) {
        this.#byContent.delete(keyOf(set.family, JSON.stringify(left)));
        emptied.push(set.id);
      } else if (twin !== undefined) {
        const [from, into] = set.inodes < twin.inodes ? [set, twin] : [twin, set];
        this.#byContent.set(keyOf(set.family, JSON.stringify(left)), into.id);
        merged.push({ from: from.id, into: into.id });
        this.#changed.add(into.id);
        into.inodes += from.inodes;
        into.files += from.files;
        into.bytes += from.bytes;
        Object.assign(from, { inodes: 0, files: 0, bytes: 0 });
        this.#forget(from);
      }
    }
    return { emptied, merged };
  }

  /** Stores what changed; sets without rows are dropped. */
  flush(): void {
    for (const set of [...this.#sets.values()]) if (set.inodes === 0) this.#drop(set);
    for (const id of this.#changed) {
      const set = this.#sets.get(id);
      if (set === undefined) {
        this.#store.run("DELETE FROM holder WHERE id = ?", id);
        continue;
      }
      const { family, text, inodes, files, bytes } = set;
      this.#store.run(
        "INSERT OR REPLACE INTO holder VALUES (?, ?, ?, ?, ?, ?)",
        id,
        family,
        text,
        inodes,
        files,
        bytes,
      );
    }
    this.#changed.clear();
  }

  #get(id: number): Holder {
    const set = this.#sets.get(id);
    if (set === undefined) throw new Error(`the index has no set ${id} of subvolumes`);
    return set;
  }

  #of(family: number, subvolumes: number[], first = false): number {
    const text = JSON.stringify(subvolumes);
    const known = this.#byContent.get(keyOf(family, text));
    if (known !== undefined) return known;
    // numbers are not given twice: what a flush deletes must not be a new one
    const id = first ? --this.#lowest : ++this.#highest;
    this.#insert(new Holder({ id, family, subvolumes: text, inodes: 0, files: 0, bytes: 0 }));
    this.#changed.add(id);
    return id;
  }

  #insert(set: Holder): void {
    this.#lowest = Math.min(this.#lowest, set.id);
    this.#highest = Math.max(this.#highest, set.id);
    this.#sets.set(set.id, set);
    this.#byContent.set(keyOf(set.family, set.text), set.id);
    if (this.#bySubvolume !== null) for (const one of set.subvolumes) this.#setsOf(one).add(set);
  }

  #setsOf(subvolume: number): Set<Holder> {
    if (this.#bySubvolume === null) {
      this.#bySubvolume = new Map<number, Set<Holder>>();
      for (const set of this.#sets.values()) for (const one of set.subvolumes) this.#setsOf(one).add(set);
    }
    let sets = this.#bySubvolume.get(subvolume);
    if (sets === undefined) this.#bySubvolume.set(subvolume, (sets = new Set()));
    return sets;
  }

  #reshape(set: Holder, subvolumes: number[]): void {
    if (this.#byContent.get(keyOf(set.family, set.text)) === set.id) {
      this.#byContent.delete(keyOf(set.family, set.text));
    }
    for (const subvolume of set.subvolumes) this.#setsOf(subvolume).delete(set);
    set.replace(subvolumes);
    this.#byContent.set(keyOf(set.family, set.text), set.id);
    for (const subvolume of subvolumes) this.#setsOf(subvolume).add(set);
    this.#changed.add(set.id);
    this.#forgetNeighbours();
  }

  #neighbour(
    known: Map<number, Map<number, number>>,
    id: number,
    subvolume: number,
    find: (set: Holder) => number,
  ): number {
    let some = known.get(subvolume);
    if (some === undefined) known.set(subvolume, (some = new Map<number, number>()));
    let found = some.get(id);
    if (found === undefined) some.set(id, (found = find(this.#get(id))));
    return found;
  }

  #forgetNeighbours(): void {
    this.#with.clear();
    this.#without.clear();
    this.#alone.clear();
  }

  #drop(set: Holder): void {
    if (this.#byContent.get(keyOf(set.family, set.text)) === set.id) {
      this.#byContent.delete(keyOf(set.family, set.text));
    }
    this.#forget(set);
  }

  #forget(set: Holder): void {
    if (this.#bySubvolume !== null) for (const one of set.subvolumes) this.#setsOf(one).delete(set);
    this.#sets.delete(set.id);
    this.#changed.add(set.id);
    this.#forgetNeighbours();
  }
}

function keyOf(family: number, text: string): string {
  return `${family}:${text}`;
}
