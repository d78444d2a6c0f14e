import type { FoldPlan } from "../dedupe/types.ts";
import { NumberTable } from "./number-table.ts";

/** Where a file's data will lie. */
interface Place {
  readonly layout: number;
  /** Packed extents, see btrfs/extents.ts. */
  readonly extents: Uint8Array;
}

/**
 * Where files will lie once plans are carried out: each destination where its
 * source lies. There can be as many as a volume has files, so they are numbers
 * in rows.
 */
export class PlacedFiles {
  /** Inode -> index of its plan, by subvolume. */
  readonly #subvolumes = new Map<number, NumberTable>();
  readonly #layouts: number[] = [];
  /** Where the extents of a plan's source end. */
  readonly #ends: number[] = [];
  #extents = new Uint8Array(4096);

  add({ source, destinations }: FoldPlan): void {
    const plan = this.#layouts.push(source.layout) - 1;
    this.#append(source.extents);
    for (const { subvolume, inode } of destinations) {
      const inodes = this.#subvolumes.get(subvolume) ?? new NumberTable();
      this.#subvolumes.set(subvolume, inodes);
      inodes.set(inode, plan);
    }
  }

  #append(extents: Uint8Array): void {
    const start = this.#ends.at(-1) ?? 0;
    const end = start + extents.length;
    if (end > this.#extents.length) {
      const larger = new Uint8Array(Math.max(end, this.#extents.length * 2));
      larger.set(this.#extents.subarray(0, start));
      this.#extents = larger;
    }
    this.#extents.set(extents, start);
    this.#ends.push(end);
  }

  has(subvolume: number, inode: number): boolean {
    return this.#plan(subvolume, inode) !== undefined;
  }

  get(subvolume: number, inode: number): Place | undefined {
    const plan = this.#plan(subvolume, inode);
    if (plan === undefined) return undefined;
    const extents = this.#extents.subarray(this.#ends[plan - 1] ?? 0, this.#ends[plan]);
    return { layout: this.#layouts[plan] ?? 0, extents };
  }

  #plan(subvolume: number, inode: number): number | undefined {
    return this.#subvolumes.get(subvolume)?.get(inode);
  }
}
