/**
 * Packed extents, the form in which a file's extents are stored and passed
 * between the library and the engine (native/include/refold.h, "Packed
 * extents"). All lengths here are bytes.
 */

export const KIND = { plain: 0, prealloc: 1, inline: 2, zlib: 3, lzo: 4, zstd: 5 } as const;

/** One extent item of a file (btrfs_file_extent_item). */
export interface Extent {
  readonly kind: number;
  /** Where in the file it begins. */
  readonly fileOffset: number;
  /** Bytes of the file that it covers (num_bytes). */
  readonly length: number;
  /** Start of the whole extent on disk (disk_bytenr); 0 for inline data. */
  readonly bytenr: number;
  /** Where inside the uncompressed extent the piece begins. */
  readonly offset: number;
  /** Bytes that the whole extent takes on disk (disk_num_bytes). */
  readonly diskBytes: number;
  /** Bytes of the whole extent uncompressed. */
  readonly ramBytes: number;
}

/** @throws Error where the bytes are not packed extents */
export function unpackExtents(blob: Uint8Array, sectorSize: number): Extent[] {
  const extents: Extent[] = [];
  let position = 0;
  let fileEnd = 0;
  let start = 0;

  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = blob[position++];
      if (byte === undefined) throw new Error("packed extents end too early");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };

  while (position < blob.length) {
    const kind = varint();
    const file = fileEnd + varint();
    const length = varint();
    if (kind === KIND.inline) {
      extents.push({
        kind,
        fileOffset: file * sectorSize,
        length,
        bytenr: 0,
        offset: 0,
        diskBytes: 0,
        ramBytes: 0,
      });
      fileEnd = file + 1;
      continue;
    }
    const zigzag = varint();
    start += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    const offset = varint();
    const disk = varint();
    const ram = kind >= KIND.zlib ? varint() : disk;
    extents.push({
      kind,
      fileOffset: file * sectorSize,
      length: length * sectorSize,
      bytenr: start * sectorSize,
      offset: offset * sectorSize,
      diskBytes: disk * sectorSize,
      ramBytes: ram * sectorSize,
    });
    fileEnd = file + length;
  }
  return extents;
}

/** Where the bytes at fileOffset lie, in a form that is equal exactly when they are the same bytes on disk. */
function sameMapping(a: Extent, b: Extent): boolean {
  if (a.kind !== b.kind || a.kind === KIND.inline) return false;
  if (a.kind >= KIND.zlib) {
    return a.bytenr === b.bytenr && a.offset - a.fileOffset === b.offset - b.fileOffset;
  }
  return a.bytenr + a.offset - a.fileOffset === b.bytenr + b.offset - b.fileOffset;
}

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The ranges of [0, size) in which two files do not lie at the same place on
 * disk: what a fold of one onto the other has to do. A hole against a hole is
 * the same place. size is in bytes; ranges are cut at size.
 */
export function differingRanges(a: readonly Extent[], b: readonly Extent[], size: number): Range[] {
  const ranges: Range[] = [];
  let position = 0;
  let i = 0;
  let j = 0;
  const differs = (start: number, end: number): void => {
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
    else ranges.push({ start, end });
  };
  while (position < size) {
    while (i < a.length && endOf(a[i]) <= position) i++;
    while (j < b.length && endOf(b[j]) <= position) j++;
    const x = a[i];
    const y = b[j];
    const inX = x !== undefined && x.fileOffset <= position;
    const inY = y !== undefined && y.fileOffset <= position;
    const next = Math.min(
      x === undefined ? size : inX ? endOf(x) : x.fileOffset,
      y === undefined ? size : inY ? endOf(y) : y.fileOffset,
      size,
    );
    const same = inX && inY ? sameMapping(x, y) : !inX && !inY;
    if (!same) differs(position, next);
    position = next;
  }
  return ranges;
}

function endOf(extent: Extent | undefined): number {
  return extent === undefined ? Infinity : extent.fileOffset + Math.max(extent.length, 1);
}
