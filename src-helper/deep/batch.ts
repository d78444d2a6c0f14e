import { constants } from "node:os";
import { readInodes, type FreshInode } from "../dedupe/inodes.ts";
import { lockFiles, releaseLocks, type FileLock } from "../dedupe/locks.ts";
import { Prefetch, mergeRanges } from "../dedupe/prefetch.ts";
import * as reasons from "../dedupe/reasons.ts";
import type { FoldRun } from "../dedupe/run.ts";
import { NativeError, tryCall, tryCallAsync } from "../native/library.ts";
import { bytesIn, liesAt, liesIn } from "./mapping.ts";
import { closePair, copyParts, hasRoom, type TempPair } from "./temp.ts";
import type { DeepFile, Move, Rewrite, Victim } from "./types.ts";

/** What one FIDEDUPERANGE call compares at most. */
const CHUNK = 16 << 20;

/** A range that stopped, of which file, and why. */
class Refused extends Error {
  readonly file: number;
  readonly refusal: reasons.Refusal;

  constructor(file: number, refusal: reasons.Refusal) {
    super(refusal.detail);
    this.file = file;
    this.refusal = refusal;
  }
}

interface Locked {
  readonly file: DeepFile;
  readonly lock: FileLock;
  readonly fresh: FreshInode | null;
}

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
  readonly #files: readonly DeepFile[];
  readonly #outcomes: DeepOutcomes;
  readonly #locked = new Map<number, Locked>();
  /** Files whose flag was cleared to move a range of them. */
  readonly #cleared = new Set<number>();
  #generation = 0;

  private constructor(run: FoldRun, files: readonly DeepFile[], outcomes: DeepOutcomes) {
    this.#run = run;
    this.#files = files;
    this.#outcomes = outcomes;
  }

  /** The intents and rewrites of these victims must be in the journal. */
  static async fold(
    run: FoldRun,
    files: readonly DeepFile[],
    victims: readonly Victim[],
    outcomes: DeepOutcomes,
  ): Promise<void> {
    const batch = new DeepBatch(run, files, outcomes);
    const ahead = await batch.#readAhead(victims);
    try {
      const locks = await batch.#lock(victims);
      try {
        for (const victim of victims) {
          if (run.isCancelled()) {
            run.leftOver = true;
            break;
          }
          await batch.#free(victim);
          await batch.#yieldToWriters();
          run.tellProgress();
        }
      } finally {
        await release(run, locks);
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
    const list = [...ranges].map(([file, of]) => ({ file: this.#file(file), ranges: mergeRanges(of) }));
    return Prefetch.open(this.#run.volume.dir, list, this.#run.control);
  }

  #file(index: number): DeepFile {
    const file = this.#files[index];
    if (file === undefined) throw new Error(`no file ${index}`);
    return file;
  }

  async #lock(victims: readonly Victim[]): Promise<FileLock[]> {
    const { volume, intents, ctx } = this.#run;
    const indexes = [...filesOf(victims)];
    const files = indexes.map((index) => this.#file(index));
    const [first] = files;
    if (first !== undefined) ctx.working?.(() => this.#run.pathOf(first));
    for (const file of files) intents.risk(file);
    const locks = await lockFiles(
      volume,
      files.map((file) => ({ file, flag: intents.covers(file) })),
    );
    try {
      this.#generation = volume.generation();
      const fresh = await readAll(this.#run, locks, files);
      for (const [k, index] of indexes.entries()) {
        const [file, lock] = [files[k], locks[k]];
        if (file === undefined || lock === undefined) continue;
        if (lock.errno === 0 && lock.wasImmutable) intents.disown(file);
        this.#locked.set(index, { file, lock, fresh: fresh.get(file) ?? null });
      }
      return locks;
    } catch (error) {
      await release(this.#run, locks);
      throw error;
    }
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
      meter.note({ ...NO_EXTENT, ...victim }, this.#generation);
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
      const locked = this.#open(to.file, true);
      if (!liesAt(locked.fresh?.extents ?? [], to, length)) throw changed(to.file);
    }
    for (const [file, bytes] of destinations) {
      const fresh = this.#open(file, true).fresh?.extents ?? [];
      if (bytesIn(fresh, victim.bytenr) !== bytes) throw changed(file);
    }
    const moved = await this.#moved(victim);
    for (const { from, length, anew } of victim.moves) {
      const locked = this.#open(from.file, false);
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
    const locked = [...holders].map((file) => this.#open(file, false));
    return readAll(
      this.#run,
      locked.map(({ lock }) => lock),
      locked.map(({ file }) => file),
    );
  }

  /** A file that is locked. @throws Refused */
  #open(index: number, destination: boolean): Locked {
    const locked = this.#locked.get(index);
    if (locked === undefined) throw new Error(`file ${index} was not to be locked`);
    const { file, lock } = locked;
    const earlier = this.#outcomes.refused.get(index);
    if (earlier !== undefined && lock.fd < 0) throw new Refused(index, earlier);
    if (lock.errno !== 0) throw new Refused(index, this.#run.explain(file, lock.errno, lock.stage));
    if (lock.size !== file.size) throw new Refused(index, reasons.sizeChanged(lock.size, file.size));
    if (destination && lock.wasImmutable) throw new Refused(index, this.#run.immutableRefusal(file));
    if (!lock.wasImmutable && this.#run.needsFlag(file) && !lock.flagged && !this.#cleared.has(index)) {
      throw new Refused(index, reasons.refusal(constants.errno.ESTALE, "open"));
    }
    if (lock.fd < 0) throw new Refused(index, reasons.wanted(false));
    return locked;
  }

  async #move({ to, from, length }: Move): Promise<void> {
    const source = this.#locked.get(from.file)?.lock.fd ?? -1;
    this.#letWritersIn(from.file);
    await this.#share(source, from.fileOffset, to.file, to.fileOffset, length);
  }

  #letWritersIn(file: number): void {
    const fd = this.#locked.get(file)?.lock.fd ?? -1;
    if (fd >= 0 && tryCall("rf_lease_broken", fd) !== 0) {
      throw new Refused(file, reasons.wanted(this.#outcomes.moved.has(file)));
    }
  }

  /** @throws Refused where the kernel does not share the range */
  async #share(
    source: number,
    offset: number,
    file: number,
    fileOffset: number,
    length: number,
  ): Promise<void> {
    const locked = this.#locked.get(file);
    if (locked === undefined) throw new Error(`file ${file} was not to be locked`);
    const { lock } = locked;
    if (lock.flagged) {
      const cleared = tryCall("rf_set_immutable", lock.fd, 0);
      if (cleared < 0) throw new Refused(file, reasons.refusal(-cleared, "clear"));
      lock.flagged = false;
      this.#cleared.add(file);
      this.#run.intents.cleared(locked.file);
    }
    const status = new Int32Array(1);
    const bytes = new Float64Array(1);
    for (let done = 0; done < length; done += CHUNK) {
      this.#letWritersIn(file);
      const size = Math.min(CHUNK, length - done);
      const [fds, offsets] = [Int32Array.of(lock.fd), Float64Array.of(fileOffset + done)];
      // where the call fails as a whole, the status says why, too
      await tryCallAsync("rf_dedupe", source, offset + done, size, fds, offsets, 1, status, bytes);
      const [result = 0] = status;
      if (result === 1) throw new Refused(file, reasons.differs("none", this.#outcomes.moved.has(file)));
      if (result < 0) throw new Refused(file, this.#run.explain(locked.file, -result, "dedupe"));
      this.#outcomes.moved.add(file);
      this.#run.countBytes(size);
    }
  }

  /** @returns bytes on disk that the copy takes. @throws Refused, with all ranges where they were */
  async #rewrite(victim: Victim): Promise<number> {
    const [first] = victim.rewrites;
    if (first === undefined) return 0;
    let pair: TempPair;
    try {
      const parts = victim.copies.map(({ to, target, length }) => {
        const fd = this.#locked.get(to.file)?.lock.fd ?? -1;
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
        await this.#share(pair.copy, target, to.file, to.fileOffset, length);
      }
      this.#outcomes.anew.set(victim.bytenr, pair.extents);
      return pair.diskBytes;
    } catch (error) {
      this.#outcomes.unfinished.add(victim.bytenr);
      if (error instanceof Refused) await this.#takeBack(pair, moved);
      const { meter, volume } = this.#run;
      meter.noteCopy(pair.extents, volume.generation());
      throw error;
    } finally {
      closePair(pair);
    }
  }

  /** Moves ranges back onto the extent that they came from; of one that cannot be, the journal knows. */
  async #takeBack(pair: TempPair, moved: readonly Rewrite[]): Promise<void> {
    const [status, bytes] = [new Int32Array(1), new Float64Array(1)];
    for (const { to, target, length } of moved) {
      const fd = this.#locked.get(to.file)?.lock.fd ?? -1;
      for (let done = 0; done < length; done += CHUNK) {
        const size = Math.min(CHUNK, length - done);
        const [fds, offsets] = [Int32Array.of(fd), Float64Array.of(to.fileOffset + done)];
        await tryCallAsync("rf_dedupe", pair.old, target + done, size, fds, offsets, 1, status, bytes);
      }
    }
  }

  /** Files that somebody waits for are given up at once. */
  async #yieldToWriters(): Promise<void> {
    const wanted: FileLock[] = [];
    for (const [index, { lock }] of this.#locked) {
      if (lock.fd < 0 || tryCall("rf_lease_broken", lock.fd) === 0) continue;
      this.#outcomes.refused.set(index, reasons.wanted(this.#outcomes.moved.has(index)));
      wanted.push(lock);
    }
    if (wanted.length > 0) await release(this.#run, wanted);
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
export function filesOf(victims: readonly Victim[]): Set<number> {
  const files = new Set<number>();
  for (const { moves, rewrites } of victims) {
    for (const { to, from } of moves) files.add(to.file).add(from.file);
    for (const { to } of rewrites) files.add(to.file);
  }
  return files;
}

async function readAll(
  run: FoldRun,
  locks: readonly FileLock[],
  files: readonly DeepFile[],
): Promise<Map<DeepFile, FreshInode>> {
  const bySubvolume = Map.groupBy(
    files.filter((_, k) => (locks[k]?.fd ?? -1) >= 0),
    (file) => file.subvolume,
  );
  const fresh = new Map<DeepFile, FreshInode>();
  for (const [subvolume, some] of bySubvolume) {
    const inodes = await readInodes(
      run.volume,
      subvolume,
      some.map((file) => file.inode),
    );
    for (const file of some) {
      const inode = inodes.get(file.inode);
      if (inode !== undefined) fresh.set(file, inode);
    }
  }
  return fresh;
}

async function release(run: FoldRun, locks: readonly FileLock[]): Promise<void> {
  const stuck = await releaseLocks(run.volume, locks);
  for (const lock of stuck) run.cannotUnlock(lock.file);
  for (const lock of locks) if (!lock.flagged) run.intents.cleared(lock.file);
}
