/** What the tests of the command line's behaviour share. */
import { closeSync, constants, openSync, readFileSync, writeSync, type BigIntStats } from "node:fs";
import { FileFlag, getFlags, setTimes, withFd } from "../support/libc.ts";
import type { Random } from "../support/random.ts";
import { refold, type RunOptions, type RunResult } from "../support/run.ts";
import type { PathState, TreeState } from "../support/state.ts";
import { fileKey } from "../support/oracle.ts";
import type { LoopVolume } from "../support/volume.ts";
import { walk } from "../support/walk.ts";

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

export interface StuckFile {
  readonly id: string;
  readonly path: string;
  readonly inode: number;
  readonly origin: "refold" | "unknown";
  readonly since: string | null;
}

/** Commands of Refold on one volume, with a database of their own beside it. */
export class Commands {
  readonly volume: LoopVolume;

  constructor(volume: LoopVolume) {
    this.volume = volume;
  }

  get db(): string {
    return this.volume.beside("db");
  }

  /** `refold COMMAND VOLUME --db ... WORDS` */
  run(command: string, words: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return refold([command, this.volume.path, "--db", this.db, ...words], options);
  }

  dedup(words: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return this.run("dedup", ["--yes", "--min-size", "1", ...words], options);
  }

  async stuck(): Promise<readonly StuckFile[]> {
    const run = await this.run("stuck", ["--json"]);
    return (run.expectCode(0).json() as { files: StuckFile[] }).files;
  }
}

/** "subvolume:inode" of a stuck file, from its id "subvolume:inode:generation". */
export function keyOfStuck(file: StuckFile): string {
  const [subvolume, inode] = file.id.split(":").map(Number);
  return fileKey(subvolume ?? NaN, inode ?? NaN);
}

function isImmutableFile(state: PathState): boolean {
  return (
    (parseInt(state.get("mode") ?? "", 8) & S_IFMT) === S_IFREG &&
    (Number(state.get("flags")) & FileFlag.immutable) !== 0
  );
}

/** "subvolume:inode" of every regular file that the kernel says is immutable. */
export function immutableFiles(state: TreeState): Set<string> {
  const files = [...state.values()].filter(isImmutableFile);
  return new Set(files.map((file) => file.get("inode") ?? ""));
}

/** The state with the immutable flag of the files given taken off. */
export function withoutFlag(state: TreeState, keys: ReadonlySet<string>): TreeState {
  return new Map(
    [...state].map(([path, file]) => {
      if (!keys.has(file.get("inode") ?? "") || !isImmutableFile(file)) return [path, file];
      const flags = Number(file.get("flags")) & ~FileFlag.immutable;
      return [path, new Map([...file, ["flags", `0x${flags.toString(16)}`]])];
    }),
  );
}

function rewrite(at: Buffer, stats: BigIntStats): void {
  const content = readFileSync(at);
  const fd = openSync(at, constants.O_WRONLY);
  try {
    writeSync(fd, content);
  } finally {
    closeSync(fd);
  }
  // times before 1970 are negative; nanoseconds count up from the second below
  const nanoseconds = ((stats.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  setTimes(at, (stats.mtimeNs - nanoseconds) / 1_000_000_000n, nanoseconds);
}

/**
 * Undoes some of a fold: writes random files anew in place, with the bytes and
 * the mtime they had, so that their data is their own again.
 */
export function unfold(volume: LoopVolume, random: Random, share: number): void {
  const locked = FileFlag.immutable | FileFlag.append;
  walk(volume.path, ({ at, stats, subvolume }) => {
    if (!stats.isFile() || stats.size === 0n || subvolume.readOnly || !random.chance(share)) return;
    if ((withFd(at, getFlags) & locked) === 0) rewrite(at, stats);
  });
  volume.sync();
}
