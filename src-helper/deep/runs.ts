import { KIND, type Extent } from "../btrfs/extents.ts";
import { NativeError, tryCallAsync } from "../native/library.ts";
import { runNative, throwIfCancelled, type ScanContext } from "../scan/scan-context.ts";
import type { IndexStore } from "../store/index-store.ts";
import { Column } from "./columns.ts";
import { indexedFiles, type IndexedFile, type Placed } from "./index-files.ts";
import { NumberSet, NumberTable } from "./number-table.ts";
import type { Places } from "./places.ts";
import type { DeepOptions } from "../engine/contract.ts";
import type { Turns } from "./turns.ts";

/**
 * Blocks [start, start + length) are equal to those at canon, in sectors of the disk: a row each, ascending by start,
 * without overlap.
 */
export interface Runs {
  readonly start: Float64Array;
  readonly length: Float64Array;
  readonly canon: Float64Array;
}

export interface FoundRuns {
  /** A canonical sector has no run of its own. */
  readonly runs: Runs;
  /** Compressed extents by their first sector, and the one that each is equal to. */
  readonly twins: NumberTable;
  /** One block of so many was looked up. */
  readonly sample: number;
}

const FIELDS = 4;
/** Bytes; the most is addresses that are set aside, no memory: five hundred million pieces. */
const PIECES_STEP = 1 << 17;
const PIECES_MOST = 2 ** 34;
const FIRST_ROOM = 1 << 16;
const EMSGSIZE = 90;

/** Pieces of files as rf_deep_runs takes them: 32 bytes each. They grow where they are, so that none is there twice. */
class Pieces {
  readonly #buffer = new ArrayBuffer(PIECES_STEP, { maxByteLength: PIECES_MOST });
  readonly values = new Float64Array(this.#buffer);
  count = 0;

  add(start: number, length: number, next: number, tag: number): void {
    const { values } = this;
    const at = this.count++ * FIELDS;
    if (at + FIELDS > values.length) {
      const size = this.#buffer.byteLength;
      this.#buffer.resize(Math.min(PIECES_MOST, Math.ceil((size * 1.125) / PIECES_STEP) * PIECES_STEP));
    }
    values[at] = start;
    values[at + 1] = length;
    values[at + 2] = next;
    values[at + 3] = tag;
  }

  /** They are not needed any more: to wait until garbage is collected would be to have them beside what comes next. */
  free(): void {
    this.#buffer.resize(0);
  }
}

function addFile(pieces: Pieces, places: Places, file: IndexedFile): void {
  const { sectorSize } = places;
  const all = file.extents();
  const placeOf = (extent: Extent): number | null => {
    const base = places.baseOf(file.row, extent);
    return base === null ? null : base + extent.offset / sectorSize;
  };
  for (let k = 0; k < all.length; k++) {
    const first = all[k];
    if (first === undefined) continue;
    const start = placeOf(first);
    if (start === null) {
      if (first.kind < KIND.zlib) continue;
      const tag = first.kind + 8 * (first.ramBytes / sectorSize);
      pieces.add(first.bytenr / sectorSize, first.diskBytes / sectorSize, -1, tag);
      continue;
    }
    let end = first.fileOffset + first.length;
    let length = first.length / sectorSize;
    // the kernel cuts extent items where it shares a part of them: they are one piece on disk
    let next = all[k + 1];
    let place = next?.fileOffset === end ? placeOf(next) : null;
    while (next !== undefined && place === start + length) {
      length += next.length / sectorSize;
      end += next.length;
      next = all[++k + 1];
      place = next?.fileOffset === end ? placeOf(next) : null;
    }
    pieces.add(start, length, place ?? -1, 0);
  }
}

/**
 * Ranges of data that occur more than once on a volume, by their checksums.
 * Candidates only; the kernel compares before it shares.
 *
 * @throws RefoldError "cancelled", NativeError
 */
export async function findRuns(
  context: ScanContext & { readonly csumType: number },
  store: IndexStore,
  placed: Placed,
  places: Places,
  settings: DeepOptions,
  turns: Turns,
): Promise<FoundRuns> {
  const { sectorSize } = context;
  const pieces = await piecesOf(context, store, placed, places);
  const stats = new Float64Array(3);
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
          places.read?.file ?? -1,
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
    if (count >= 0) {
      pieces.free();
      return { ...(await unpack(out, count, turns)), sample: stats[0] ?? 1 };
    }
    // they were joined in place
    pieces.count = stats[2] ?? 0;
  }
}

async function piecesOf(
  context: ScanContext,
  store: IndexStore,
  placed: Placed,
  places: Places,
): Promise<Pieces> {
  const pieces = new Pieces();
  const seen = new NumberSet();
  const check = (): void => {
    throwIfCancelled(context.run);
  };
  for await (const files of indexedFiles(store, context.sectorSize, placed, check)) {
    for (const file of files) {
      if (places.takes(file.row) && seen.add(file.layout)) addFile(pieces, places, file);
    }
  }
  return pieces;
}

async function unpack(out: Float64Array, count: number, turns: Turns): Promise<Omit<FoundRuns, "sample">> {
  const runs = {
    start: new Column(Float64Array),
    length: new Column(Float64Array),
    canon: new Column(Float64Array),
  };
  const twins = new NumberTable();
  for (let k = 0; k < count; k++) {
    if (k % 1024 === 0 && turns.over) await turns.next();
    const [start, length, canon] = [out[3 * k] ?? 0, out[3 * k + 1] ?? 0, out[3 * k + 2] ?? 0];
    if (length > 0) {
      runs.start.push(start);
      runs.length.push(length);
      runs.canon.push(canon);
    } else twins.set(start, canon);
  }
  const { start, length, canon } = runs;
  return { runs: { start: start.values, length: length.values, canon: canon.values }, twins };
}
