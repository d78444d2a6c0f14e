import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { INODE } from "../btrfs/constants.ts";
import { KIND, type Extent } from "../btrfs/extents.ts";
import { callAsync, TRAIT } from "../native/library.ts";
import { runNative, throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore, InodeRow } from "../store/index-store.ts";
import { KIND_FILE } from "../store/index-store.ts";
import { indexedFiles, type Placed, type SubvolumeInode } from "./index-files.ts";
import { NumberTable } from "./number-table.ts";

/** DEEP_READ_BASE of native/src/deep.h: the first of the sectors that are on no disk. */
const BASE = 2 ** 45;
/** RF_DEEP_TASK_FIELDS. */
const FIELDS = 7;
const TASKS = 1024;
/** Opens a file without a name; not among node's constants. */
const O_TMPFILE = 0o20200000;

/**
 * Extents that are compared by what they hold, since the checksum tree does not
 * say it: compressed ones, and those of files without checksums. Each has a row
 * of made-up sectors, and a file without a name has the checksums of those. It
 * is kept for the next search: what has not changed since is not read again.
 */
export class ReadExtents {
  readonly #directory: string;
  /** First sector on disk -> index of #slots. */
  #known = new NumberTable();
  #first = new Float64Array(1024);
  #length = new Uint32Array(1024);
  /** In which update an extent was last seen in a file that did not change since the one before. */
  #seen = new Uint32Array(1024);
  /** A bit a slot: it was read, or is being. */
  #covered = new Uint8Array(1024);
  #slots = 0;
  #updates = 0;
  #generation = 0;
  #file = -1;

  /** @param directory where the checksums lie while they are needed: 8 bytes for each block read */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The file of checksums, for rf_deep_runs. */
  get file(): number {
    return this.#file;
  }

