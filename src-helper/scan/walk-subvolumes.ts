import { FIRST_FREE_OBJECTID } from "../btrfs/constants.ts";
import { movingDataSince } from "../btrfs/relocation.ts";
import { Lineage, type Ancestry } from "../btrfs/lineage.ts";
import type { Subvolume } from "../btrfs/root-tree.ts";
import { NativeError } from "../native/library.ts";
import type { IndexStore, SubvolumeRow } from "../store/index-store.ts";
import type { InodeWriter, WalkedTree } from "./inode-writer.ts";
import type { ScanContext } from "./scan-context.ts";
import { SubvolumeWalk } from "./subvolume-walk.ts";
import { TreeReader, type WalkCount } from "./tree-reader.ts";
import { BufferPool } from "./walk-buffers.ts";

/** Trees walked at a time: while one waits for the disk, another is worked on. */
const CONCURRENCY = 2;

/** How a walk went, for --verbose and for tests of how much work a rescan does. */
export interface WalkReport {
  /** Read whole. */
  subvolumesWalked: number;
  /** New, and related to one that was known: read where the two differ. */
  subvolumesInherited: number;
  /** Read where they are newer than the last scan. */
  subvolumesUpdated: number;
  subvolumesUnchanged: number;
  subvolumesRemoved: number;
  inodesRead: number;
}

/**
 * Brings the index in step with all subvolume trees. A subvolume whose
 * generation has not moved is not looked at; one that was scanned before is
 * searched for leaves newer than that; a new one begins with the rows of its
 * nearest relative, and is searched for leaves newer than what they have in
 * common.
 *
 * @param generation of the filesystem, now
 */
export async function walkSubvolumes(
  context: ScanContext,
  store: IndexStore,
  writer: InodeWriter,
  subvolumes: readonly Subvolume[],
  generation: () => number,
): Promise<WalkReport> {
  return new Walk(context, store, writer, subvolumes, generation).run();
}

/** What the rows of a subvolume can be taken from. */
interface Relative {
  readonly row: SubvolumeRow;
  /** Up to here both had one history. */
  readonly common: number;
  /** Up to here the relative's rows are of that history; what is newer has to be read. */
  readonly settled: number;
}

