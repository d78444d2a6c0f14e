import type { Extent } from "../btrfs/extents.ts";
import type { MappedRange } from "./types.ts";

/**
 * Whether a range of a file still lies where the plan says.
 * @param extents of the file, ascending
 * @param length bytes
 */
export function liesAt(extents: readonly Extent[], range: MappedRange, length: number): boolean {
  const end = range.fileOffset + length;
  let at = range.fileOffset;
  for (let k = firstAt(extents, at); at < end; k++) {
    const extent = extents[k];
    if (extent?.bytenr !== range.bytenr || extent.fileOffset > at) return false;
    if (extent.offset + (at - extent.fileOffset) !== range.offset + (at - range.fileOffset)) return false;
    at = extent.fileOffset + extent.length;
  }
  return true;
}

/**
 * Whether a range of a file lies wholly in some of these extents.
 * @param extents of the file, ascending
 * @param length bytes
 */
export function liesIn(
  extents: readonly Extent[],
  fileOffset: number,
  length: number,
  among: Pick<ReadonlySet<number>, "has">,
): boolean {
  const end = fileOffset + length;
  let at = fileOffset;
  for (let k = firstAt(extents, at); at < end; k++) {
    const extent = extents[k];
    if (extent === undefined || extent.fileOffset > at || !among.has(extent.bytenr)) return false;
    at = extent.fileOffset + extent.length;
  }
  return true;
}

/** The extents that a range of a file lies in. */
export function extentsIn(extents: readonly Extent[], fileOffset: number, length: number): readonly Extent[] {
  return extents.filter(
    (extent) => extent.fileOffset < fileOffset + length && extent.fileOffset + extent.length > fileOffset,
  );
}

/** The index of the first extent that ends after an offset. */
function firstAt(extents: readonly Extent[], fileOffset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.fileOffset + extent.length <= fileOffset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bytes of a file, in whole blocks, that lie in an extent. */
export function bytesIn(extents: readonly Extent[], bytenr: number): number {
  return extents.reduce((sum, extent) => (extent.bytenr === bytenr ? sum + extent.length : sum), 0);
}
