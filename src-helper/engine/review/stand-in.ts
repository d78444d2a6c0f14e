import { FILE, type FileColumns } from "./columns.ts";
import type { Names, RowTest } from "./filter.ts";
import { ABSOLUTE } from "./folder-tree.ts";

/**
 * The file that stands for others: one that fits, and that a person can get at, if there is one.
 * @returns one of the rows start .. end - 1; -1 where none fits
 */
export function standInOf(
  files: FileColumns,
  { folders }: Names,
  start: number,
  end: number,
  fits: RowTest,
): number {
  let best = -1;
  let rank = 0;
  for (let row = start; row < end && rank < 3; row++) {
    if (files.excluded[row] === 1 || !fits(row)) continue;
    const writable = ((files.kind[row] ?? 0) & FILE.readOnly) === 0;
    const its = !writable ? 1 : folders.isBelow(files.folder[row] ?? 0, ABSOLUTE) ? 3 : 2;
    if (its > rank) [best, rank] = [row, its];
  }
  return best;
}
