import type { DeepOptions } from "../contract.ts";
import type { Filter, Sort, Sum } from "../../rpc/protocol.ts";
import type { Choices } from "./choices.ts";
import type { GroupColumns } from "./columns.ts";
import { isOfFiles } from "./filter.ts";
import type { ReviewSource } from "./source.ts";
import { sortGroups } from "./view.ts";

/** What was asked of a review when it was opened. */
export interface ReviewOptions {
  /** Bytes. */
  readonly minSize: number;
  /** Fold copies in read-only snapshots too. */
  readonly snapshots: boolean;
  /** Parts of files too; null, or absent: whole files only. */
  readonly deep?: DeepOptions | null;
  /** What was ticked in the review before; null, or absent: everything. */
  readonly choices?: Choices | null;
}

/**
 * What can be told of a review from its groups alone, before its files are
 * loaded: what the scan counted, while all is ticked and nothing left out.
 */
export class Early {
  readonly #groups: GroupColumns;
  readonly counts: { readonly groups: number; readonly files: number };
  readonly sum: Sum;

  private constructor(groups: GroupColumns, crossingBytes: number, pinnedBytes: number) {
    this.#groups = groups;
    let [shown, all, files, foldBytes, bytes] = [0, 0, 0, 0, 0];
    for (let group = 0; group < groups.count; group++) {
      const toFold = groups.toFold[group] ?? 0;
      if (toFold === 0) continue;
      shown++;
      all += groups.files[group] ?? 0;
      files += toFold;
      foldBytes += toFold * (groups.size[group] ?? 0);
      bytes += groups.bytes[group] ?? 0;
    }
    this.counts = { groups: shown, files: all };
    const predictedBytes = bytes + crossingBytes;
    this.sum = { revision: 0, groups: shown, files, foldBytes, predictedBytes, pinnedBytes };
  }

  /** null where the scan has not counted just this: then everything has to be loaded first. */
  static of(groups: GroupColumns, source: ReviewSource, options: ReviewOptions): Early | null {
    const { scan, counted, allows } = source;
    if (options.snapshots || !counted || allows !== null || options.choices?.all === false) return null;
    if (!groups.crossing.includes(1)) return new Early(groups, 0, 0);
    if (scan.minSize !== options.minSize || scan.pinnedBytes === undefined) return null;
    return new Early(groups, scan.crossingBytes, scan.pinnedBytes);
  }

  /** The groups that a filter shows, sorted; null where that hangs on files. */
  list(filter: Filter, sort: Sort): { list: Int32Array; bytes: number } | null {
    if (filter.kind === "range" || isOfFiles(filter) || sort.by === "name" || sort.by === "modified")
      return null;
    const groups = this.#groups;
    const { minSize, maxSize } = filter;
    const shown: number[] = [];
    let bytes = 0;
    for (let group = 0; group < groups.count; group++) {
      const size = groups.size[group] ?? 0;
      if (size < (minSize ?? 0) || size > (maxSize ?? Infinity) || groups.toFold[group] === 0) continue;
      shown.push(group);
      bytes += groups.bytes[group] ?? 0;
    }
    const keys = { frees: groups.bytes, size: groups.size, copies: Float64Array.from(groups.files) }[sort.by];
    return { list: sortGroups(groups, Int32Array.from(shown), keys, sort), bytes };
  }
}
