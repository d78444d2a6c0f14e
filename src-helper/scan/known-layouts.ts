import type { Holders } from "../store/holders.ts";
import type { IndexStore } from "../store/index-store.ts";
import type { WalkedTree } from "./inode-writer.ts";

/** Rows read at a time: about as many inodes as a leaf of the tree has. */
const PAGE = 64;
const ROWS = `SELECT ino, holder, layout FROM inode WHERE family = ? AND ino >= ? ORDER BY ino LIMIT ${PAGE}`;

type Row = readonly [ino: number, holder: number, layout: number];

/**
 * Where the index says that the inodes of a subvolume lie, for who asks in
 * the order of their numbers. A leaf that is new holds neighbours of what
 * changed; to look up each with all that is known of it costs ten times this.
 */
export class KnownLayouts {
  readonly #store: IndexStore;
  readonly #tree: WalkedTree;
  readonly #holders: Holders;
  #rows: readonly Row[] = [];
  #at = 0;

  constructor(store: IndexStore, tree: WalkedTree) {
    this.#store = store;
    this.#tree = tree;
    this.#holders = store.holders;
  }

  /** Whether the subvolume has an inode at a layout. */
  has(ino: number, layout: number): boolean {
    if (!this.#holds(ino)) {
      const { family } = this.#tree;
      this.#rows = this.#store.statement(ROWS).raw(true).all(family, ino) as Row[];
      this.#at = 0;
    }
    while ((this.#rows[this.#at]?.[0] ?? Infinity) < ino) this.#at++;
    for (let k = this.#at; this.#rows[k]?.[0] === ino; k++) {
      const [, holder, known] = this.#rows[k] ?? [0, 0, 0];
      if (known === layout && this.#holders.has(holder, this.#tree.id)) return true;
    }
    return false;
  }

  /** Whether all rows of an inode are among those at hand: of the last one there may be more. */
  #holds(ino: number): boolean {
    const first = this.#rows[this.#at]?.[0] ?? Infinity;
    const last = this.#rows.at(-1)?.[0] ?? -Infinity;
    return first <= ino && ino < last;
  }
}
