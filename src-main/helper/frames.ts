import type { Readable } from "node:stream";
import { AbstractMessageReader, type DataCallback, type Disposable, type Message } from "vscode-jsonrpc/node";

const MAX_HEADER_BYTES = 256;
const HEADER_END = "\r\n\r\n";

/**
 * Reads LSP frames with limits, which vscode-jsonrpc's own reader has none of: a
 * header says how long a message is, and that much would be kept.
 *
 * What is not a frame, is longer than `maxBytes`, is no JSON or is not taken by
 * `check` fires onError once, and nothing is read after it.
 */
export class LimitedReader extends AbstractMessageReader {
  readonly #stream: Readable;
  readonly #maxBytes: number;
  readonly #check: (message: unknown) => string | null;
  readonly #wants: (message: Message) => boolean;
  #callback: DataCallback | null = null;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes of the body that is being read; null while in a header. */
  #wanted: number | null = null;
  #ended = false;

  /**
   * @param check what is wrong with a message; null if nothing is
   * @param wants whether a message that nothing is wrong with is handed on
   */
  constructor(
    stream: Readable,
    maxBytes: number,
    check: (message: unknown) => string | null,
    wants: (message: Message) => boolean = () => true,
  ) {
    super();
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    this.#check = check;
    this.#wants = wants;
  }

  /** Starts to read. @returns what stops it */
  listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    const data = (chunk: Buffer): void => {
      this.#take(chunk);
    };
    const end = (): void => {
      this.#stop(null);
    };
    const error = (cause: Error): void => {
      this.#stop(cause.message);
    };
    this.#stream.on("data", data).on("end", end).on("close", end).on("error", error);
    return {
      dispose: () => {
        this.#ended = true;
        this.#stream.off("data", data).off("end", end).off("close", end);
      },
    };
  }

  #stop(fault: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunks = [];
    if (fault !== null) this.fireError(new Error(fault));
    this.fireClose();
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    try {
      while (this.#next());
    } catch (error) {
      this.#stop(error instanceof Error ? error.message : "unreadable");
    }
  }

  /** @returns whether there may be more in what was read so far */
  #next(): boolean {
    if (this.#wanted === null) return this.#header();
    if (this.#length < this.#wanted) return false;
    const all = this.#joined();
    const body = all.subarray(0, this.#wanted);
    this.#keep(all.subarray(this.#wanted));
    this.#wanted = null;
    const message = parse(body);
    const fault = this.#check(message);
    if (fault !== null) throw new Error(fault);
    if (this.#wants(message as Message)) this.#callback?.(message as Message);
    return !this.#ended;
  }

  #header(): boolean {
    const all = this.#joined();
    const end = all.subarray(0, MAX_HEADER_BYTES).indexOf(HEADER_END);
    if (end < 0) {
      if (all.length >= MAX_HEADER_BYTES) throw new Error("a header has no end");
      this.#keep(all);
      return false;
    }
    const header = all.toString("latin1", 0, end);
    const length = /^Content-Length: (\d{1,10})(?:\r\nContent-Type: [ -~]+)?$/i.exec(header)?.[1];
    if (length === undefined) throw new Error("a header is not one of this protocol");
    if (Number(length) > this.#maxBytes) throw new Error(`a message of ${length} bytes is too long`);
    this.#wanted = Number(length);
    this.#keep(all.subarray(end + HEADER_END.length));
    return true;
  }

  #joined(): Buffer {
    return this.#chunks.length === 1 && this.#chunks[0] !== undefined
      ? this.#chunks[0]
      : Buffer.concat(this.#chunks);
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new Error("a message is not JSON");
  }
}
