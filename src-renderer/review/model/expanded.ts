/**
 * Where each line of the table comes from: groups in their order, and below an expanded group its files. Lines are
 * counted from 0 over both; only expanded groups are known here, so 200,000 groups cost nothing.
 */

/** An expanded group. */
export interface Expanded<Content> {
  readonly id: string;
  /** Of the group among all groups shown. */
  index: number;
  /** Lines below it. */
  count: number;
  readonly content: Content;
}

/** A line: a group, or file number `file` of it. */
export interface Line {
  readonly group: number;
  readonly file: number | null;
}

export class ExpandedGroups<Content> {
  readonly #byId = new Map<string, Expanded<Content>>();
  /** By index of the group; built when it is asked for. */
  #sorted: readonly Expanded<Content>[] | null = null;
  #before: readonly number[] = []; // lines of expanded groups before each of #sorted

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Expanded<Content> | undefined {
    return this.#byId.get(id);
  }

  /** All of them, by index of the group. */
  all(): readonly Expanded<Content>[] {
    return this.#order();
  }

  add(expanded: Expanded<Content>): void {
    this.#byId.set(expanded.id, expanded);
    this.#sorted = null;
  }

  remove(id: string): void {
    if (this.#byId.delete(id)) this.#sorted = null;
  }

  clear(): void {
    this.#byId.clear();
    this.#sorted = null;
  }

  setCount(id: string, count: number): void {
    const expanded = this.#byId.get(id);
    if (expanded === undefined || expanded.count === count) return;
    expanded.count = count;
    this.#sorted = null;
  }

  /**
   * A page of groups came in: groups that moved are followed, those that are gone from their place are collapsed.
   *
   * @param offset - index of the first id
   */
  reconcile(offset: number, ids: readonly string[]): void {
    if (this.#byId.size === 0) return;
    const seen = new Set<string>();
    ids.forEach((id, at) => {
      const expanded = this.#byId.get(id);
      if (expanded === undefined) return;
      seen.add(id);
      if (expanded.index === offset + at) return;
      expanded.index = offset + at;
      this.#sorted = null;
    });
    for (const { id, index } of [...this.#byId.values()]) {
      if (index >= offset && index < offset + ids.length && !seen.has(id)) this.remove(id);
    }
  }

  /** Collapses what is behind the end of a list that has become shorter. */
  truncate(groups: number): void {
    for (const { id, index } of [...this.#byId.values()]) if (index >= groups) this.remove(id);
  }

  /** Lines of a table of so many groups. */
  lines(groups: number): number {
    let lines = groups;
    for (const { count } of this.#byId.values()) lines += count;
    return lines;
  }

  /** What is on a line. */
  locate(line: number): Line {
    const sorted = this.#order();
    // the last expanded group that begins at or before the line
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const expanded = sorted[middle];
      if (expanded !== undefined && expanded.index + (this.#before[middle] ?? 0) <= line) low = middle + 1;
      else high = middle;
    }
    const expanded = sorted[low - 1];
    if (expanded === undefined) return { group: line, file: null };
    const below = line - expanded.index - (this.#before[low - 1] ?? 0);
    if (below === 0) return { group: expanded.index, file: null };
    if (below <= expanded.count) return { group: expanded.index, file: below - 1 };
    return { group: expanded.index + below - expanded.count, file: null };
  }

  /** The line of a group, or of one of its files. */
  lineOf({ group, file }: Line): number {
    let line = group;
    for (const expanded of this.#order()) {
      if (expanded.index >= group) break;
      line += expanded.count;
    }
    return line + (file === null ? 0 : file + 1);
  }

  #order(): readonly Expanded<Content>[] {
    if (this.#sorted === null) {
      const sorted = [...this.#byId.values()].sort((a, b) => a.index - b.index);
      let lines = 0;
      this.#before = sorted.map(({ count }) => {
        const before = lines;
        lines += count;
        return before;
      });
      this.#sorted = sorted;
    }
    return this.#sorted;
  }
}
