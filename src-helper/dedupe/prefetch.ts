import type { Range } from "../btrfs/extents.ts";
import { callAsync, type Control } from "../native/library.ts";
import type { FileIdentity } from "../journal/store.ts";

const PAGE = 4096;

/** Ranges of one file that are about to be compared. */
export interface PrefetchFile<F extends FileIdentity = FileIdentity> {
  readonly file: F;
  readonly ranges: readonly Range[];
}

/** Overlapping and touching ranges made one, in ascending order. */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || last.end < range.start) merged.push(range);
    else if (last.end < range.end) merged[merged.length - 1] = { start: last.start, end: range.end };
  }
  return merged;
}

/**
 * Files being read into the page cache before the kernel compares them: cold,
 * that is an order of magnitude faster than the compare's own reads. What was
 * not cached before is dropped again by end(), which must be called.
 */
export class Prefetch<F extends FileIdentity = FileIdentity> {
  readonly files: readonly PrefetchFile<F>[];
  readonly #files: Float64Array;
  readonly #ranges: Float64Array;
  readonly #fds: Int32Array;
  readonly #immutable: Int32Array;
  readonly #resident: Uint8Array;

  private constructor(files: readonly PrefetchFile<F>[]) {
    const ranges = files.flatMap((file) => file.ranges);
    this.files = files;
    this.#files = Float64Array.from(
      files.flatMap(({ file, ranges: own }) => [file.subvolume, file.inode, file.generation, own.length]),
    );
    this.#ranges = Float64Array.from(ranges.flatMap(({ start, end }) => [start, end - start]));
    this.#fds = new Int32Array(files.length).fill(-1);
    this.#immutable = new Int32Array(files.length);
    // a range that begins inside a page touches one page more
    const pages = ranges.reduce(
      (sum, { start, end }) => sum + Math.ceil(((start % PAGE) + end - start) / PAGE),
      0,
    );
    this.#resident = new Uint8Array(pages).fill(1);
  }

  /**
   * Opens the files by their identity, with fds of its own, and begins to read;
   * resolves when the reads are on their way. What cannot be opened or read is
   * passed over: the fold itself will say so.
   */
  static async open<F extends FileIdentity>(
    dir: number,
    files: readonly PrefetchFile<F>[],
    control: Control,
  ): Promise<Prefetch<F>> {
    const prefetch = new Prefetch(files);
    await callAsync(
      "rf_prefetch",
      dir,
      prefetch.#files,
      files.length,
      prefetch.#ranges,
      prefetch.#fds,
      prefetch.#immutable,
      prefetch.#resident,
      control.buffer,
    );
    return prefetch;
  }

  /** Of the k-th file: 1 immutable, 0 not, -errno where it could not be opened or asked. */
  immutable(k: number): number {
    return this.#immutable[k] ?? 0;
  }

  /** Drops what was not cached before and closes the files. To be called once, and always. */
  async end(): Promise<void> {
    await callAsync(
      "rf_drop_prefetched",
      this.#fds,
      this.files.length,
      this.#files,
      this.#ranges,
      this.#resident,
    );
  }
}
