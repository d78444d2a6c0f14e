import { callAsync, NativeError, type Control } from "../native/library.ts";
import { runNative, type ScanContext } from "./scan-context.ts";
import { MAX_INODES, MAX_RECORDS, type BufferPool, type WalkBuffers } from "./walk-buffers.ts";

/** Called for each record of a native walk: the k-th of those in the buffers. */
type VisitRecord = (records: Float64Array, k: number, blob: Buffer) => void;
/** What a native walk wrote, to buffers of a pool. */
interface Read {
  readonly buffers: WalkBuffers;
  readonly count: number;
}
type NativeWalk = (buffers: WalkBuffers, control: Control) => Promise<number>;

/** What the walks of a scan have in common: what they count and say of their progress, and their buffers. */
export interface WalkCount {
  readonly buffers: BufferPool;
  inodesRead: number;
  /** Inodes that there may be to read; null where nobody knows. */
  total: number | null;
}

/** Asks the kernel what is in subvolume trees, by native walks. */
export class TreeReader {
  readonly #context: ScanContext;
  readonly #count: WalkCount;

  constructor(context: ScanContext, count: WalkCount) {
    this.#context = context;
    this.#count = count;
  }

  /**
   * @param minTransid leaves that are older are not read; 0: all are
   * @param pause called after some records, while the walk goes on
   */
  walk(
    subvolume: number,
    minTransid: number,
    visit: VisitRecord,
    pause?: () => Promise<void>,
  ): Promise<void> {
    const cursor = new Float64Array(1);
    return this.#records(
      ({ records, blob }, control) =>
        callAsync(
          "rf_walk",
          this.#context.dir,
          subvolume,
          this.#context.sectorSize,
          minTransid,
          cursor,
          records,
          MAX_RECORDS,
          blob,
          blob.length,
          control.buffer,
        ),
      () => cursor[0] === 0,
      visit,
      pause,
    );
  }

  /** Inodes by their numbers; mode 0: it is gone, or neither file nor directory. */
  async inodes(subvolume: number, inos: Float64Array, visit: VisitRecord): Promise<void> {
    if (inos.length === 0) return;
    const cursor = new Float64Array(1);
    await this.#records(
      ({ records, blob }, control) =>
        callAsync(
          "rf_read_inodes",
          this.#context.dir,
          subvolume,
          this.#context.sectorSize,
          inos,
          inos.length,
          cursor,
          records,
          MAX_RECORDS,
          blob,
          blob.length,
          control.buffer,
        ),
      () => cursor[0] === inos.length,
      visit,
    );
  }

  /** Numbers of inodes with an item in a leaf that is newer than a generation. */
  async *changedInodes(subvolume: number, settled: number): AsyncGenerator<Float64Array> {
    const cursor = new Float64Array(1);
    do {
      yield await this.#count.buffers.with(async ({ inodes }) => {
        const count = await runNative(this.#context, this.#progress, (control) =>
          callAsync(
            "rf_changed_inodes",
            this.#context.dir,
            subvolume,
            settled + 1,
            cursor,
            inodes,
            MAX_INODES,
            control.buffer,
          ),
        );
        return inodes.slice(0, count);
      });
    } while (cursor[0] !== 0);
  }

  /** The inodes that directories name. */
  async namedBy(subvolume: number, directories: readonly number[]): Promise<Set<number>> {
    const named = new Set<number>();
    const list = Float64Array.from(directories);
    const cursor = new Float64Array(2);
    while ((cursor[0] ?? 0) < list.length) {
      await this.#count.buffers.with(async ({ inodes }) => {
        const count = await runNative(this.#context, this.#progress, (control) =>
          callAsync(
            "rf_dir_children",
            this.#context.dir,
            subvolume,
            list,
            list.length,
            cursor,
            inodes,
            MAX_INODES,
            control.buffer,
          ),
        );
        for (const ino of inodes.subarray(0, count)) named.add(ino);
      });
    }
    return named;
  }

  /**
   * Calls a native walk until it is done. While the records of one call are
   * looked at, the next is under way, and writes to other buffers.
   */
  async #records(
    walk: NativeWalk,
    done: () => boolean,
    visit: VisitRecord,
    pause?: () => Promise<void>,
  ): Promise<void> {
    const { buffers: pool } = this.#count;
    let current: Promise<Read> | null = this.#read(walk);
    while (current !== null) {
      const { buffers, count } = await current;
      const next: Promise<Read> | null = done() ? null : this.#read(walk);
      next?.catch(() => undefined); // looked at above, or of no interest any more
      try {
        for (let k = 0; k < count; k++) visit(buffers.records, k, buffers.blob);
        await pause?.();
      } catch (error) {
        // nobody else gets buffers that are still written to
        await next?.then((read) => {
          pool.give(read.buffers);
        });
        throw error;
      } finally {
        pool.give(buffers);
      }
      this.#count.inodesRead += count;
      current = next;
    }
  }

  /** One call of a native walk, with a larger buffer where one inode needs it. */
  async #read(walk: NativeWalk): Promise<Read> {
    const { buffers: pool } = this.#count;
    const buffers = pool.take();
    try {
      for (;;) {
        try {
          const count = await runNative(this.#context, this.#progress, (control) => walk(buffers, control));
          return { buffers, count };
        } catch (error) {
          if (!(error instanceof NativeError) || error.code !== "EMSGSIZE" || !buffers.growBlob())
            throw error;
        }
      }
    } catch (error) {
      pool.give(buffers);
      throw error;
    }
  }

  readonly #progress = (
    done: number,
  ): { phase: "walk"; done: number; total: number | null; unit: "files" } => ({
    phase: "walk",
    done: this.#count.inodesRead + done,
    total: this.#count.total,
    unit: "files",
  });
}
