import { constants } from "node:os";
import { readInodes, type FreshInode } from "../dedupe/inodes.ts";
import { lockFiles, releaseLocks, type FileLock } from "../dedupe/locks.ts";
import * as reasons from "../dedupe/reasons.ts";
import type { FoldRun } from "../dedupe/run.ts";
import { tryCall, tryCallAsync } from "../native/library.ts";
import type { Numbered } from "./columns.ts";
import type { DeepFile, Rewrite } from "./types.ts";

/** What one FIDEDUPERANGE call compares at most. */
const CHUNK = 16 << 20;

/** A range that stopped, of which file, and why. */
export class Refused extends Error {
  readonly file: number;
  readonly refusal: reasons.Refusal;

  constructor(file: number, refusal: reasons.Refusal) {
    super(refusal.detail);
    this.file = file;
    this.refusal = refusal;
  }
}

export interface Locked {
  readonly file: DeepFile;
  readonly lock: FileLock;
  readonly fresh: FreshInode | null;
}

/** The files of a batch, locked: what they are shared through, and until when. */
export class LockedFiles {
  readonly #run: FoldRun;
  readonly #files: Numbered<DeepFile>;
  /** Over all batches: files of which a range was moved, and those that were refused. */
  readonly #moved: Set<number>;
  readonly #refused: Map<number, reasons.Refusal>;
  readonly #locked = new Map<number, Locked>();
  #locks: readonly FileLock[] = [];
  /** Files whose flag was cleared to move a range of them. */
  readonly #cleared = new Set<number>();
  /** Of the filesystem, when all were locked. */
  generation = 0;

  constructor(
    run: FoldRun,
    files: Numbered<DeepFile>,
    { moved, refused }: { readonly moved: Set<number>; readonly refused: Map<number, reasons.Refusal> },
  ) {
    this.#run = run;
    this.#files = files;
    this.#moved = moved;
    this.#refused = refused;
  }

  file(index: number): DeepFile {
    const file = this.#files.at(index);
    if (file === undefined) throw new Error(`no file ${index}`);
    return file;
  }

  /** Locks files, by index, and looks at them again. release() is to be called if this does not throw. */
  async lock(indexes: readonly number[]): Promise<void> {
    const { volume, intents, ctx } = this.#run;
    const files = indexes.map((index) => this.file(index));
    const [first] = files;
    if (first !== undefined) ctx.working?.(() => this.#run.pathOf(first));
    for (const file of files) intents.risk(file);
    const locks = await lockFiles(
      volume,
      files.map((file) => ({ file, flag: intents.covers(file) })),
    );
    try {
      this.generation = volume.generation();
      const fresh = await readAll(this.#run, locks, files);
      for (const [k, index] of indexes.entries()) {
        const [file, lock] = [files[k], locks[k]];
        if (file === undefined || lock === undefined) continue;
        if (lock.errno === 0 && lock.wasImmutable) intents.disown(file);
        this.#locked.set(index, { file, lock, fresh: fresh.get(file) ?? null });
      }
      this.#locks = locks;
    } catch (error) {
      await release(this.#run, locks);
      throw error;
    }
  }

  /** Unlocks all of them. Throws nothing that is of a file. */
  release(): Promise<void> {
    return release(this.#run, this.#locks);
  }

  /** -1 where it is not open. */
  fd(index: number): number {
    return this.#locked.get(index)?.lock.fd ?? -1;
  }

  /** Files as they are now. @throws Refused where one is not locked */
  readAgain(indexes: Iterable<number>): Promise<Map<DeepFile, FreshInode>> {
    const locked = Array.from(indexes, (index) => this.open(index, false));
    return readAll(
      this.#run,
      locked.map(({ lock }) => lock),
      locked.map(({ file }) => file),
    );
  }

  /** A file that is locked. @throws Refused */
  open(index: number, destination: boolean): Locked {
    const locked = this.#locked.get(index);
    if (locked === undefined) throw new Error(`file ${index} was not to be locked`);
    const { file, lock } = locked;
    const earlier = this.#refused.get(index);
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

  /** @throws Refused where somebody waits to write to it */
  letWritersIn(file: number): void {
    const fd = this.fd(file);
    if (fd >= 0 && tryCall("rf_lease_broken", fd) !== 0) {
      throw new Refused(file, reasons.wanted(this.#moved.has(file)));
    }
  }

  /** @throws Refused where the kernel does not share the range */
  async share(
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
      this.letWritersIn(file);
      const size = Math.min(CHUNK, length - done);
      const [fds, offsets] = [Int32Array.of(lock.fd), Float64Array.of(fileOffset + done)];
      // where the call fails as a whole, the status says why, too
      await tryCallAsync("rf_dedupe", source, offset + done, size, fds, offsets, 1, status, bytes);
      const [result = 0] = status;
      if (result === 1) throw new Refused(file, reasons.differs("none", this.#moved.has(file)));
      if (result < 0) throw new Refused(file, this.#run.explain(locked.file, -result, "dedupe"));
      this.#moved.add(file);
      this.#run.countBytes(size);
    }
  }

  /**
   * Moves ranges back onto the extent that they came from; of one that cannot be, the journal knows.
   * @param old a file that holds what the extent holds
   */
  async takeBack(old: number, moved: readonly Rewrite[]): Promise<void> {
    const [status, bytes] = [new Int32Array(1), new Float64Array(1)];
    for (const { to, target, length } of moved) {
      const fd = this.fd(to.file);
      for (let done = 0; done < length; done += CHUNK) {
        const size = Math.min(CHUNK, length - done);
        const [fds, offsets] = [Int32Array.of(fd), Float64Array.of(to.fileOffset + done)];
        await tryCallAsync("rf_dedupe", old, target + done, size, fds, offsets, 1, status, bytes);
      }
    }
  }

  /** Files that somebody waits for are given up at once. */
  async yieldToWriters(): Promise<void> {
    const wanted: FileLock[] = [];
    for (const [index, { lock }] of this.#locked) {
      if (lock.fd < 0 || tryCall("rf_lease_broken", lock.fd) === 0) continue;
      this.#refused.set(index, reasons.wanted(this.#moved.has(index)));
      wanted.push(lock);
    }
    if (wanted.length > 0) await release(this.#run, wanted);
  }
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
