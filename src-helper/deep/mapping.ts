import type { Extent } from "../btrfs/extents.ts";
import type { MappedRange } from "./types.ts";

/**
 * Whether a range of a file still lies where the plan says.
 * @param extents of the file, ascending
 * @param length bytes
 */
export function liesAt(extents: readonly Extent[], range: MappedRange, length: number): boolean {
  const end = range.fileOffset + length;
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.fileOffset + extent.length <= range.fileOffset) low = middle + 1;
    else high = middle;
  }
  let at = range.fileOffset;
  for (let k = low; at < end; k++) {
    const extent = extents[k];
    if (extent?.bytenr !== range.bytenr || extent.fileOffset > at) return false;
    if (extent.offset + (at - extent.fileOffset) !== range.offset + (at - range.fileOffset)) return false;
    at = extent.fileOffset + extent.length;
  }
  return true;
}

/** Bytes of a file, in whole blocks, that lie in an extent. */
export function bytesIn(extents: readonly Extent[], bytenr: number): number {
  return extents.reduce((sum, extent) => (extent.bytenr === bytenr ? sum + extent.length : sum), 0);
}
