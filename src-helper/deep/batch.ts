import { constants } from "node:os";
import type { FreshInode } from "../dedupe/inodes.ts";
import { Prefetch, mergeRanges } from "../dedupe/prefetch.ts";
import * as reasons from "../dedupe/reasons.ts";
import type { FoldRun } from "../dedupe/run.ts";
import { NativeError } from "../native/library.ts";
import type { Numbered } from "./columns.ts";
import { LockedFiles, Refused } from "./locked-files.ts";
import { bytesIn, liesAt, liesIn } from "./mapping.ts";
import { closePair, copyParts, hasRoom, type TempPair } from "./temp.ts";
import type { DeepFile, Move, Rewrite, Victim } from "./types.ts";
import { copiesOf } from "./victim-plan.ts";

/** What became of files and extents over all batches. */
export interface DeepOutcomes {
  /** Files of which a range was moved, by index. */
  readonly moved: Set<number>;
  readonly refused: Map<number, reasons.Refusal>;
  /** Extents that only hold what was to be moved onto a copy, or of which a part was: their rows stay. */
  readonly unfinished: Set<number>;
  /** Victims that are gone, and the extents that what was left of them was written to. */
  readonly anew: Map<number, TempPair["extents"]>;
}

/** Extents whose files are locked together. Whatever happens, every file is unlocked at the end. */
export class DeepBatch {
  readonly #run: FoldRun;
  readonly #outcomes: DeepOutcomes;
  readonly #locked: LockedFiles;

  private constructor(run: FoldRun, files: Numbered<DeepFile>, outcomes: DeepOutcomes) {
    this.#run = run;
    this.#outcomes = outcomes;
    this.#locked = new LockedFiles(run, files, outcomes);
  }

  /** The intents and rewrites of these victims must be in the journal. */
  static async fold(
    run: FoldRun,
    files: Numbered<DeepFile>,
    victims: readonly Victim[],
    outcomes: DeepOutcomes,
  ): Promise<void> {
    const batch = new DeepBatch(run, files, outcomes);
    const ahead = await batch.#readAhead(victims);
    try {
      await batch.#locked.lock([...filesOf(victims)]);
      try {
        for (const victim of victims) {
          if (run.isCancelled()) {
            run.leftOver = true;
            break;
          }
          await batch.#free(victim);
          await batch.#locked.yieldToWriters();
          run.tellProgress();
        }
      } finally {
        await batch.#locked.release();
      }
    } finally {
      await ahead.end();
    }
  }

  #readAhead(victims: readonly Victim[]): Promise<Prefetch> {
    const ranges = new Map<number, { start: number; end: number }[]>();
    const add = (file: number, start: number, length: number): void => {
      const list = ranges.get(file);
      if (list === undefined) ranges.set(file, [{ start, end: start + length }]);
      else list.push({ start, end: start + length });
    };
    for (const { moves, rewrites } of victims) {
      for (const { to, from, length } of moves) {
        add(to.file, to.fileOffset, length);
        add(from.file, from.fileOffset, length);
      }
      for (const { to, length } of rewrites) add(to.file, to.fileOffset, length);
    }
    const list = [...ranges].map(([file, of]) => ({
      file: this.#locked.file(file),
      ranges: mergeRanges(of),
    }));
    return Prefetch.open(this.#run.volume.dir, list, this.#run.control);
  }

  /** Moves all ranges of an extent, or says of a file why not. */
  async #free(victim: Victim): Promise<void> {
    const { meter, volume } = this.#run;
    try {
      await this.#check(victim);
      const [rewrite] = victim.rewrites;
      if (rewrite !== undefined && !hasRoom(volume, victim.rewrittenBytes)) {
        throw new Refused(rewrite.to.file, reasons.refusal(constants.errno.ENOSPC, "dedupe"));
      }
      // what only comes to share takes no room: first, so that the copy is the last step
      for (const move of victim.moves) await this.#move(move);
      const written = victim.rewrites.length === 0 ? 0 : await this.#rewrite(victim);
      meter.note({ ...NO_EXTENT, ...victim }, this.#locked.generation);
      meter.noteWritten(written);
      this.#run.keptRanges.add("rewritten", written - victim.rewrittenBytes);
      this.#run.groups++;
      this.#run.extents++;
      this.#run.rewrittenBytes += written;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#outcomes.refused.set(error.file, error.refusal);
      this.#run.keptRanges.add(error.refusal.reason, victim.diskBytes - victim.rewrittenBytes);
    }
  }