class Walk {
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #writer: InodeWriter;
  readonly #subvolumes: readonly Subvolume[];
  readonly #generation: () => number;
  readonly #lineage: Lineage;
  readonly #byId: ReadonlyMap<number, Subvolume>;
  /** What is in the index by now. */
  readonly #known: Map<number, SubvolumeRow>;
  readonly #count: WalkCount;
  readonly #reader: TreeReader;
  #lastFamily = 0;
  /** Of no tree more than up to this generation is sure to have been read. */
  #settled = Infinity;
  readonly #report = {
    subvolumesWalked: 0,
    subvolumesInherited: 0,
    subvolumesUpdated: 0,
    subvolumesUnchanged: 0,
    subvolumesRemoved: 0,
  };

  constructor(
    context: ScanContext,
    store: IndexStore,
    writer: InodeWriter,
    subvolumes: readonly Subvolume[],
    generation: () => number,
  ) {
    this.#context = context;
    this.#store = store;
    this.#writer = writer;
    this.#subvolumes = subvolumes;
    this.#generation = generation;
    this.#lineage = new Lineage(subvolumes, store.lineage());
    this.#byId = new Map(subvolumes.map((subvolume) => [subvolume.id, subvolume]));
    this.#known = new Map(store.subvolumes().map((row) => [row.id, row]));
    const total =
      this.#known.size > 0 ? null : ((store.meta("walk") as { inodes: number } | undefined)?.inodes ?? null);
    this.#count = { inodesRead: 0, total, buffers: new BufferPool() };
    this.#reader = new TreeReader(context, this.#count);
  }

  async run(): Promise<WalkReport> {
    const moving = movingDataSince(this.#context.dir);
    if (moving !== null) this.#settled = moving - 1;
    this.#removeGone();
    this.#storeLineage();
    const families = this.#families();
    // without the indexes rows are inserted faster; what is looked up by them comes afterwards
    const first = families.filter((family) => !family.some(({ id }) => this.#known.has(id)));
    await this.#inTurn(
      first.map((family) => family.splice(0, 1)),
      (subvolume) => this.#visit(subvolume, true),
    );
    if (families.some((family) => family.length > 0)) this.#store.createIndexes();
    await this.#inTurn(families, (subvolume) => this.#visit(subvolume, false));
    return { ...this.#report, inodesRead: this.#count.inodesRead };
  }

  #removeGone(): void {
    for (const row of [...this.#known.values()]) {
      // an id is never given twice, but a restored image may bring back another subvolume under it, or an older state
      const now = this.#byId.get(row.id);
      if (now?.uuid === row.uuid && now.generation >= row.generation) continue;
      this.#writer.removeSubvolume(row.id);
      this.#store.run("DELETE FROM subvolume WHERE id = ?", row.id);
      this.#known.delete(row.id);
      this.#report.subvolumesRemoved++;
    }
  }

  #storeLineage(): void {
    const textOf = (ancestry: readonly Ancestry[]): string =>
      ancestry
        .map(({ uuid, parent, taken }) => `${uuid} ${parent} ${taken}`)
        .sort()
        .join();
    const needed = this.#lineage.needed();
    if (textOf(needed) === textOf(this.#store.lineage())) return;
    this.#store.run("DELETE FROM lineage");
    for (const { uuid, parent, taken } of needed) {
      this.#store.run("INSERT INTO lineage VALUES (?, ?, ?)", uuid, parent, taken);
    }
  }

  /** Those that are related, oldest state first: each differs least from the one before. */
  #families(): Subvolume[][] {
    const families = new Map<string, Subvolume[]>();
    for (const subvolume of this.#subvolumes) {
      const origin = this.#lineage.familyOf(subvolume);
      const family = families.get(origin);
      if (family === undefined) families.set(origin, [subvolume]);
      else family.push(subvolume);
    }
    for (const family of families.values()) {
      family.sort((a, b) => a.generation - b.generation || a.taken - b.taken || a.id - b.id);
    }
    return [...families.values()];
  }

  async #inTurn(
    families: readonly (readonly Subvolume[])[],
    visit: (subvolume: Subvolume) => Promise<void>,
  ): Promise<void> {
    const queue = [...families];
    const worker = async (): Promise<void> => {
      for (let family = queue.shift(); family !== undefined; family = queue.shift()) {
        for (const subvolume of family) await visit(subvolume);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, worker));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** @param first of a family that the index has nothing of */
  async #visit(subvolume: Subvolume, first: boolean): Promise<void> {
    const known = this.#known.get(subvolume.id);
    if (known?.generation === subvolume.generation) {
      this.#report.subvolumesUnchanged++;
      this.#writer.current.add(subvolume.id);
      return;
    }
    const { id, uuid } = subvolume;
    this.#context.run.working?.(() => this.#context.pathOf(id, FIRST_FREE_OBJECTID));
    const relative = known === undefined && !first ? this.#nearest(subvolume) : null;
    const family = known?.family ?? relative?.row.family ?? this.#newFamily();
    let generation = Math.min(subvolume.generation, this.#settled);
    try {
      if (known !== undefined) await this.#update(known);
      else if (relative !== null) await this.#inherit({ id, family, first: false }, relative);
      else await this.#full({ id, family, first: true });
    } catch (error) {
      if (!isGone(error)) throw error;
      // deleted since the root tree was read: the next scan takes out what was found
      generation = 0;
    }
    // what is written from now on has a later transid than `generation`, so nothing is missed
    const row: SubvolumeRow = { id, uuid, generation, seen: this.#generation(), family };
    this.#known.set(id, row);
    this.#writer.current.add(id);
    this.#store.run(
      "INSERT OR REPLACE INTO subvolume VALUES (?, ?, ?, ?, ?)",
      id,
      uuid,
      generation,
      row.seen,
      family,
    );
  }

  #full(tree: WalkedTree): Promise<void> {
    this.#report.subvolumesWalked++;
    return this.#walk(tree).full();
  }

  async #update({ id, family, generation }: SubvolumeRow): Promise<void> {
    this.#report.subvolumesUpdated++;
    this.#count.total = null;
    await this.#walk({ id, family, first: false }).changes(generation);
  }

  async #inherit(tree: WalkedTree, { row, common, settled }: Relative): Promise<void> {
    this.#report.subvolumesInherited++;
    const walk = this.#walk(tree);
    this.#writer.inherit(tree, row.id);
    const added = await walk.changes(settled);
    if (row.seen <= common) return;
    try {
      await walk.undo(row.id, common, added);
    } catch (error) {
      if (!isGone(error)) throw error;
      // the relative is gone, and what it had changed can not be found out any more
      this.#writer.removeSubvolume(tree.id);
      this.#report.subvolumesInherited--;
      await this.#full(tree);
    }
  }

  /** The one that there is least to read for; null where nothing is known of any. */
  #nearest(subvolume: Subvolume): Relative | null {
    let best: Relative | null = null;
    const distance = ({ row, settled }: Relative): number => row.generation - 2 * settled;
    for (const row of this.#known.values()) {
      const other = this.#byId.get(row.id);
      const common = other === undefined ? null : this.#lineage.common(subvolume, other);
      if (common === null) continue;
      const settled = Math.min(common, row.generation);
      if (settled <= 0) continue;
      const relative = { row, common, settled };
      if (best === null || distance(relative) < distance(best)) best = relative;
    }
    return best;
  }

  #newFamily(): number {
    for (const { family } of this.#known.values()) this.#lastFamily = Math.max(this.#lastFamily, family);
    return ++this.#lastFamily;
  }

  #walk(tree: WalkedTree): SubvolumeWalk {
    return new SubvolumeWalk(this.#context, this.#store, this.#writer, this.#reader, tree);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof NativeError && error.code === "ENOENT";
}
