import type { PathBytes } from "../engine/contract.ts";
import { fileId, type FileIdentity, type Journal, type RunFile } from "../journal/store.ts";
import { callAsync } from "../native/library.ts";
import type { FoldVolume } from "./types.ts";

/** How long an intent may outlive its flag: what `stuck` looks at after a crash. */
const SETTLE_EVERY_MS = 30_000;

/**
 * The intents of one run. They are in the journal before the flag is on the
 * file, and leave it only when a sync has made the cleared flag durable: a
 * power cut must never bring back a flag that nobody remembers.
 */
export class Intents {
  readonly #volume: FoldVolume;
  readonly #journal: Journal;
  readonly #run: number;
  /** Written, and the flag not known to be off. */
  readonly #open = new Map<string, FileIdentity>();
  /** Of those, the ones that somebody has set out to flag. */
  readonly #risked = new Set<string>();
  /** The flag is off, but perhaps only in memory. */
  #cleared: FileIdentity[] = [];
  #settledAt = Date.now();

  constructor(volume: FoldVolume, journal: Journal, run: number) {
    this.#volume = volume;
    this.#journal = journal;
    this.#run = run;
  }

  /** One transaction: intents ahead, and how files ended that were folded before. */
  advance(files: readonly (FileIdentity & { path: PathBytes })[], ended: readonly RunFile[]): void {
    this.#journal.advance(this.#run, files, ended);
    for (const file of files) {
      const { subvolume, inode, generation } = file; // without its path: they are many
      this.#open.set(fileId(file), { subvolume, inode, generation });
    }
  }

  /** Whether a flag may be set on the file. */
  covers(file: FileIdentity): boolean {
    return this.#open.has(fileId(file));
  }

  /** The flag is about to be set: from here on only cleared() ends the intent. */
  risk(file: FileIdentity): void {
    this.#risked.add(fileId(file));
  }

  /** Our flag is off the file, or was never set. */
  cleared(file: FileIdentity): void {
    this.#risked.delete(fileId(file));
    if (this.#open.delete(fileId(file))) this.#cleared.push(file);
  }

  /** The file is immutable, but not by us: its intent must not be believed after a crash. */
  disown(file: FileIdentity): void {
    this.#risked.delete(fileId(file));
    if (this.#open.delete(fileId(file))) this.#journal.removeIntents([file]);
  }

  /** Ends the intents that were written ahead and never acted on. */
  clearUntouched(): void {
    for (const [id, file] of this.#open) if (!this.#risked.has(id)) this.cleared(file);
  }

  /** Syncs the volume and removes the intents that are over, when it is time. */
  async settleSometimes(): Promise<void> {
    if (Date.now() - this.#settledAt >= SETTLE_EVERY_MS) await this.settle();
  }

  /** @throws NativeError where the sync fails: then all intents stay */
  async settle(): Promise<void> {
    const over = this.#cleared;
    this.#cleared = [];
    try {
      await callAsync("rf_syncfs", this.#volume.dir);
    } catch (error) {
      this.#cleared = [...over, ...this.#cleared];
      throw error;
    }
    this.#journal.removeIntents(over);
    this.#settledAt = Date.now();
  }
}
