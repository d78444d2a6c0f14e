import type { IndexStore } from "../store/index-store.ts";

/** Places of which more are not remembered one by one. */
const MOST = 50_000;
const SAME_LAYOUT = `
  SELECT COUNT(*) FROM (
    SELECT 1 FROM inode WHERE size = ? AND layout = ? AND kind = 1 AND (family, ino, holder) <> (?, ?, ?) LIMIT ?)`;

/**
 * Places that a scan wrote rows of. A place that the last file of before leaves
 * may have been given to other data since, and the file that has it now may be
 * in the index already: it is there first where its subvolume is read first.
 * What was known of the place is then known of what is gone.
 */
export class Arrivals {
  readonly #store: IndexStore;
  /** Rows by layout; of two sizes with one layout the sum, which errs on the side of forgetting. null: too many. */
  #rows: Map<number, number> | null = new Map<number, number>();
  readonly #isFirst: boolean;

  /** @param isFirst nothing is in the index yet */
  constructor(store: IndexStore, isFirst: boolean) {
    this.#store = store;
    this.#isFirst = isFirst;
  }

  /** A row of a file was written. */
  add(layout: number): void {
    if (this.#isFirst || this.#rows === null) return;
    this.#rows.set(layout, (this.#rows.get(layout) ?? 0) + 1);
    if (this.#rows.size > MOST) this.#rows = null;
  }

  /**
   * Whether a row that was there before this scan lies at a place: while one does, nothing else can.
   * @param except a row that does not count
   */
  anyOlder(
    size: number,
    layout: number,
    except: { readonly family: number; readonly ino: number; readonly holder: number },
  ): boolean {
    if (this.#rows === null) return false;
    const arrived = this.#rows.get(layout) ?? 0;
    const { family, ino, holder } = except;
    const there = this.#store.value(SAME_LAYOUT, size, layout, family, ino, holder, arrived + 1) as number;
    return there > arrived;
  }
}