  /** @throws Refused where something is not as it was planned */
  async #check(victim: Victim): Promise<void> {
    const destinations = new Map<number, number>();
    const { sectorSize } = this.#run.volume;
    const changed = (file: number): Refused => new Refused(file, CHANGED);
    for (const { to, length } of [...victim.moves, ...victim.rewrites]) {
      const blocks = Math.ceil(length / sectorSize) * sectorSize;
      destinations.set(to.file, (destinations.get(to.file) ?? 0) + blocks);
      const locked = this.#locked.open(to.file, true);
      if (!liesAt(locked.fresh?.extents ?? [], to, length)) throw changed(to.file);
    }
    for (const [file, bytes] of destinations) {
      const fresh = this.#locked.open(file, true).fresh?.extents ?? [];
      if (bytesIn(fresh, victim.bytenr) !== bytes) throw changed(file);
    }
    const moved = await this.#moved(victim);
    for (const { from, length, anew } of victim.moves) {
      const locked = this.#locked.open(from.file, false);
      const copy = anew === true ? this.#outcomes.anew.get(from.bytenr) : undefined;
      const there =
        copy === undefined
          ? liesAt(locked.fresh?.extents ?? [], from, length)
          : liesIn(moved.get(locked.file)?.extents ?? [], from.fileOffset, length, copy);
      // what is left of an extent half way may be moved once more: nothing is to count on it
      if (!there || this.#outcomes.unfinished.has(from.bytenr)) throw changed(from.file);
    }
  }

  /** The files that hold what was written anew for an earlier victim, as they are now. */
  async #moved({ moves }: Victim): Promise<Map<DeepFile, FreshInode>> {
    const holders = new Set<number>();
    for (const { from, anew } of moves)
      if (anew === true && this.#outcomes.anew.has(from.bytenr)) holders.add(from.file);
    return this.#locked.readAgain(holders);
  }

  async #move({ to, from, length }: Move): Promise<void> {
    const source = this.#locked.fd(from.file);
    this.#locked.letWritersIn(from.file);
    await this.#locked.share(source, from.fileOffset, to.file, to.fileOffset, length);
  }

  /** @returns bytes on disk that the copy takes. @throws Refused, with all ranges where they were */
  async #rewrite(victim: Victim): Promise<number> {
    const [first] = victim.rewrites;
    if (first === undefined) return 0;
    let pair: TempPair;
    try {
      const parts = copiesOf(victim.rewrites).map(({ to, target, length }) => {
        const fd = this.#locked.fd(to.file);
        return { fd, fileOffset: to.fileOffset, target, length };
      });
      pair = await copyParts(this.#run.volume, victim.kind, parts);
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#outcomes.unfinished.add(victim.bytenr);
      throw new Refused(first.to.file, reasons.refusal(error.errno, "dedupe"));
    }
    const moved: Rewrite[] = [];
    try {
      // compressed data can come out larger than it was: then there is nothing to gain
      if (pair.diskBytes >= victim.diskBytes) throw new Refused(first.to.file, NO_GAIN);
      for (const rewrite of victim.rewrites) {
        moved.push(rewrite);
        const { to, target, length } = rewrite;
        await this.#locked.share(pair.copy, target, to.file, to.fileOffset, length);
      }
      this.#outcomes.anew.set(victim.bytenr, pair.extents);
      return pair.diskBytes;
    } catch (error) {
      this.#outcomes.unfinished.add(victim.bytenr);
      if (error instanceof Refused) await this.#locked.takeBack(pair.old, moved);
      const { meter, volume } = this.#run;
      meter.noteCopy(pair.extents, volume.generation());
      throw error;
    } finally {
      closePair(pair);
    }
  }
}

const NO_EXTENT = { fileOffset: 0, length: 0, offset: 0, ramBytes: 0 };
const CHANGED = reasons.differs("destination", false);
const NO_GAIN: reasons.Refusal = {
  reason: "other",
  detail:
    "What is left of its data would take as much room as before when written anew. It was left as it is.",
};

/** Every file that the victims' ranges are in, or come to share with. */
export function filesOf(victims: Iterable<Victim>): Set<number> {
  const files = new Set<number>();
  for (const { moves, rewrites } of victims) {
    for (const { to, from } of moves) files.add(to.file).add(from.file);
    for (const { to } of rewrites) files.add(to.file);
  }
  return files;
}
