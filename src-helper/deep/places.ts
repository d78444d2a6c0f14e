import { INODE } from "../btrfs/constants.ts";
import { KIND, type Extent } from "../btrfs/extents.ts";
import type { InodeRow } from "../store/index-store.ts";
import { isReadExtent, type ReadExtents } from "./read-extents.ts";

/** Where the blocks of extents stand among all blocks that are compared, in sectors. */
export class Places {
  readonly sectorSize: number;
  /** null: nothing is compared but by the checksum tree. */
  readonly read: ReadExtents | null;

  constructor(sectorSize: number, read: ReadExtents | null) {
    this.sectorSize = sectorSize;
    this.read = read;
  }

  /** Whether a file's blocks can be compared at all. */
  takes({ flags }: Pick<InodeRow, "flags">): boolean {
    return this.read !== null || (flags & INODE.nodatasum) === 0;
  }

  /** The first block of an extent's data; null where its blocks cannot be told apart. */
  baseOf(row: Pick<InodeRow, "flags">, extent: Extent): number | null {
    if (isReadExtent(row, extent)) return this.read?.baseOf(extent, this.sectorSize) ?? null;
    return extent.kind === KIND.plain ? extent.bytenr / this.sectorSize : null;
  }
}
