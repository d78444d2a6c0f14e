/** When a volume is worth a live scan: what its transactions say, and what scans cost. No timers, no clock of its own. */
import type { Transactions } from "./generation.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Between the starts of two live scans. A helper that needs no password takes no more. */
export const SCAN_EVERY = 20 * SECOND;
/** A transaction is committed so long after its beginning at the latest, and a moment for the commit itself. */
const COMMIT_SLACK = 2 * SECOND;
/**
 * A scan that took a second is followed by none for fifty: live scans have one part in fifty of the time, so that what
 * is committed is in the figure within a minute wherever a scan takes a second.
 */
const REST_FACTOR = 50;
/** Of a search for parts of files: one part in a hundred. */
const SEARCH_REST_FACTOR = 100;
const LONGEST_REST = 15 * MINUTE;
/** After one that failed the next is tried later and later. */
const LONGEST_RETRY = 60 * MINUTE;
/** Of two transactions one may begin while the one before it is still written. */
const AT_ONCE = 2;

/**
 * Follows the transactions of one volume.
 *
 * The generation rises when a transaction begins, and a scan sees what is
 * committed. How many were committed the kernel tells since Linux 6.1: the
 * generation and that number have a fixed distance while nothing runs. It is
 * learned from a generation that has stood for as long as a transaction can
 * last; before that, and on older kernels, what has stood so long is taken for
 * committed, and nothing sooner.
 */
export class Pace {
  /** Everything up to this generation was on disk when the last scan began. */
  #covered = -1;
  #now: Transactions = { generation: -1, commits: null };
  /** When this generation was first seen. */
  #since = 0;
  #commitMs = 0;
  /** Generation less commits while no transaction runs; null: not known yet. */
  #distance: number | null = null;
  /** When something that is not covered was first seen; null: nothing is. */
  #movedAt: number | null = null;
  #lastStart = -Infinity;
  #rest = SCAN_EVERY;
  #covering = -1;
  #failures = 0;

  /** Whether nothing has to be looked at, and nothing has happened. */
  quiet({ generation }: Transactions): boolean {
    return this.#movedAt === null && generation === this.#now.generation;
  }

  /**
   * @param told as just read
   * @param now milliseconds
   * @param commitMs how long a transaction may last
   */
  seen(told: Transactions, now: number, commitMs: number): void {
    const { generation, commits } = told;
    // a lower one: another filesystem under the same uuid, an image that was restored
    if (generation < this.#now.generation) this.#covered = -1;
    if (generation !== this.#now.generation) this.#since = now;
    this.#now = told;
    this.#commitMs = commitMs;
    this.#learn(generation, commits, now);
    if (generation > this.#covered) this.#movedAt ??= now;
  }

  /** When what has to be scanned first came; null where nothing has to be scanned at `now`. */
  due(now: number, slower = 1): number | null {
    if (!this.rested(now, slower) || this.#committed(now) <= this.#covered) return null;
    return this.#movedAt;
  }

  /** Milliseconds until a scan may come to be due by the clock alone; Infinity where only a look can tell. */
  untilDue(now: number, slower = 1): number {
    if (this.#movedAt === null) return Infinity;
    const committedAt = this.#committed(now) > this.#covered ? now : this.#since + this.#longest;
    return Math.max(this.#lastStart + this.#rest * slower, committedAt) - now;
  }

  /** Whether a scan that is wanted for another reason may begin. */
  rested(now: number, slower = 1): boolean {
    return now >= this.#lastStart + this.#rest * slower;
  }

  begin(now: number): void {
    this.#lastStart = now;
    this.#covering = this.#committed(now);
  }

  /** It was not done: something else went first. */
  refused(): void {
    this.#rest = SCAN_EVERY;
  }

  failed(): void {
    this.#rest = Math.min(MINUTE * 2 ** this.#failures++, LONGEST_RETRY);
  }

  /** The scan is done. @param elapsedMs with all that comes of it */
  done(now: number, elapsedMs: number): void {
    this.#failures = 0;
    this.#rest = Math.max(SCAN_EVERY, Math.min(elapsedMs * REST_FACTOR, LONGEST_REST));
    this.#covered = this.#covering;
    this.#movedAt = this.#now.generation > this.#covered ? now : null;
  }

  get #longest(): number {
    return this.#commitMs + COMMIT_SLACK;
  }

  #learn(generation: number, commits: number | null, now: number): void {
    if (commits === null) {
      this.#distance = null;
      return;
    }
    const distance = generation - commits;
    if (this.#distance !== null && distance < this.#distance) {
      // a commit took longer than it may: what was taken for committed was not
      this.#distance = distance;
      this.#covered = -1;
    }
    // mounted anew: it counts from the beginning
    if (this.#distance !== null && distance > this.#distance + AT_ONCE) this.#distance = null;
    if (now - this.#since >= this.#longest) this.#distance = distance;
  }

  #committed(now: number): number {
    const { generation, commits } = this.#now;
    if (now - this.#since >= this.#longest) return generation;
    if (this.#distance === null || commits === null) return generation - 1;
    return this.#distance + commits;
  }
}

/**
 * When parts of files may be looked for again. That takes as long however
 * little has changed, so it has a pace of its own: one part in a hundred of the
 * time as well, and the whole files' figure does not wait for it.
 */
export class SearchPace {
  #notBefore = -Infinity;
  #failures = 0;

  rested(now: number): boolean {
    return now >= this.#notBefore;
  }

  done(now: number, elapsedMs: number): void {
    this.#failures = 0;
    this.#notBefore = now + elapsedMs * SEARCH_REST_FACTOR;
  }

  failed(now: number): void {
    this.#notBefore = now + Math.min(MINUTE * 2 ** this.#failures++, LONGEST_RETRY);
  }
}

const DEFAULT_COMMIT = 30;

/**
 * How long a transaction may last at most: the mount option commit=, 30 seconds where it is not given.
 *
 * @param mountinfo the text of /proc/self/mountinfo; the longest of all btrfs in it counts
 * @returns milliseconds
 */
export function commitInterval(mountinfo: string): number {
  const seconds = mountinfo
    .split("\n")
    .filter((line) => line.includes(" - btrfs "))
    .map((line) => Number(/[ ,]commit=(\d+)/u.exec(line)?.[1] ?? DEFAULT_COMMIT));
  return Math.max(DEFAULT_COMMIT, ...seconds) * SECOND;
}