  /** The made-up sector that stands for the first of an extent's data; null where it is not read. */
  baseOf({ bytenr }: Extent, sectorSize: number): number | null {
    const index = this.#known.get(bytenr / sectorSize);
    return index === undefined ? null : BASE + (this.#first[index] ?? 0);
  }

  /**
   * Reads what is not known yet.
   * @param generation of the filesystem now
   * @throws RefoldError "cancelled"; NativeError, and what node throws, where the checksums cannot be written
   */
  async update(
    context: ScanContext & { readonly csumType: number },
    store: IndexStore,
    placed: Placed,
    generation: number,
  ): Promise<void> {
    const check = (): void => {
      throwIfCancelled(context.run);
    };
    try {
      if (this.#file < 0) this.#file = openUnnamed(this.#directory);
      this.#updates++;
      const before = this.#known.count;
      const { sectorSize } = context;
      for await (const files of indexedFiles(store, sectorSize, placed, check)) {
        for (const { row, extents } of files) {
          if (!isRead(row, placed)) continue;
          for (const extent of extents())
            if (isReadExtent(row, extent)) this.#meet(extent, row.transid < this.#generation, sectorSize);
        }
      }
      this.#renew(before);
      this.#coverAtLeast(this.#slots);
      await this.#readAll(context, store, placed, check);
      this.#generation = generation;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @param unchanged the file that refers to it is as it was at the update before */
  #meet({ bytenr, ramBytes }: Extent, unchanged: boolean, sectorSize: number): void {
    const [sector, length] = [bytenr / sectorSize, ramBytes / sectorSize];
    const index = this.#known.get(sector);
    if (index === undefined) {
      const next = this.#known.count;
      this.#known.set(sector, next);
      this.#place(next, length);
    } else if (this.#length[index] !== length) this.#place(index, length);
    else if (unchanged) this.#seen[index] = this.#updates;
  }

  #place(index: number, length: number): void {
    if (index >= this.#first.length) {
      const size = 2 * this.#first.length;
      this.#first = grown(this.#first, new Float64Array(size));
      this.#length = grown(this.#length, new Uint32Array(size));
      this.#seen = grown(this.#seen, new Uint32Array(size));
    }
    this.#first[index] = this.#slots;
    this.#length[index] = length;
    this.#seen[index] = this.#updates;
    this.#slots += length;
  }

  /** At an address that only files refer to that changed since, other data may lie by now. */
  #renew(count: number): void {
    for (let k = 0; k < count; k++) if (this.#seen[k] !== this.#updates) this.#place(k, this.#length[k] ?? 0);
  }

  #coverAtLeast(slots: number): void {
    if (this.#covered.length * 8 >= slots) return;
    this.#covered = grown(this.#covered, new Uint8Array(Math.ceil((slots * 1.25) / 8)));
  }

  async #readAll(
    context: ScanContext & { readonly csumType: number },
    store: IndexStore,
    placed: Placed,
    check: () => void,
  ): Promise<void> {
    const { sectorSize } = context;
    const tasks = new Float64Array(TASKS * FIELDS);
    let count = 0;
    let done = 0;
    let failed = 0;
    const flush = async (): Promise<void> => {
      if (count === 0) return;
      const n = count;
      count = 0;
      failed += await runNative(
        context,
        (bytes) => ({ phase: "read", done: done + bytes, total: null, unit: "bytes" }),
        async (control) => {
          const { dir, csumType } = context;
          const { buffer } = control;
          const missed = await callAsync(
            "rf_deep_read",
            dir,
            sectorSize,
            csumType,
            tasks,
            n,
            this.#file,
            buffer,
          );
          done += control.done;
          return missed;
        },
      );
    };
    for await (const files of indexedFiles(store, sectorSize, placed, check)) {
      for (const { row, extents } of files) {
        if (!isRead(row, placed)) continue;
        const unsummed = (row.flags & INODE.nodatasum) === 0 ? 0 : 1;
        for (const { at, slot, sectors } of this.#uncoveredOf(row, extents(), sectorSize)) {
          const last = (count - 1) * FIELDS;
          const goesOn =
            count > 0 &&
            tasks[last] === row.subvol &&
            tasks[last + 1] === row.ino &&
            (tasks[last + 3] ?? 0) + (tasks[last + 4] ?? 0) * sectorSize === at &&
            (tasks[last + 5] ?? 0) + (tasks[last + 4] ?? 0) === slot;
          if (goesOn) tasks[last + 4] = (tasks[last + 4] ?? 0) + sectors;
          else {
            if (count === TASKS) await flush();
            tasks.set([row.subvol, row.ino, row.gen, at, sectors, slot, unsummed], count++ * FIELDS);
          }
        }
      }
    }
    await flush();
    if (failed > 0)
      context.run.log(
        "note",
        `${failed} ranges could not be read to compare them; they are left as they are.`,
      );
  }

  /** The parts of a file's extents that no file before it had, which are then taken for read. */
  *#uncoveredOf(
    row: SubvolumeInode,
    extents: readonly Extent[],
    sectorSize: number,
  ): Generator<UncoveredRange> {
    const blocks = Math.floor(row.size / sectorSize);
    for (const extent of extents) {
      const index = isReadExtent(row, extent) ? this.#known.get(extent.bytenr / sectorSize) : undefined;
      if (index === undefined) continue;
      const first = (this.#first[index] ?? 0) + extent.offset / sectorSize;
      const length = Math.min(extent.length, blocks * sectorSize - extent.fileOffset) / sectorSize;
      for (let k = 0; k < length;) {
        const from = k;
        while (k < length && this.#cover(first + k)) k++;
        const at = extent.fileOffset + from * sectorSize;
        if (k > from) yield { at, slot: first + from, sectors: k - from };
        else k++;
      }
    }
  }

  #cover(slot: number): boolean {
    const byte = Math.floor(slot / 8);
    const bit = 1 << (slot % 8);
    const before = this.#covered[byte] ?? 0;
    this.#covered[byte] = before | bit;
    return (before & bit) === 0;
  }

  /** Forgets everything that was read. */
  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
    this.#known = new NumberTable();
    this.#covered = new Uint8Array(1024);
    this.#slots = 0;
    this.#generation = 0;
  }
}

interface UncoveredRange {
  /** Bytes from the start of the file. */
  readonly at: number;
  /** The slot of its first block. */
  readonly slot: number;
  readonly sectors: number;
}

/** Whether a file has data to be read. One that is folded onto another before has that one's. */
function isRead({ kind, subvol, ino, traits, flags }: SubvolumeInode, placed: Placed): boolean {
  const unreadable = (traits & TRAIT.compressed) === 0 && (flags & INODE.nodatasum) === 0;
  return kind === KIND_FILE && !unreadable && !placed.has(subvol, ino);
}

/** Whether the checksum tree does not say what an extent of a file holds. */
export function isReadExtent({ flags }: Pick<InodeRow, "flags">, { kind }: Extent): boolean {
  return kind >= KIND.zlib || (kind === KIND.plain && (flags & INODE.nodatasum) !== 0);
}

function openUnnamed(directory: string): number {
  try {
    return openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
  } catch {
    // not every filesystem can
    const path = join(directory, `.checksums-${process.pid}`);
    const fd = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    return fd;
  }
}

function grown<Values extends { set(values: Values): void }>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
