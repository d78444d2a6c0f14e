/** What the tests of the fold share: a volume as the fold sees it, and plans made of paths. */
import { openSync, closeSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { foldFiles, foldPlans } from "../../src-helper/dedupe/fold.ts";
import type { FoldPlan, FoldVolume, Member } from "../../src-helper/dedupe/types.ts";
import type {
  FoldOptions,
  FoldResult,
  Progress,
  RunContext,
  SkipReason,
} from "../../src-helper/engine/contract.ts";
import { Journal } from "../../src-helper/journal/store.ts";
import { call, RECORD, tryCall } from "../../src-helper/native/library.ts";
import { readFsInfo } from "../../src-helper/volumes/fs-info.ts";
import { LoopVolume, type LoopVolumeOptions } from "../support/volume.ts";

/** Large enough for the extents of any file of these tests. */
const blob = Buffer.alloc(4 << 20);

export const DEFAULTS: FoldOptions = { lock: "immutable", defrag: false, priority: "normal" };

/** A context that keeps what it was told. */
export class TestContext implements RunContext {
  readonly controller = new AbortController();
  readonly logged: string[] = [];
  /** Called with every progress, on the fold's own thread. */
  onProgress: (progress: Progress) => void = () => undefined;

  get signal(): AbortSignal {
    return this.controller.signal;
  }
  progress(progress: Progress): void {
    this.onProgress(progress);
  }
  log(_level: "warning" | "note", message: string): void {
    this.logged.push(message);
  }
}

/** The fold's view of a mounted filesystem. */
export class FoldBench implements Disposable {
  readonly root: string;
  readonly uuid: string;
  readonly journal: Journal;
  readonly #dir: number;
  readonly #paths = new Map<string, string>();
  /** Non-null only where this bench made the volume. */
  readonly #owned: LoopVolume | null;

  constructor(root: string, uuid: string, databaseDir: string, owned: LoopVolume | null = null) {
    this.root = root;
    this.uuid = uuid;
    this.#owned = owned;
    this.#dir = call("rf_open_dir", Buffer.from(`${root}\0`));
    this.journal = Journal.open(databaseDir, uuid, (message) => {
      throw new Error(message);
    });
  }

  static create(options: LoopVolumeOptions = {}): FoldBench {
    const loop = LoopVolume.create(options);
    try {
      return new FoldBench(loop.path, loop.uuid, loop.beside("db"), loop);
    } catch (error) {
      loop.dispose();
      throw error;
    }
  }

  get loop(): LoopVolume {
    if (this.#owned === null) throw new Error("this bench did not make its volume");
    return this.#owned;
  }

  get volume(): FoldVolume {
    return {
      uuid: this.uuid,
      dir: this.#dir,
      sectorSize: 4096,
      pathOf: (subvolume, inode) => Buffer.from(this.#paths.get(`${subvolume}:${inode}`) ?? "?"),
      generation: () => readFsInfo(this.#dir).generation,
    };
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, content: Buffer): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** A file as a scan would have it. Sync before. */
  member(path: string, readOnly = false): Member {
    const fd = openSync(path, "r");
    const identity = new Float64Array(8);
    try {
      call("rf_identity", fd, identity);
    } finally {
      closeSync(fd);
    }
    const [subvolume = 0, inode = 0] = identity;
    const record = new Float64Array(RECORD.fields);
    const cursor = new Float64Array(1);
    const inodes = Float64Array.of(inode);
    call("rf_read_inodes", this.#dir, subvolume, 4096, inodes, 1, cursor, record, 1, blob, blob.length, null);
    this.#paths.set(`${subvolume}:${inode}`, path);
    return {
      subvolume,
      inode,
      generation: record[RECORD.generation] ?? 0,
      size: record[RECORD.size] ?? 0,
      flags: record[RECORD.flags] ?? 0,
      layout: record[RECORD.layout] ?? 0,
      traits: record[RECORD.traits] ?? 0,
      extents: Uint8Array.from(blob.subarray(0, record[RECORD.blobLength] ?? 0)),
      readOnly,
    };
  }

  /** The first path is the source. */
  plan(paths: readonly string[], readOnly: (path: string) => boolean = () => false): FoldPlan {
    const [source, ...destinations] = paths.map((path) => this.member(path, readOnly(path)));
    if (source === undefined) throw new Error("a plan needs a source");
    return { groupId: paths.join(), size: source.size, source, destinations, left: [] };
  }

  /** Syncs, so that the trees say what the files are, and folds. */
  async foldPaths(
    groups: readonly (readonly string[])[],
    options: Partial<FoldOptions> = {},
    ctx: TestContext = new TestContext(),
  ): Promise<FoldResult> {
    call("rf_syncfs", this.#dir);
    return this.fold(
      groups.map((paths) => this.plan(paths)),
      options,
      ctx,
    );
  }

  fold(
    plans: readonly FoldPlan[],
    options: Partial<FoldOptions> = {},
    ctx: TestContext = new TestContext(),
  ): Promise<FoldResult> {
    const totalBytes = plans.reduce((sum, plan) => sum + plan.size * plan.destinations.length, 0);
    const all = { ...DEFAULTS, ...options, predictedBytes: totalBytes, totalBytes };
    return foldPlans(this.volume, plans, { mendedBytes: 0, ...all }, this.journal, ctx);
  }

  async foldNamed(
    source: string,
    destinations: readonly string[],
    options: Partial<FoldOptions> = {},
  ): ReturnType<typeof foldFiles> {
    call("rf_syncfs", this.#dir);
    const named = (path: string): { member: Member; path: Buffer } => ({
      member: this.member(path),
      path: Buffer.from(path),
    });
    const all = { ...DEFAULTS, ...options };
    return foldFiles(
      this.volume,
      named(source),
      destinations.map(named),
      all,
      this.journal,
      new TestContext(),
    );
  }

  [Symbol.dispose](): void {
    this.journal.close();
    tryCall("rf_close", this.#dir);
    this.#owned?.dispose();
  }
}

/** Path -> reason of what was skipped. */
export function reasonsOf(result: FoldResult): Record<string, SkipReason> {
  return Object.fromEntries(result.skipped.map(({ path, reason }) => [path.toString(), reason]));
}

/** Whether two files share all their data, told by the engine's layout hash. Sync before. */
export function sharesAll(bench: FoldBench, a: string, b: string): boolean {
  return bench.member(a).layout === bench.member(b).layout;
}

/** Open descriptors of this process that lead to files below a directory. */
export function descriptorsBelow(directory: string): number {
  const device = statSync(directory).dev;
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return statSync(`/proc/self/fd/${fd}`).dev === device;
    } catch {
      return false; // the one that readdir itself had
    }
  }).length;
}
