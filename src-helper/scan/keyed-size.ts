import { PRINT } from "../native/library.ts";
import type { IndexStore } from "../store/index-store.ts";
import type { PlaceKeys } from "./place-keys.ts";
import {
  deletePrint,
  loadFiles,
  loadPrint,
  placeOf,
  type FileRow,
  type Place,
  type SizeClass,
} from "./size-class.ts";
import type { TouchedSize } from "./touched.ts";

/**
 * What changed in a size that has keys, from step to step: places that are new,
 * their keys, what has the same key as anything that came, went or changed.
 */
export class KeyedSize {
  readonly size: number;
  /** Contents of which the groups have to be written anew. */
  readonly before: Buffer[];
  readonly #store: IndexStore;
  readonly #keys: PlaceKeys;
  readonly #touched: TouchedSize;
  readonly #new = new Map<number, Place>();
  /** Keys of what came, went or changed. */
  readonly #affected = new Set<number>();
  readonly #places: Place[] = [];
  readonly #files: FileRow[] = [];

  constructor(store: IndexStore, size: number, keys: PlaceKeys, touched: TouchedSize) {
    this.size = size;
    this.before = [...touched.lost];
    this.#store = store;
    this.#keys = keys;
    this.#touched = touched;
  }

  /** The places that have no key yet: their prints are to be computed. */
  findNew(): Place[] {
    for (const layout of this.#touched.layouts ?? []) {
      const [file] = loadFiles(this.#store, this.size, [layout]);
      const key = this.#keys.get(layout);
      if (key !== undefined) this.#affected.add(key);
      if (key !== undefined && (file === undefined || this.#touched.gone.has(layout)))
        this.#keys.delete(layout);
      if (file !== undefined && this.#keys.get(layout) === undefined) {
        this.#new.set(layout, placeOf(this.size, file, undefined));
      }
    }
    return [...this.#new.values()];
  }

  /** @returns false where a new place's checksums do not decide: the size has to be compared as a whole */
  addKeys(): boolean {
    for (const [layout, { status, key }] of this.#new) {
      if (status !== PRINT.plain || key === null) return false;
      this.#keys.set(layout, key);
      this.#affected.add(key);
    }
    return true;
  }

  /** The places that share one of the affected keys; of some the prints are to be computed. */
  findCompany(): Place[] {
    for (const layouts of this.#keys.layoutsOf(this.#affected).values()) {
      const prints = layouts.map((layout) => loadPrint(this.#store, this.size, layout));
      for (const print of prints) if (print?.content) this.before.push(print.content);
      const [alone] = layouts;
      if (layouts.length === 1 && alone !== undefined) {
        if (prints[0] !== undefined) deletePrint(this.#store, this.size, alone);
        continue;
      }
      const files = loadFiles(this.#store, this.size, layouts);
      const byLayout = new Map(files.map((file) => [file.layout, file]));
      layouts.forEach((layout, k) => {
        const file = byLayout.get(layout);
        if (file === undefined) return;
        this.#places.push(this.#new.get(layout) ?? placeOf(this.size, file, prints[k]));
      });
      this.#files.push(...files);
    }
    return this.#places;
  }

  isPlain(): boolean {
    return this.#places.every(({ status }) => status === PRINT.plain);
  }

  /** What is to be compared. */
  sizeClass(): SizeClass {
    return { size: this.size, files: this.#files, places: this.#places, suspect: false };
  }

  save(): void {
    this.#keys.save(this.#store, this.size);
  }
}
