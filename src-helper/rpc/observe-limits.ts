import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  futimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RefoldError } from "../engine/errors.ts";
import { errnoName, NativeError, tryCall } from "../native/library.ts";
import { discoverVolumes } from "../volumes/discover.ts";
import { RpcError } from "./errors.ts";
import type { Handler } from "./handlers.ts";
import type { Tasks } from "./tasks.ts";

/** Between the starts of two scans of a volume that somebody asks for: milliseconds. */
export const SCAN_EVERY_MS = 60_000;
/** Between the start of a live scan and of any other before it, where that one took no longer than it may. */
export const LIVE_EVERY_MS = 15_000;
/** A live scan waits for twenty times as long as the one before it took, and for a minute at most. */
const LIVE_REST_FACTOR = 20;
/** A scan that waits keeps others from the volume: a pause of nobody's goes on by itself. */
export const LONGEST_PAUSE_MS = 5 * 60_000;
/** Helpers of one user at one time: an app that starts again meets the one that ends. */
const SLOTS = 2;

export interface ObserveLimitsOptions {
  readonly databaseDir: string;
  /** For what lives until the next boot. */
  readonly runtimeDir: string;
  /** PKEXEC_UID says whose helper it is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * What keeps helpers that need no password from loading the machine: at most
 * two processes a user, one scan at a time on the whole machine, and of each
 * volume one a minute that somebody asks for. A live scan waits a quarter of a
 * minute after any other, a whole one where that took seconds, and nobody who
 * asks waits for it. All this holds between processes, by locks that end with
 * them (flock(2)) and by files that only root can touch. Those of a volume are
 * in memory (/run): a live scan that finds nothing must not write to a disk.
 */
export class ObserveLimits {
  readonly #locks: string;
  readonly #stamps: string;
  readonly #slot: number;

  private constructor(locks: string, stamps: string, slot: number) {
    this.#locks = locks;
    this.#stamps = stamps;
    this.#slot = slot;
  }

  /** @throws RefoldError "busy" where this user has enough of them */
  static take({ databaseDir, runtimeDir, environment }: ObserveLimitsOptions): ObserveLimits {
    const locks = join(databaseDir, "observe");
    const stamps = join(runtimeDir, "observe");
    mkdirSync(locks, { recursive: true, mode: 0o700 });
    // the demo volume is mounted beside them, where people are to look
    mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
    mkdirSync(stamps, { recursive: true, mode: 0o700 });
    const user = environment["PKEXEC_UID"] ?? "0";
    for (let slot = 0; slot < SLOTS; slot++) {
      const fd = locked(join(locks, `user-${user}-${String(slot)}`));
      if (fd !== null) return new ObserveLimits(locks, stamps, fd);
    }
    throw new RefoldError("busy", "Refold looks at the volumes for this user already.", {
      kept: "Nothing was done.",
      next: "End the other Refold first.",
    });
  }

  /** `scan` and `pause` as they are under the limits. */
  around(
    scan: Handler<"scan">,
    tasks: Pick<Tasks, "pause">,
  ): { scan: Handler<"scan">; pause: Handler<"pause"> } {
    return {
      scan: async (params, call) => {
        // of what is not mounted nothing may be kept, nor may it be mounted for somebody without a password
        if (!discoverVolumes().some(({ info }) => info.uuid === params.volume))
          throw new RefoldError("no-volume", "not mounted");
        const turn = locked(join(this.#locks, "scan"));
        if (turn === null) throw tooSoon("Refold scans already, here or for somebody else.", 1);
        try {
          const asked = join(this.#stamps, `scan-${params.volume}`);
          const live = join(this.#stamps, `live-${params.volume}`);
          if (params.live === true) mustBeOld([asked, live]);
          return await stamped(params.live === true ? live : asked, params.live !== true, () =>
            scan(params, call),
          );
        } finally {
          closeSync(turn);
        }
      },
      pause: ({ task, paused }, call) => {
        tasks.pause(task, paused);
        if (paused) {
          const timer = setTimeout(() => {
            resume(tasks, task);
          }, LONGEST_PAUSE_MS);
          timer.unref();
          call.closing.addEventListener("abort", () => {
            clearTimeout(timer);
          });
        }
        return {};
      },
    };
  }

  close(): void {
    closeSync(this.#slot);
  }
}

/** @throws RpcError "busy" where the scan of one of these stamps began so short ago that no live one may follow */
function mustBeOld(stamps: readonly string[]): void {
  for (const path of stamps) {
    const known = statSync(path, { throwIfNoEntry: false });
    if (known === undefined) continue;
    const tookMs = Number(readFileSync(path, "latin1"));
    mustBePast(known.mtimeMs, Math.min(Math.max(LIVE_EVERY_MS, tookMs * LIVE_REST_FACTOR), SCAN_EVERY_MS));
  }
}

function mustBePast(moment: number, restMs: number): void {
  const since = Date.now() - moment;
  // a stamp of the future is a clock that was set back
  if (since < 0 || since >= restMs) return;
  throw tooSoon("This volume was scanned a moment ago.", Math.ceil((restMs - since) / 1000));
}

/**
 * Does what a stamp is of: the file's time says when it began, its text how many milliseconds it took.
 * @param once at most once in SCAN_EVERY_MS
 * @throws RpcError "busy" where one began a moment ago
 */
async function stamped<T>(path: string, once: boolean, work: () => T | Promise<T>): Promise<T> {
  let fd: number;
  let isNew = true;
  try {
    fd = openSync(
      path,
      constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    isNew = false;
    fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  }
  try {
    if (once && !isNew) mustBePast(fstatSync(fd).mtimeMs, SCAN_EVERY_MS);
    const start = Date.now();
    // until it has ended, or where it dies, it counts as one that takes no time
    ftruncateSync(fd);
    futimesSync(fd, start / 1000, start / 1000);
    try {
      return await work();
    } finally {
      writeSync(fd, String(Math.max(0, Date.now() - start)), 0);
      futimesSync(fd, start / 1000, start / 1000);
    }
  } finally {
    closeSync(fd);
  }
}

/** The fd of a file that this process has to itself, until it is closed; null where another one has. */
function locked(path: string): number | null {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const result = tryCall("rf_flock", fd);
  if (result === 0) return fd;
  closeSync(fd);
  if (errnoName(-result) === "EAGAIN") return null;
  throw new NativeError("rf_flock", -result);
}

function tooSoon(message: string, seconds: number): RpcError {
  return new RpcError("busy", message, {
    kept: "Nothing was done.",
    next: `Try again in ${String(seconds)} ${seconds === 1 ? "second" : "seconds"}.`,
  });
}

function resume(tasks: Pick<Tasks, "pause">, task: string): void {
  try {
    tasks.pause(task, false);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error; // it has ended
  }
}
