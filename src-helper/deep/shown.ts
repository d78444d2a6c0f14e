import { KIND, type Extent } from "../btrfs/extents.ts";
import type { Refusal } from "../dedupe/reasons.ts";
import { fileId } from "../journal/store.ts";
import type { IndexStore } from "../store/index-store.ts";
import { AS_THEY_LIE, indexedFiles } from "./index-files.ts";
import type { DeepPlan, MappedRange, Victim } from "./types.ts";
import { Victims } from "./victims.ts";

/** Of a file whose ranges were shown and are left. */
export const NOT_AS_SHOWN: Refusal = {
  reason: "changed",
  detail:
    "Parts of it do not lie any more as they were shown, or something else refers to them by now. They were left as they are.",
};

/** What is left of a plan, and files of what is not. */
export interface StillShown {
  readonly plan: DeepPlan;
  /** Numbers in plan.files. */
  readonly changed: ReadonlySet<number>;
}

/** Bytes of a file that are to be moved, and where in the extent they lie. */
interface Wanted {
  readonly start: number;
  readonly end: number;
  /** Offset in the extent less offset in the file. */
  readonly shift: number;
}

interface Referred {
  readonly victim: Victim;
  readonly wanted: ReadonlyMap<string, readonly Wanted[]>;
  /** Bytes that are to be moved and were not met yet. */
  missing: number;
  foreign: boolean;
}

/**
 * Holds a plan that somebody was shown against the index, which is to be
 * fresh: extents of which every reference is as it was, and is to be moved,
 * stay in it. What goes with another one that does not is taken out too.
 * @param check called between pages; throws where the work is to end
 */
export async function stillAsShown(
  store: IndexStore,
  sectorSize: number,
  plan: DeepPlan,
  check: () => void,
): Promise<StillShown> {
  const referred = new Map<number, Referred>();
  for (const victim of plan.victims) referred.set(victim.bytenr, referredOf(plan, victim, sectorSize));
  for await (const files of indexedFiles(store, sectorSize, AS_THEY_LIE, check)) {
    for (const { row, extents } of files) {
      const id = fileId({ subvolume: row.subvol, inode: row.ino, generation: row.gen });
      for (const piece of extents()) {
        const found = piece.kind === KIND.inline ? undefined : referred.get(piece.bytenr);
        if (found !== undefined) meet(found, id, piece);
      }
    }
  }
  const gone = new Set<number>();
  for (const { victim, missing, foreign } of referred.values()) {
    if (missing > 0 || foreign) gone.add(victim.bundle);
  }
  const victims = new Victims();
  const changed = new Set<number>();
  for (const victim of plan.victims) {
    const { bundle, moves, rewrites } = victim;
    if (!gone.has(bundle)) victims.add(victim);
    else for (const { to } of [...moves, ...rewrites]) changed.add(to.file);
  }
  return {
    plan: {
      ...plan,
      victims,
      predictedBytes: victims.diskBytes - victims.rewrittenBytes,
      rewrittenBytes: victims.rewrittenBytes,
    },
    changed,
  };
}

function referredOf({ files }: DeepPlan, victim: Victim, sectorSize: number): Referred {
  const wanted = new Map<string, Wanted[]>();
  let missing = 0;
  const add = ({ file, fileOffset, offset }: MappedRange, length: number): void => {
    const found = files.at(file);
    if (found === undefined) throw new Error(`no file ${file}`);
    const end = fileOffset + Math.ceil(length / sectorSize) * sectorSize;
    const range = { start: fileOffset, end, shift: offset - fileOffset };
    const list = wanted.get(fileId(found));
    if (list === undefined) wanted.set(fileId(found), [range]);
    else list.push(range);
    missing += end - fileOffset;
  };
  for (const { to, length } of victim.moves) add(to, length);
  for (const { to, length } of victim.rewrites) add(to, length);
  for (const list of wanted.values()) list.sort((a, b) => a.start - b.start);
  return { victim, wanted, missing, foreign: false };
}

/** Takes a reference off what is missing; one that is not to be moved keeps the extent. */
function meet(found: Referred, id: string, { fileOffset, length, offset }: Extent): void {
  let at = fileOffset;
  const end = fileOffset + length;
  for (const { start, end: last, shift } of found.wanted.get(id) ?? []) {
    if (last <= at) continue;
    if (start > at || shift !== offset - fileOffset) break;
    at = Math.min(end, last);
    if (at === end) break;
  }
  found.missing -= at - fileOffset;
  if (at < end) found.foreign = true;
}
