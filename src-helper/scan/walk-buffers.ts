import { RECORD } from "../native/library.ts";

/** Records and inode numbers that one native call gives. */
export const MAX_RECORDS = 8192;
export const MAX_INODES = 65536;
const MIN_BLOB = 2 ** 20;
const MAX_BLOB = 2 ** 30;

/** What native walks write to; used again and again, since to make them costs more than a short walk. */
export class WalkBuffers {
  readonly records = new Float64Array(MAX_RECORDS * RECORD.fields);
  readonly inodes = new Float64Array(MAX_INODES);
  blob = Buffer.allocUnsafeSlow(MIN_BLOB);

  /** More room for the extents of one inode. @returns false where it has all there may be */
  growBlob(): boolean {
    if (this.blob.length >= MAX_BLOB) return false;
    this.blob = Buffer.allocUnsafeSlow(this.blob.length * 4);
    return true;
  }
}

/** Buffers for as many walks as go on at a time. */
export class BufferPool {
  readonly #free: WalkBuffers[] = [];

  take(): WalkBuffers {
    return this.#free.pop() ?? new WalkBuffers();
  }

  give(buffers: WalkBuffers): void {
    this.#free.push(buffers);
  }

  async with<Result>(work: (buffers: WalkBuffers) => Promise<Result>): Promise<Result> {
    const buffers = this.take();
    try {
      return await work(buffers);
    } finally {
      this.give(buffers);
    }
  }
}
