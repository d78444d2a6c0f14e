/** When a volume is worth a live scan: what its generation says, and what scans cost. No timers, no clock of its own. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Between the starts of two live scans. A helper that needs no password takes no more. */
export const SCAN_EVERY = MINUTE;
/** A transaction is committed so long after its beginning at the latest, and a moment for the commit itself. */
const COMMIT_SLACK = 2 * SECOND;
/**
 * After a rest a first change is given time: what a program just wrote has extents only after some 35 seconds, when the
 * kernel writes it back, and those are committed 30 seconds after that.
 */
const PATIENCE = 75 * SECOND;
/** A volume whose last scan is not older is at work all the time: nothing is gained by patience. */
const AT_WORK = 2 * MINUTE;
/** A scan that took a second is followed by none for a hundred: live scans have one part in a hundred of the time. */
const REST_FACTOR = 100;
const LONGEST_REST = 15 * MINUTE;
/** After one that failed the next is tried later and later. */
const LONGEST_RETRY = 60 * MINUTE;

/**
 * Follows the generation of one volume.
 *
 * The generation rises when a transaction begins, and a scan sees what is
 * committed: of generation g all before g are, and g itself once it has stood
 * for as long as a transaction can last.
 */
export class Pace {
  /** Everything up to this generation was on disk when the last scan began. */
  #covered = -1;
  #generation = -1;
  /** When this generation was first seen. */
  #since = 0;
  /** When something that is not covered was first seen; null: nothing is. */
  #movedAt: number | null = null;
  #lastStart = -Infinity;
  #rest = SCAN_EVERY;
  #covering = -1;
  #failures = 0;

  /** @param generation as just read; @param now milliseconds */
  seen(generation: number, now: number): void {
    // a lower one: another filesystem under the same uuid, an image that was restored
    if (generation < this.#generation) this.#covered = -1;
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#since = now;
    }
    if (generation > this.#covered) this.#movedAt ??= now;
  }

  /** When what has to be scanned first came; null where nothing has to be scanned at `now`. */
  due(now: number, commitMs: number, slower = 1): number | null {
    if (this.#movedAt === null || !this.rested(now, slower)) return null;
    if (this.#committed(now, commitMs) <= this.#covered) return null;
    const settled = this.#committed(now, commitMs) === this.#generation;
    const atWork = now - this.#lastStart < AT_WORK * slower;
    return settled || atWork || now - this.#movedAt >= PATIENCE ? this.#movedAt : null;
  }

  /** Whether a scan that is wanted for another reason may begin. */
  rested(now: number, slower = 1): boolean {
    return now >= this.#lastStart + this.#rest * slower;
  }

  begin(now: number, commitMs: number): void {
    this.#lastStart = now;
    this.#covering = this.#committed(now, commitMs);
  }

  /** It was not done: something else went first. */
  refused(): void {
    this.#rest = SCAN_EVERY;
  }

  failed(): void {
    this.#rest = Math.min(SCAN_EVERY * 2 ** this.#failures++, LONGEST_RETRY);
  }

  /** The scan is done. @param elapsedMs with all that comes of it */
  done(now: number, elapsedMs: number): void {
    this.#failures = 0;
    this.#rest = Math.max(SCAN_EVERY, Math.min(elapsedMs * REST_FACTOR, LONGEST_REST));
    this.#covered = this.#covering;
    this.#movedAt = this.#generation > this.#covered ? now : null;
  }

  #committed(now: number, commitMs: number): number {
    return now - this.#since >= commitMs + COMMIT_SLACK ? this.#generation : this.#generation - 1;
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
    this.#notBefore = now + elapsedMs * REST_FACTOR;
  }

  failed(now: number): void {
    this.#notBefore = now + Math.min(SCAN_EVERY * 2 ** this.#failures++, LONGEST_RETRY);
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
