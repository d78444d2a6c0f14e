import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants } from "node:os";
import koffi from "koffi";

/**
 * The native library, bound once. native/include/refold.h is the reference:
 * every function returns >= 0, or -errno.
 */

/** RF_ABI_VERSION: to be raised with every change of a signature. */
const ABI_VERSION = 9;

/** Fields of one record of walk and readInodes (enum rf_record). */
export const RECORD = {
  ino: 0,
  generation: 1,
  transid: 2,
  size: 3,
  mode: 4,
  flags: 5,
  nlink: 6,
  uid: 7,
  mtime: 8,
  parent: 9,
  blobOffset: 10,
  blobLength: 11,
  extents: 12,
  layout: 13,
  traits: 14,
  diskBytes: 15,
  extentGeneration: 16,
  fields: 17,
} as const;

/** Bits of RECORD.traits (enum rf_traits). */
export const TRAIT = {
  disk: 1,
  inline: 2,
  compressed: 4,
  prealloc: 8,
  beyondEof: 16,
  /** Its own attribute says that it, and what is below it, is left alone. */
  optOut: 32,
  /** Named by more than one directory. */
  parents: 64,
} as const;

/** enum rf_print_status. */
export const PRINT = { plain: 0, opaque: 1, unknown: 2 } as const;

/** Fields of one result of lockFiles, and its stages. */
export const LOCK = { fd: 0, stage: 1, error: 2, setImmutable: 3, wasImmutable: 4, size: 5, fields: 6 } as const;
export const LOCK_STAGE = { open: 0, flags: 1, immutable: 2, lease: 3, done: 4 } as const;

/** enum rf_step_status, and the limits of dedupeSteps. */
export const STEP = {
  same: 0,
  differs: 1,
  wanted: 2,
  sourceWanted: 3,
  passed: 4,
  cancelled: 5,
  flag: 4096,
  fields: 4,
  maxEntries: 32,
} as const;

/** Shared with a running native call: write cancel, read done (units are the call's) and bytes read. */
export class Control {
  readonly #values = new Float64Array(4);

  get buffer(): Float64Array {
    return this.#values;
  }
  cancel(): void {
    this.#values[0] = 1;
  }
  get done(): number {
    return this.#values[1] ?? 0;
  }
  get bytesRead(): number {
    return this.#values[2] ?? 0;
  }
}

/** A failed native call: errno's number and its name, and what was called. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  readonly call: string;
  readonly errno: number;
  /** "ENOENT" and the like. */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

/** EAGAIN and EOPNOTSUPP have a second name each, of no use here. */
const ERRNO_NAMES = new Map<number, string>(
  Object.entries(constants.errno)
    .map(([name, number]): [number, string] => [number, name])
    .filter(([, name]) => name !== "EWOULDBLOCK" && name !== "ENOTSUP"),
);

/** "ENOENT" for 2. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

/** Beside the bundle when packaged, in native/build in a clone. */
function libraryPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [
    join(here, "librefold.so"),
    join(here, "../../native/build/librefold.so"), // from dist/helper and from src-helper/native
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error("the native library is missing: run `npm run build`");
  }
  return found;
}

type Args = readonly unknown[];
type Sync = (...args: Args) => number;
interface Bound extends Sync {
  async: (...args: unknown[]) => void;
}

