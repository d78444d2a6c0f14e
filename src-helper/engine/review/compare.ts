import { read as readCallback } from "node:fs";
import { promisify } from "node:util";
import { call, errnoName, tryCall } from "../../native/library.ts";
import type { Comparison } from "../../rpc/protocol.ts";
import { RefoldError } from "../errors.ts";
import type { FileColumns } from "./columns.ts";
import type { Names } from "./filter.ts";
import { NamesLocator } from "./rows.ts";
import { StaleReviewError } from "./stale.ts";

const read = promisify(readCallback);

/** What is shown of a file, and how much of two is compared: bytes. */
const HEAD_BYTES = 4096;
const COMPARED_BYTES = 1 << 20;

/** A file by its identity, with the path to show for it. */
export interface ComparedFile {
  readonly path: string;
  readonly subvolume: number;
  readonly inode: number;
  readonly generation: number;
}

/**
 * A file of a review.
 * @param id of copies in several snapshots that are one row, the one that is meant
 */
export function comparedFile(files: FileColumns, names: Names, row: number, id: string): ComparedFile {
  const subvolume = files.subvolumesOf(row).find((one) => files.id(row, one) === id);
  return {
    path: new NamesLocator(names).locate(files, row).path,
    subvolume: subvolume ?? files.subvolume[row] ?? 0,
    inode: files.inode[row] ?? 0,
    generation: files.generation[row] ?? 0,
  };
}

/**
 * The beginnings of two files. They are opened by handle, so they are the
 * files of the scan, whatever their paths mean now; no time of theirs changes.
 *
 * @param dir any directory of the volume
 * @throws StaleReviewError where one is gone; RefoldError where one cannot be read
 */
export async function compareFiles(dir: number, a: ComparedFile, b: ComparedFile): Promise<Comparison> {
  using one = OpenFile.open(dir, a);
  using other = OpenFile.open(dir, b);
  const [x, y] = [await one.read(COMPARED_BYTES), await other.read(COMPARED_BYTES)];
  const comparedBytes = Math.min(x.length, y.length);
  return {
    a: one.describe(x),
    b: other.describe(y),
    comparedBytes,
    equal: x.subarray(0, comparedBytes).equals(y.subarray(0, comparedBytes)),
  };
}

class OpenFile implements Disposable {
  readonly #fd: number;
  readonly #file: ComparedFile;
  readonly #size: number;
  readonly #mtime: number;

  private constructor(fd: number, file: ComparedFile) {
    this.#fd = fd;
    this.#file = file;
    const identity = new Float64Array(8);
    call("rf_identity", fd, identity);
    this.#size = identity[3] ?? 0;
    this.#mtime = identity[6] ?? 0;
  }

  static open(dir: number, file: ComparedFile): OpenFile {
    const fd = tryCall("rf_open_inode", dir, file.subvolume, file.inode, file.generation);
    if (fd < 0) {
      const name = errnoName(-fd);
      if (name === "ESTALE" || name === "ENOENT") {
        throw new StaleReviewError(`${file.path} was deleted or replaced since the scan`);
      }
      throw cannotRead(file, name);
    }
    try {
      return new OpenFile(fd, file);
    } catch (error) {
      tryCall("rf_close", fd);
      throw error;
    }
  }

  /** From the beginning, so much or what there is. */
  async read(bytes: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(bytes, this.#size));
    let done = 0;
    while (done < buffer.length) {
      const { bytesRead } = await this.#readAt(buffer, done);
      if (bytesRead === 0) break; // it was cut just now
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  describe(content: Buffer): Comparison["a"] {
    return {
      path: this.#file.path,
      size: this.#size,
      modified: Math.max(0, Math.round(this.#mtime * 1000)),
      head: content.toString("base64", 0, HEAD_BYTES),
    };
  }

  [Symbol.dispose](): void {
    tryCall("rf_close", this.#fd);
  }

  async #readAt(buffer: Buffer, at: number): Promise<{ bytesRead: number }> {
    try {
      return await read(this.#fd, buffer, at, buffer.length - at, at);
    } catch (error) {
      throw cannotRead(this.#file, error instanceof Error && "code" in error ? String(error.code) : "error");
    }
  }
}

function cannotRead({ path }: ComparedFile, why: string): RefoldError {
  return new RefoldError("failed", `${path} cannot be read (${why})`, {
    kept: "Nothing was changed.",
    next:
      why === "EIO" ? "Run btrfs scrub: a checksum of it does not match, or the disk failed." : "Try again.",
  });
}
