import type { Sight, Volume } from "../../engine/contract.ts";
import { indexPath } from "../../engine/volume-state.ts";
import { rulesStamp } from "../../rules/file.ts";
import { stampOf } from "../../store/stamp.ts";
import type { Params, Result } from "../protocol.ts";

interface LastScan {
  /** The parameters that its totals hang on, and those of its search for parts of files. */
  readonly asked: string;
  readonly deep: string | null;
  readonly sight: Sight;
  readonly totals: Result<"scan">;
  /** Of the index as the scan left it; null while it is not closed. */
  index: string | null;
}

/**
 * What the scans of this helper saw and told, so that a live scan that would
 * find nothing new is answered without the index being opened: to open and
 * close it writes to the disk, and where that is the disk which is watched, the
 * next live scan would have something to look at for ever.
 */
export class LiveScans {
  readonly #databaseDir: string;
  readonly #rulesFile: string;
  readonly #last = new Map<string, LastScan>();

  constructor(databaseDir: string, rulesFile: string) {
    this.#databaseDir = databaseDir;
    this.#rulesFile = rulesFile;
  }

  /** The answer to a live scan that has nothing to do; null where there may be something. */
  unchanged(params: Params<"scan">, volume: Volume): Result<"scan"> | null {
    const last = this.#last.get(params.volume);
    if (last?.asked !== this.#askedOf(params)) return null;
    // one that did not search is answered by one that did
    if (params.deep !== undefined && last.deep !== deepOf(params)) return null;
    // another process scanned or folded: what it did is not in these totals
    if (last.index !== stampOf(indexPath(this.#databaseDir, params.volume))) return null;
    const start = performance.now();
    if (volume.hasNews(last.sight)) return null;
    const elapsedMs = Math.round(performance.now() - start);
    return { ...last.totals, incremental: true, bytesRead: 0, elapsedMs, unchanged: true };
  }

  /** A scan has ended; `settle` is to be called when its volume is closed. */
  scanned(params: Params<"scan">, volume: Volume, totals: Result<"scan">): void {
    this.#last.set(params.volume, {
      asked: this.#askedOf(params),
      deep: deepOf(params),
      sight: volume.sight(),
      totals,
      index: null,
    });
  }

  /** The index of a volume is closed, and as the last scan left it. */
  settle(volume: string): void {
    const last = this.#last.get(volume);
    if (last !== undefined) last.index = stampOf(indexPath(this.#databaseDir, volume));
  }

  /** The index is no more as the last scan left it: a fold, a repair. */
  forget(volume: string): void {
    this.#last.delete(volume);
  }

  #askedOf(params: Params<"scan">): string {
    // what is counted hangs on the rules too
    const asked = { ...params, task: "", flush: false, live: false, deep: null };
    return `${rulesStamp(this.#rulesFile)} ${JSON.stringify(asked)}`;
  }
}

function deepOf({ deep }: Params<"scan">): string | null {
  return deep === undefined ? null : JSON.stringify(deep);
}