const SIGNATURES = {
  rf_abi_version: "int rf_abi_version()",
  rf_fs_info: "int rf_fs_info(int, double *, uint8_t *)",
  rf_label: "int rf_label(int, uint8_t *)",
  rf_dev_info: "int rf_dev_info(int, double, double *, uint8_t *)",
  rf_space_info: "int rf_space_info(int, double *, int)",
  rf_mount_top: "int rf_mount_top(const char *, int *)",
  rf_open_dir: "int rf_open_dir(uint8_t *)",
  rf_close: "int rf_close(int)",
  rf_syncfs: "int rf_syncfs(int)",
  rf_flock: "int rf_flock(int)",
  rf_peercred: "int rf_peercred(int, double *)",
  rf_set_priority: "int rf_set_priority(int, int, int)",
  rf_tree_search:
    "int rf_tree_search(int, uint64_t, uint64_t, uint32_t, uint64_t, uint64_t, uint32_t, uint64_t, uint64_t, uint8_t *, uint32_t)",
  rf_walk:
    "int rf_walk(int, double, uint32_t, double, double *, double *, uint32_t, uint8_t *, uint32_t, double *)",
  rf_read_inodes:
    "int rf_read_inodes(int, double, uint32_t, double *, uint32_t, double *, double *, uint32_t, uint8_t *, uint32_t, double *)",
  rf_changed_inodes: "int rf_changed_inodes(int, double, double, double *, double *, uint32_t, double *)",
  rf_dir_children:
    "int rf_dir_children(int, double, double *, uint32_t, double *, double *, uint32_t, double *)",
  rf_read_names:
    "int rf_read_names(int, double, double *, uint32_t, double *, double *, uint32_t *, uint8_t *, uint32_t, double *)",
  rf_csum_prints:
    "int rf_csum_prints(int, uint32_t, uint32_t, uint8_t *, uint32_t, double *, uint32_t, uint8_t *, uint8_t *, uint8_t *, double *)",
  rf_read_prints:
    "int rf_read_prints(int, uint32_t, double *, uint32_t, int, uint8_t *, uint8_t *, int32_t *, double *)",
  rf_crc32c: "uint32_t rf_crc32c(uint8_t *, uint32_t)",
  rf_open_inode: "int rf_open_inode(int, double, double, double)",
  rf_identity: "int rf_identity(int, double *)",
  rf_is_immutable: "int rf_is_immutable(int)",
  rf_set_immutable: "int rf_set_immutable(int, int)",
  rf_lease: "int rf_lease(int)",
  rf_unlease: "int rf_unlease(int)",
  rf_lease_broken: "int rf_lease_broken(int)",
  rf_lock_files: "int rf_lock_files(int, double *, uint32_t, double *)",
  rf_unlock_files: "int rf_unlock_files(int32_t *, uint8_t *, uint32_t, int32_t *)",
  rf_dedupe: "int rf_dedupe(int, double, double, int32_t *, double *, uint32_t, int32_t *, double *)",
  rf_readahead: "int rf_readahead(int, double, double, uint8_t *, double *)",
  rf_drop_cache: "int rf_drop_cache(int, double, double, uint8_t *)",
  rf_defrag: "int rf_defrag(int, double, double *)",
  rf_extents_alive: "int rf_extents_alive(int, double *, uint32_t, double, uint8_t *, double *)",
  rf_extent_owners: "int rf_extent_owners(int, double, double *, uint32_t)",
  rf_deep_runs:
    "int rf_deep_runs(int, uint32_t, uint32_t, double *, uint32_t, int, uint32_t, double, uint32_t, double *, uint32_t, double *, double *)",
  rf_deep_read: "int rf_deep_read(int, uint32_t, uint32_t, double *, uint32_t, int, double *)",
  rf_temp_file: "int rf_temp_file(int, int)",
  rf_clone_range: "int rf_clone_range(int, double, double, int, double)",
  rf_truncate: "int rf_truncate(int, double)",
  rf_copy_range: "int rf_copy_range(int, int, double, double, double *)",
  rf_flush: "int rf_flush(int)",
  rf_prefetch: "int rf_prefetch(int, double *, uint32_t, double *, int32_t *, int32_t *, uint8_t *, double *)",
  rf_drop_prefetched: "int rf_drop_prefetched(int32_t *, uint32_t, double *, double *, uint8_t *)",
  rf_dedupe_steps:
    "int rf_dedupe_steps(double *, uint32_t, int32_t *, int32_t *, uint8_t *, uint32_t, int32_t *, double *)",
  rf_restrict: "int rf_restrict(double)",
  rf_exec: "int rf_exec(const char *, uint8_t *, uint32_t, uint8_t *, uint32_t)",
  rf_no_dump: "int rf_no_dump()",
  rf_seccomp: "int rf_seccomp(int)",
} as const;
type Name = keyof typeof SIGNATURES;

let bound: Map<Name, Bound> | undefined;

function functionOf(name: Name): Bound {
  if (bound === undefined) {
    const library = koffi.load(libraryPath());
    bound = new Map<Name, Bound>();
    for (const key of Object.keys(SIGNATURES) as Name[]) {
      bound.set(key, library.func(SIGNATURES[key]) as Bound);
    }
    const version = call("rf_abi_version");
    if (version !== ABI_VERSION) {
      throw new Error(`the native library has version ${version}, not ${ABI_VERSION}: run \`npm run build\``);
    }
  }
  const found = bound.get(name);
  if (found === undefined) throw new Error(`not bound: ${name}`);
  return found;
}

/**
 * Calls a short native function on this thread.
 * @returns what it returned, which may be -errno
 */
export function tryCall(name: Name, ...args: Args): number {
  return functionOf(name)(...args);
}

/** As tryCall. @throws NativeError where it failed */
export function call(name: Name, ...args: Args): number {
  const result = tryCall(name, ...args);
  if (result < 0) throw new NativeError(name, -result);
  return result;
}

/** Calls a long native function on the thread pool; -errno is passed on as it is. */
export function tryCallAsync(name: Name, ...args: Args): Promise<number> {
  return new Promise((resolve, reject) => {
    functionOf(name).async(...args, (error: Error | null, result: number) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** As tryCallAsync. @throws NativeError where it failed */
export async function callAsync(name: Name, ...args: Args): Promise<number> {
  const result = await tryCallAsync(name, ...args);
  if (result < 0) throw new NativeError(name, -result);
  return result;
}

