/** Longest header section of a message: bytes. LSP knows two headers. */
const MAX_HEADER_BYTES = 256;
const END_OF_HEADER = "\r\n\r\n";

/** The stream is not what it should be, and where the next message begins cannot be told any more. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/**
 * Cuts a byte stream into messages: `Content-Length: N`, an empty line, N
 * bytes. vscode-jsonrpc's own reader has no limits; here nothing is stored
 * beyond one header and one body, and both are bounded.
 */
export class FrameReader {
  readonly #maxBody: number;
  #header = Buffer.alloc(0);
  #body: Buffer | null = null;
  #filled = 0;

  /** @param maxBody bytes of the longest message */
  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /** Whether the stream may end here: not in the middle of a message. */
  get atRest(): boolean {
    return this.#body === null && this.#header.length === 0;
  }

  /**
   * @returns the messages that this chunk completes
   * @throws FrameError after which the reader must not be used any more
   */
  *push(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#body === null) rest = this.#takeHeader(rest);
      const body = this.#body;
      if (body === null) return;
      const taken = rest.copy(body, this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled < body.length) return;
      this.#body = null;
      yield body;
    }
  }

  /** @returns what comes after the header, empty where the header is not whole yet */
  #takeHeader(chunk: Buffer): Buffer {
    const before = this.#header.length;
    const seen = Buffer.concat([this.#header, chunk.subarray(0, MAX_HEADER_BYTES + 1)]);
    const end = seen.indexOf(END_OF_HEADER);
    if (end < 0) {
      if (seen.length > MAX_HEADER_BYTES) throw new FrameError("a header that does not end");
      this.#header = seen;
      return Buffer.alloc(0);
    }
    this.#header = Buffer.alloc(0);
    this.#body = Buffer.allocUnsafeSlow(this.#lengthOf(seen.toString("latin1", 0, end)));
    this.#filled = 0;
    return chunk.subarray(end + END_OF_HEADER.length - before);
  }

  #lengthOf(header: string): number {
    let length: number | null = null;
    for (const line of header.split("\r\n")) {
      const [, name = "", value = ""] = /^([A-Za-z-]{1,40}):[ \t]*([^\r\n]*?)[ \t]*$/.exec(line) ?? [];
      switch (name.toLowerCase()) {
        case "content-type":
          break;
        case "content-length":
          if (length !== null) throw new FrameError("two lengths in one header");
          if (!/^\d{1,15}$/.test(value)) throw new FrameError("a length that is no number");
          length = Number(value);
          break;
        default:
          throw new FrameError("a header line that is not understood");
      }
    }
    if (length === null) throw new FrameError("a header without a length");
    if (length === 0) throw new FrameError("an empty message");
    if (length > this.#maxBody) {
      throw new FrameError(`a message of ${length} bytes, and ${this.#maxBody} are the most`);
    }
    return length;
  }
}
