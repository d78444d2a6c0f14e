import type { Extent } from "../btrfs/extents.ts";
import { KIND } from "../btrfs/extents.ts";
import { tryCall, tryCallAsync } from "../native/library.ts";
import type { MemberFold } from "./group-fold.ts";
import { readInodes } from "./inodes.ts";
import type { FoldRun } from "./run.ts";

/** The largest extents that btrfs makes (BTRFS_MAX_EXTENT_SIZE, BTRFS_MAX_UNCOMPRESSED). */
const MAX_EXTENT = 128 << 20;
const MAX_COMPRESSED = 128 << 10;
/** Pieces of at least this size are left as they are: the default of btrfs filesystem defragment. */
const TARGET_BYTES = 32 << 20;

/** Neighbours in the file that are neighbours on disk count as one piece. */
function piecesOf(extents: readonly Extent[]): { pieces: number; needed: number } {
  let pieces = 0;
  let needed = 0;
  let previous: Extent | undefined;
  for (const extent of extents) {
    const together =
      previous !== undefined &&
      previous.kind === extent.kind &&
      previous.fileOffset + previous.length === extent.fileOffset &&
      previous.bytenr + previous.offset + previous.length === extent.bytenr + extent.offset;
    if (!together) pieces++;
    needed += extent.length / (extent.kind >= KIND.zlib ? MAX_COMPRESSED : MAX_EXTENT);
    previous = extent;
  }
  return { pieces, needed: Math.ceil(needed) };
}

/**
 * Writes a source that lies in more pieces than it needs anew, in fewer, and
 * reads its extents again. Where that fails the source serves as it is.
 */
export async function defragmentSource(run: FoldRun, source: MemberFold): Promise<void> {
  if (source.member.readOnly || source.fresh === null || source.lock.fd < 0) return;
  const { pieces, needed } = piecesOf(source.extents);
  if (pieces <= needed) return;
  const before = source.fresh;
  const result = await tryCallAsync("rf_defrag", source.lock.fd, TARGET_BYTES, run.control.buffer);
  tryCall("rf_flush", source.lock.fd);
  const { inode, subvolume } = source.member;
  const after = (await readInodes(run.volume, subvolume, [inode])).get(inode);
  if (after === undefined) return;
  source.fresh = after;
  run.noteRewritten(before.extents, after.extents);
  if (result < 0 && !run.isCancelled()) {
    run.ctx.log("note", `${run.nameOf(source.member)} could not be defragmented and is folded as it is.`);
  }
}
