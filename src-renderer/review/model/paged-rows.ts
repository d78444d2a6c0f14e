/**
 * Rows of a list that is far too long to hold: pages around what is in view.
 *
 * Pages are asked for as they come into view, a few at a time. What is not in view any more by the time its turn
 * comes is not asked for, and an answer to an older question is thrown away. Rows that may have changed stay on
 * the screen until the new ones are there, so that nothing flashes.
 */

/** One answer: rows from the asked offset, and how many there are in all. */
export interface Fetched<Row> {
  readonly total: number;
  readonly rows: readonly Row[];
  /** Called if the answer is taken, which an overtaken one is not. */
  accepted?(): void;
}

/** "outdated": the answer was overtaken, ask again. "failed": do not ask again before something changes. */
export type FetchResult<Row> = Fetched<Row> | "outdated" | "failed";

export interface PagedRowsOptions<Row> {
  fetch(offset: number, limit: number): Promise<FetchResult<Row>>;
  /** Something to show has changed. */
  changed(): void;
  /** A page came in. `first`: the first one after a reset, before which other rows may have been shown. */
  arrived?(offset: number, rows: readonly Row[], first: boolean): void;
  readonly pageSize: number;
  /** More are never held. At least as many as a screen can show, plus one on either side. */
  readonly maxPages: number;
}

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly fresh: boolean;
}

const AT_ONCE = 2; // questions under way: enough to keep the line busy, few enough to change one's mind
const MAX_OUTDATED = 5; // in a row, then it is left until the next change

export class PagedRows<Row> {
  /** null before the first answer. */
  total: number | null = null;

  readonly #options: PagedRowsOptions<Row>;
  readonly #pages = new Map<number, Page<Row>>();
  readonly #asked = new Set<number>();
  readonly #failed = new Set<number>();
  /** Changes with every reset and invalidation; answers to an older one do not count. */
  #epoch = 0;
  #resetting = false;
  #outdated = 0;
  #wanted: readonly number[] = [];
  #view: { readonly first: number; readonly last: number } | null = null;

  constructor(options: PagedRowsOptions<Row>) {
    this.#options = options;
  }

  /** The row at an index, undefined while it is not there. */
  at(index: number): Row | undefined {
    const { pageSize } = this.#options;
    return this.#pages.get(Math.floor(index / pageSize))?.rows[index % pageSize];
  }

  /** Rows held now. */
  get held(): number {
    let held = 0;
    for (const page of this.#pages.values()) held += page.rows.length;
    return held;
  }

  /** What is shown is what was asked for last. */
  get settled(): boolean {
    return !this.#resetting && this.total !== null;
  }

  /** @returns index of the first held row that fits, -1 where none does */
  findIndex(fits: (row: Row) => boolean): number {
    for (const [number, page] of this.#pages) {
      const at = page.rows.findIndex(fits);
      if (at >= 0) return number * this.#options.pageSize + at;
    }
    return -1;
  }

  /** Says what is in view: indices, both included. Asks for what is missing, forgets what is far away. */
  want(first: number, last: number): void {
    const { pageSize } = this.#options;
    const down = this.#view === null || first >= this.#view.first;
    this.#view = { first, last };
    const from = Math.floor(Math.max(0, first) / pageSize);
    const to = Math.floor(Math.max(0, last) / pageSize);
    const wanted: number[] = [];
    for (let page = from; page <= to && wanted.length < this.#options.maxPages; page++) wanted.push(page);
    // two pages in the direction of travel, then the one behind: a wheel passes a page in a third of a second
    for (const page of down ? [to + 1, to + 2, from - 1] : [from - 1, from - 2, to + 1]) {
      if (wanted.length < this.#options.maxPages && this.#exists(page)) wanted.push(page);
    }
    this.#wanted = wanted;
    this.#evict();
    this.#ask();
  }

  /** Rows may have changed: they are shown until they were asked for again. */
  invalidate(): void {
    this.#newEpoch();
    for (const [number, page] of this.#pages) this.#pages.set(number, { ...page, fresh: false });
    this.#ask();
  }

  /** Another list: what is shown stays until the first page of it is there. */
  reset(): void {
    this.#newEpoch();
    this.#resetting = true;
    for (const [number, page] of this.#pages) this.#pages.set(number, { ...page, fresh: false });
    this.want(0, this.#view === null ? 0 : this.#view.last - this.#view.first);
  }

  /** Out of view: holds nothing, asks nothing; total is kept. */
  release(): void {
    this.#newEpoch();
    this.#wanted = [];
    this.#view = null;
    this.#pages.clear();
  }

  /** Forgets everything, total too. */
  clear(): void {
    this.release();
    this.#resetting = false;
    this.total = null;
    this.#options.changed();
  }

  /** Changes held rows in place, ahead of the answer that will confirm it. */
  patch(change: (row: Row) => Row): void {
    for (const [number, page] of this.#pages) {
      this.#pages.set(number, { ...page, rows: page.rows.map(change) });
    }
    this.#options.changed();
  }

  #newEpoch(): void {
    this.#epoch++;
    this.#outdated = 0;
    this.#asked.clear();
    this.#failed.clear();
  }

  #exists(page: number): boolean {
    if (page < 0) return false;
    // the first one is always asked for: an empty list may have come to have rows
    return page === 0 || this.total === null || this.#resetting || page * this.#options.pageSize < this.total;
  }

  #evict(): void {
    const surplus = this.#pages.size - this.#options.maxPages;
    if (surplus <= 0 || this.#view === null) return;
    const centre = (this.#view.first + this.#view.last) / 2 / this.#options.pageSize;
    const distance = (page: number): number =>
      this.#wanted.includes(page) ? 0 : 1 + Math.abs(page + 0.5 - centre);
    const far = [...this.#pages.keys()].sort((a, b) => distance(b) - distance(a));
    for (const page of far.slice(0, surplus)) this.#pages.delete(page);
  }

  #ask(): void {
    for (const page of this.#wanted) {
      if (this.#asked.size >= AT_ONCE) return;
      if (this.#asked.has(page) || this.#failed.has(page) || !this.#exists(page)) continue;
      if (this.#pages.get(page)?.fresh === true) continue;
      void this.#load(page);
    }
  }

  async #load(page: number): Promise<void> {
    const { pageSize } = this.#options;
    const epoch = this.#epoch;
    this.#asked.add(page);
    const result = await this.#options.fetch(page * pageSize, pageSize);
    if (epoch !== this.#epoch) return;
    this.#asked.delete(page);
    if (result === "outdated" && this.#outdated < MAX_OUTDATED) this.#outdated++;
    else if (result === "outdated" || result === "failed") this.#failed.add(page);
    else this.#store(page, result);
    this.#ask();
  }

  #store(page: number, result: Fetched<Row>): void {
    const first = this.#resetting || this.total === null;
    if (this.#resetting) this.#pages.clear();
    this.#resetting = false;
    this.#outdated = 0;
    this.total = result.total;
    result.accepted?.();
    // scrolled past while it was on its way
    const inView = this.#wanted.includes(page);
    if (inView) {
      this.#pages.set(page, { rows: result.rows, fresh: true });
      this.#evict();
      this.#options.arrived?.(page * this.#options.pageSize, result.rows, first);
    }
    for (const number of this.#pages.keys()) if (!this.#exists(number)) this.#pages.delete(number);
    this.#options.changed();
  }
}
