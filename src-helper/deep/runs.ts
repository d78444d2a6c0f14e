import { KIND, type Extent } from "../btrfs/extents.ts";
import { INODE } from "../btrfs/constants.ts";
import { NativeError, tryCallAsync } from "../native/library.ts";
import { runNative, throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore } from "../store/index-store.ts";
import { indexedFiles, type Placed } from "./index-files.ts";
import type { DeepOptions } from "../engine/contract.ts";

/** Blocks [start, start + length) are equal to those at canon, in sectors of the disk. */
export interface Run {
  readonly start: number;
  readonly length: number;
  readonly canon: number;
}

export interface FoundRuns {
  /** Ascending by start, without overlap. A canonical sector has no run of its own. */
  readonly runs: readonly Run[];
  /** Compressed extents by their first sector, and the one that each is equal to. */
  readonly twins: ReadonlyMap<number, number>;
  /** One block of so many was looked up. */
  readonly sample: number;
}

const FIELDS = 4;
const FIRST_ROOM = 1 << 16;
const EMSGSIZE = 90;

/** Pieces of files as rf_deep_runs takes them. */
class Pieces {
  #values = new Float64Array(4096 * FIELDS);
  count = 0;

  add(start: number, length: number, next: number, tag: number): void {
    if ((this.count + 1) * FIELDS > this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values.set([start, length, next, tag], this.count++ * FIELDS);
  }

  get values(): Float64Array {
    return this.#values;
  }
}

/** Where on disk a plain extent begins that goes on at an offset of the file; else null. */
function placeAt({ kind, fileOffset, bytenr, offset }: Extent, at: number): number | null {
  return kind === KIND.plain && fileOffset === at ? bytenr + offset : null;
}

function addFile(pieces: Pieces, extents: readonly Extent[], sectorSize: number): void {
  for (let k = 0; k < extents.length; k++) {
    const first = extents[k];
    if (first === undefined || first.kind === KIND.inline || first.kind === KIND.prealloc) continue;
    const start = (first.bytenr + first.offset) / sectorSize;
    if (first.kind >= KIND.zlib) {
      const tag = first.kind + 8 * (first.ramBytes / sectorSize);
      pieces.add(first.bytenr / sectorSize, first.diskBytes / sectorSize, -1, tag);
      continue;
    }
    let end = first.fileOffset + first.length;
    let length = first.length;
    // the kernel cuts extent items where it shares a part of them: they are one piece on disk
    let next = extents[k + 1];
    while (next !== undefined && placeAt(next, end) === start * sectorSize + length) {
      length += next.length;
      end += next.length;
      next = extents[++k + 1];
    }
    const goesOn = next === undefined ? null : placeAt(next, end);
    pieces.add(start, length / sectorSize, goesOn === null ? -1 : goesOn / sectorSize, 0);
  }
}

/**
 * Ranges of data that occur more than once on a volume, by their checksums: no
 * file data is read. Candidates only; the kernel compares before it shares.
 *
 * @throws RefoldError "cancelled", NativeError
 */
export async function findRuns(
  context: ScanContext & { readonly csumType: number },
  store: IndexStore,
  placed: Placed,
  settings: DeepOptions,
): Promise<FoundRuns> {
  const { sectorSize } = context;
  const pieces = new Pieces();
  const seen = new Set<number>();
  const check = (): void => {
    throwIfCancelled(context.run);
  };
  for await (const file of indexedFiles(store, sectorSize, placed, check)) {
    // what has no checksums can be compared with nothing
    if ((file.row.flags & INODE.nodatasum) !== 0 || seen.has(file.layout)) continue;
    seen.add(file.layout);
    addFile(pieces, file.extents(), sectorSize);
  }
  seen.clear();
  const stats = new Float64Array(2);
  for (let room = FIRST_ROOM; ; room *= 4) {
    const out = new Float64Array(room * 3);
    const count = await runNative(
      context,
      (done) => ({ phase: "checksums", done, total: null, unit: "bytes" }),
      async (control) => {
        const found = await tryCallAsync(
          "rf_deep_runs",
          context.dir,
          sectorSize,
          context.csumSize,
          pieces.values,
          pieces.count,
          context.csumType,
          settings.memory,
          Math.max(2, Math.ceil(settings.minRun / sectorSize)),
          out,
          room,
          stats,
          control.buffer,
        );
        if (found < 0 && found !== -EMSGSIZE) throw new NativeError("rf_deep_runs", -found);
        return found;
      },
    );
    if (count >= 0) return { ...unpack(out, count), sample: stats[0] ?? 1 };
  }
}

function unpack(out: Float64Array, count: number): Omit<FoundRuns, "sample"> {
  const runs: Run[] = [];
  const twins = new Map<number, number>();
  for (let k = 0; k < count; k++) {
    const [start = 0, length = 0, canon = 0] = out.subarray(3 * k, 3 * k + 3);
    if (length > 0) runs.push({ start, length, canon });
    else twins.set(start, canon);
  }
  return { runs, twins };
}
