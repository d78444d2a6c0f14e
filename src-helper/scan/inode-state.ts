import { INODE } from "../btrfs/constants.ts";
import { KIND } from "../btrfs/extents.ts";
import { TRAIT } from "../native/library.ts";
import type { InodeState } from "../store/index-store.ts";

/** All data of the file is in the metadata. Behind an inline head there can be extents on disk. */
export function isAllInline(row: InodeState): boolean {
  return (row.traits & (TRAIT.inline | TRAIT.disk)) === TRAIT.inline;
}

/**
 * Whether data can change and lie where it lay: NOCOW data is written in place,
 * inline data is in the metadata.
 */
export function isVolatile(row: InodeState): boolean {
  return (row.flags & INODE.nodatacow) !== 0 || (row.traits & TRAIT.inline) !== 0;
}

/**
 * The last change of an inode, where the index keeps it: where data can change
 * in place, and where a search for ranges reads what checksums do not say.
 */
export function keptTransid(row: InodeState): number {
  const kept =
    isVolatile(row) || (row.flags & INODE.nodatasum) !== 0 || (row.traits & TRAIT.compressed) !== 0;
  return kept ? row.transid : 0;
}

/**
 * Whether an inode surely has the data that a row of the index says: it lies
 * where it lay, and no extent item is newer than what is known, so nothing was
 * freed there and written anew. Refold's own locks leave sources in this state.
 *
 * @param settled changes up to this generation are in the index
 */
export function hasSameData(
  old: InodeState,
  now: InodeState & { readonly extentGeneration: number },
  settled: number,
): boolean {
  // changes within one transaction leave no trace: only in one that is over do equal transids say anything
  if (isVolatile(now) && (now.transid > settled || old.transid !== now.transid)) return false;
  return now.extentGeneration <= settled && isSamePlace(old, now);
}

/** Whether two states of an inode with the same data are the same in all else that the index keeps. */
export function isSame(old: InodeState, now: InodeState): boolean {
  return (
    old.parent === now.parent &&
    old.flags === now.flags &&
    old.uid === now.uid &&
    old.mtime === now.mtime &&
    old.traits === now.traits
  );
}

/** Whether an inode of one subvolume can share the row of another's, where that row is right. */
export function isShareable(row: InodeState, now: InodeState): boolean {
  return !isVolatile(now) && !isVolatile(row) && isSamePlace(row, now) && isSame(row, now);
}

function isSamePlace(a: InodeState, b: InodeState): boolean {
  return (
    a.gen === b.gen &&
    a.kind === b.kind &&
    a.size === b.size &&
    (a.layout === b.layout || (a.layout < 0 && isAllInline(b))) &&
    (a.extents?.equals(b.extents ?? EMPTY) ?? b.extents === null)
  );
}

const EMPTY = Buffer.alloc(0);

/** The extents on disk of a packed blob, without making objects: this runs for every file. */
export function forEachExtent(blob: Buffer, sectorSize: number, visit: (bytenr: number) => void): void {
  let position = 0;
  let start = 0;
  const varint = (): number => {
    let byte = blob[position++] ?? 0;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = blob[position++] ?? 0;
      value += (byte & 0x7f) * scale;
    }
    return value;
  };
  while (position < blob.length) {
    const kind = varint();
    varint(); // gap
    varint(); // length
    if (kind === KIND.inline) continue;
    const zigzag = varint();
    start += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    varint(); // offset
    varint(); // length on disk
    if (kind >= KIND.zlib) varint();
    visit(start * sectorSize);
  }
}
