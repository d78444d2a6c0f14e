/** The folder of paths that begin with "/": those that can be reached. */
export const ABSOLUTE = 0;
/** The folder of paths from the top level of the filesystem, which no mount reaches: "". */
export const UNREACHABLE = 1;

/**
 * Folders by the paths that are shown. A folder is a number; its path is made
 * when it is asked for, since deep trees would hold each part many times over.
 */
export class FolderTree {
  readonly #names: string[] = ["/", ""];
  readonly #parents: number[] = [-1, -1];
  /** While folders are added: "parent/name" -> folder. */
  #known: Map<string, number> | null = new Map<string, number>();
  /** Filled by finish: children of f are #children[#first[f]] .. #children[#first[f + 1] - 1], by name. */
  #first = new Int32Array();
  #children = new Int32Array();
  #enter = new Int32Array();
  #leave = new Int32Array();

  get count(): number {
    return this.#names.length;
  }

  name(folder: number): string {
    return this.#names[folder] ?? "";
  }

  /** -1 for the two outermost. */
  parent(folder: number): number {
    return this.#parents[folder] ?? -1;
  }

  /** The folder of that name in another, made where it is not there yet. Parents have lower numbers. */
  child(parent: number, name: string): number {
    if (this.#known === null) throw new Error("the tree is finished");
    const key = `${parent}/${name}`;
    let folder = this.#known.get(key);
    if (folder === undefined) {
      folder = this.#names.length;
      this.#names.push(name);
      this.#parents.push(parent);
      this.#known.set(key, folder);
    }
    return folder;
  }

  /** The folder of a path, made where it is not there yet. */
  add(path: string): number {
    let folder = path.startsWith("/") ? ABSOLUTE : UNREACHABLE;
    for (const name of path.split("/")) if (name !== "") folder = this.child(folder, name);
    return folder;
  }

  path(folder: number): string {
    const names: string[] = [];
    let at = folder;
    for (; at > UNREACHABLE; at = this.parent(at)) names.push(this.name(at));
    const rest = names.reverse().join("/");
    return at === ABSOLUTE ? `/${rest}` : rest;
  }

  /** The path of what is called so in a folder. */
  pathIn(folder: number, name: string): string {
    const path = this.path(folder);
    return path === "" || path === "/" ? path + name : `${path}/${name}`;
  }

  isReachable(folder: number): boolean {
    let at = folder;
    while (at > UNREACHABLE) at = this.parent(at);
    return at === ABSOLUTE;
  }

  /** No folder comes after this; what is below is asked then. */
  finish(): void {
    this.#known = null;
    const n = this.count;
    const first = new Int32Array(n + 1);
    for (const parent of this.#parents) if (parent >= 0) first[parent + 1] = (first[parent + 1] ?? 0) + 1;
    for (let k = 0; k < n; k++) first[k + 1] = (first[k + 1] ?? 0) + (first[k] ?? 0);
    const children = new Int32Array(first[n] ?? 0);
    const next = first.slice();
    for (let folder = 2; folder < n; folder++) {
      const parent = this.parent(folder);
      const at = next[parent] ?? 0;
      children[at] = folder;
      next[parent] = at + 1;
    }
    this.#first = first;
    this.#children = children;
    for (let folder = 0; folder < n; folder++) {
      this.children(folder).sort((a, b) => (this.name(a) < this.name(b) ? -1 : 1));
    }
    this.#number();
  }

  /** The folders in a folder, by name. */
  children(folder: number): Int32Array {
    return this.#children.subarray(this.#first[folder], this.#first[folder + 1]);
  }

  /** Whether a folder is another one, or below it. */
  isBelow(folder: number, other: number): boolean {
    const at = this.#enter[folder] ?? -1;
    return at >= (this.#enter[other] ?? 0) && at < (this.#leave[other] ?? 0);
  }

  /** The folder of a path, -1 where there is none. */
  find(path: string): number {
    let folder = path.startsWith("/") ? ABSOLUTE : UNREACHABLE;
    for (const name of path.split("/")) {
      if (name === "") continue;
      folder = this.#childOf(folder, name);
      if (folder < 0) return -1;
    }
    return folder;
  }

  #childOf(folder: number, name: string): number {
    const children = this.children(folder);
    let from = 0;
    let to = children.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.name(children[middle] ?? 0) < name) from = middle + 1;
      else to = middle;
    }
    const found = children[from] ?? -1;
    return found >= 0 && this.name(found) === name ? found : -1;
  }

  /** Numbers folders so that those below one are a range. */
  #number(): void {
    const n = this.count;
    // a parent comes before its children: backwards, every subtree is complete
    const below = new Int32Array(n).fill(1);
    for (let folder = n - 1; folder > UNREACHABLE; folder--) {
      const parent = this.parent(folder);
      below[parent] = (below[parent] ?? 0) + (below[folder] ?? 0);
    }
    this.#enter = new Int32Array(n);
    this.#leave = new Int32Array(n);
    const next = new Int32Array(n);
    let start = 0;
    for (let folder = 0; folder < n; folder++) {
      const parent = this.parent(folder);
      const enter = parent < 0 ? start : (next[parent] ?? 0);
      const leave = enter + (below[folder] ?? 0);
      if (parent < 0) start = leave;
      else next[parent] = leave;
      this.#enter[folder] = enter;
      this.#leave[folder] = leave;
      next[folder] = enter + 1;
    }
  }
}
