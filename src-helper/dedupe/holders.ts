import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";

/** Who has which file open for writing or mapped writable, at one moment. */
interface Index {
  readonly takenAt: number;
  /** "device:inode" -> "name (pid N)" */
  readonly holders: ReadonlyMap<string, string>;
}

/** A walk of /proc takes some 30 ms on a desktop; many files may ask at once. */
const FRESH_MS = 250;
/** No machine has so many processes that it should take longer; then the rest is not looked at. */
const WALK_LIMIT_MS = 5000;
/** What all walks of one finder may take together, however many files are in use. */
const TOTAL_LIMIT_MS = 10_000;

/** O_WRONLY and O_RDWR, the access mode in /proc/PID/fdinfo. */
const WRITE_MODES = 3;

function keyOf(path: string): string | null {
  const stat = statSync(path, { bigint: true });
  return stat.isFile() ? `${stat.dev}:${stat.ino}` : null;
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // the process is gone
  }
}

/** Bytes of a command name may be anything: only what is safe to print is kept. */
function nameOf(pid: string): string {
  try {
    let name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    // what newer Nodes call themselves says nothing
    if (name === "MainThread") name = basename(readlinkSync(`/proc/${pid}/exe`));
    return name.replaceAll(/[^\x20-\x7e]/g, "?");
  } catch {
    return "a process";
  }
}

function writtenThroughFds(pid: string, add: (key: string) => void): void {
  for (const fd of entries(`/proc/${pid}/fd`)) {
    try {
      const path = `/proc/${pid}/fd/${fd}`;
      if (!readlinkSync(path).startsWith("/")) continue; // a socket, a pipe
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"))?.[1] ?? "0";
      if ((parseInt(flags, 8) & WRITE_MODES) === 0) continue;
      const key = keyOf(path);
      if (key !== null) add(key);
    } catch {
      // closed in the meantime
    }
  }
}

function writtenThroughMaps(pid: string, add: (key: string) => void): void {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, "latin1");
  } catch {
    return;
  }
  for (const line of maps.split("\n")) {
    const match = /^([0-9a-f]+-[0-9a-f]+) .w.s \S+ \S+ [1-9]\d* /.exec(line);
    if (match?.[1] === undefined) continue;
    try {
      // the device in maps is the superblock's, not the subvolume's: ask the mapping itself
      const key = keyOf(`/proc/${pid}/map_files/${match[1].replaceAll(/\b0+(?=[0-9a-f])/g, "")}`);
      if (key !== null) add(key);
    } catch {
      // unmapped in the meantime
    }
  }
}

function walkProcesses(deadline: number): Map<string, string> {
  const holders = new Map<string, string>();
  for (const pid of entries("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    if (Date.now() > deadline) break;
    let holder: string | undefined;
    const add = (key: string): void => {
      holder ??= `${nameOf(pid)} (pid ${pid})`;
      if (!holders.has(key)) holders.set(key, holder);
    };
    writtenThroughFds(pid, add);
    writtenThroughMaps(pid, add);
  }
  return holders;
}

/** Finds the processes that keep files from being folded. One for a run: it bounds the time of all look-ups. */
export class HolderFinder {
  #index: Index | null = null;
  #spent = 0;

  /**
   * "name (pid N)" of a process that has the file open for writing or mapped
   * writable; null where none can be seen (in another pid namespace, in the
   * kernel, or gone by now).
   * @param fd any open fd of the file
   */
  find(fd: number): string | null {
    return this.findPath(`/proc/self/fd/${fd}`);
  }

  /** As find, by a path. */
  findPath(path: string): string | null {
    let key: string | null;
    try {
      key = keyOf(path);
    } catch {
      return null;
    }
    if (key === null) return null;
    const known = this.#fresh()?.holders.get(key);
    if (known !== undefined) return known;
    return this.#walk().get(key) ?? null;
  }

  #fresh(): Index | null {
    return this.#index !== null && Date.now() - this.#index.takenAt < FRESH_MS ? this.#index : null;
  }

  #walk(): ReadonlyMap<string, string> {
    const fresh = this.#fresh();
    if (fresh !== null || this.#spent > TOTAL_LIMIT_MS) return (fresh ?? this.#index)?.holders ?? new Map();
    const start = Date.now();
    const holders = walkProcesses(start + WALK_LIMIT_MS);
    this.#index = { takenAt: Date.now(), holders };
    this.#spent += Date.now() - start;
    return holders;
  }
}

/** Whether the file at a path (or /proc/self/fd/N) is an active swap file. */
export function isSwapFile(path: string): boolean {
  try {
    const key = keyOf(path);
    return readFileSync("/proc/swaps", "latin1")
      .split("\n")
      .slice(1)
      .map((line) => line.split(/\s/)[0] ?? "")
      .filter((name) => name.startsWith("/"))
      .map((name) =>
        Buffer.from(
          name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
          "latin1",
        ),
      )
      .some((name) => {
        const stat = statSync(name, { bigint: true });
        return `${stat.dev}:${stat.ino}` === key;
      });
  } catch {
    return false;
  }
}
