import { readInodeNow } from "../btrfs/inodes.ts";
import { NativeError, RECORD, TRAIT } from "../native/library.ts";
import type { IndexStore } from "../store/index-store.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";

/** An inode as far as rules ask. */
export interface AncestryRow {
  /** A directory that names it; 0 where none is known. */
  readonly parent: number;
  /** TRAIT of native/library.ts. */
  readonly traits: number;
  readonly generation: number;
}

/** Where inodes hang, and which have the attribute that keeps Refold away. */
export interface Ancestry {
  /** null where there is no such inode. */
  inode(subvolume: number, inode: number): AncestryRow | null;
  /** false: no inode has the attribute. */
  anyOptOut(): boolean;
  /** Whether the inode has the attribute in any of these subvolumes. */
  optedOutIn(subvolumes: readonly number[], inode: number, generation: number): boolean;
}

const ROWS = "SELECT parent, traits, gen AS generation, holder FROM inode WHERE family = ? AND ino = ?";
const ANY_OPT_OUT = "SELECT 1 FROM inode WHERE (traits & 32) <> 0 LIMIT 1";
const OPT_OUTS = "SELECT holder FROM inode WHERE ino = ? AND gen = ? AND (traits & 32) <> 0";

/** As the last scan saw it. */
export class IndexAncestry implements Ancestry {
  readonly #store: IndexStore;
  readonly #families: ReadonlyMap<number, number>;

  constructor(store: IndexStore) {
    this.#store = store;
    this.#families = new Map(store.subvolumes().map(({ id, family }) => [id, family]));
  }

  inode(subvolume: number, inode: number): AncestryRow | null {
    const { holders } = this.#store;
    const family = this.#families.get(subvolume) ?? 0;
    const rows = this.#store.all<AncestryRow & { holder: number }>(ROWS, family, inode);
    return rows.find(({ holder }) => holders.has(holder, subvolume)) ?? null;
  }

  anyOptOut(): boolean {
    return this.#store.get(ANY_OPT_OUT) !== undefined;
  }

  optedOutIn(subvolumes: readonly number[], inode: number, generation: number): boolean {
    const { holders } = this.#store;
    const found = this.#store.all<{ holder: number }>(OPT_OUTS, inode, generation);
    return found.some(({ holder }) => subvolumes.some((subvolume) => holders.has(holder, subvolume)));
  }
}

/** As the trees have it now: for files that need not have been scanned. */
export class TreeAncestry implements Ancestry {
  readonly #handle: VolumeHandle;

  constructor(handle: VolumeHandle) {
    this.#handle = handle;
  }

  inode(subvolume: number, inode: number): AncestryRow | null {
    try {
      const { record } = readInodeNow(this.#handle, subvolume, inode);
      if (record[RECORD.mode] === 0) return null;
      return {
        parent: record[RECORD.parent] ?? 0,
        traits: record[RECORD.traits] ?? 0,
        generation: record[RECORD.generation] ?? 0,
      };
    } catch (error) {
      if (error instanceof NativeError && error.code === "ENOENT") return null;
      throw error;
    }
  }

  anyOptOut(): boolean {
    return true; // it would take a walk to tell
  }

  optedOutIn(subvolumes: readonly number[], inode: number, generation: number): boolean {
    return subvolumes.some((subvolume) => {
      const row = this.inode(subvolume, inode);
      return row?.generation === generation && (row.traits & TRAIT.optOut) !== 0;
    });
  }
}
