import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { getSystemErrorMessage } from "node:util";

/** Where text goes. Writing never throws for a reader that went away. */
export interface Sink {
  readonly isTerminal: boolean;
  /** Width of the terminal, 80 where there is none. */
  readonly columns: number;
  /** true once the reader went away (EPIPE, a closed terminal): write no more. */
  readonly closed: boolean;
  write(text: string | Uint8Array): void;
  flush(): void;
}

/** Everything of the outside world that a command touches, so that tests can hold it. */
export interface Io {
  readonly out: Sink;
  readonly err: Sink;
  readonly stdinIsTerminal: boolean;
  readonly isRoot: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A line of standard input without its newline; null at its end or when aborted. */
  readLine(signal: AbortSignal): Promise<string | null>;
}

const BUFFER_BYTES = 32 * 1024;

interface SinkOptions {
  readonly buffered: boolean;
  /** Width of the terminal, undefined where there is none. */
  readonly columns?: () => number | undefined;
}

/**
 * Writes to a file descriptor, synchronously: no output is lost when the
 * process ends, and a closed pipe is known at once. Collects small writes
 * unless the other side is a terminal.
 */
export class FdSink implements Sink {
  readonly isTerminal: boolean;
  closed = false;
  private readonly fd: number;
  private readonly options: SinkOptions;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;

  constructor(fd: number, options: SinkOptions) {
    this.fd = fd;
    this.options = options;
    this.isTerminal = isatty(fd);
  }

  get columns(): number {
    return this.options.columns?.() ?? 80;
  }

  write(text: string | Uint8Array): void {
    if (this.closed || text.length === 0) return;
    const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (!this.options.buffered || this.isTerminal || this.waitingBytes >= BUFFER_BYTES) this.flush();
  }

  flush(): void {
    if (this.waitingBytes === 0) return;
    const bytes = this.waiting.length === 1 ? this.waiting[0] : Buffer.concat(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
    if (bytes !== undefined) this.writeAll(bytes);
  }

  private writeAll(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.closed) {
      try {
        at += writeSync(this.fd, bytes, at);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "EAGAIN") {
          // Somebody made the shared pipe non-blocking; wait for its reader.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        } else if (code === "EPIPE" || code === "EIO" || code === "EBADF" || this.fd === 2) {
          this.closed = true;
        } else {
          this.closed = true;
          throw new OutputError(
            code === undefined
              ? String(error)
              : getSystemErrorMessage((error as NodeJS.ErrnoException).errno ?? 0),
            {
              cause: error,
            },
          );
        }
      }
    }
  }
}

/** Standard output could not be written, e.g. to a full disk. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

function readLineFromStdin(signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const stdin = process.stdin;
    let text = "";
    const finish = (line: string | null): void => {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      stdin.off("error", onEnd);
      signal.removeEventListener("abort", onEnd);
      stdin.pause();
      resolve(line);
    };
    const onEnd = (): void => {
      finish(null);
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("utf8");
      const end = text.indexOf("\n");
      if (end >= 0) finish(text.slice(0, end).replace(/\r$/u, ""));
    };
    if (signal.aborted) {
      resolve(null);
      return;
    }
    signal.addEventListener("abort", onEnd, { once: true });
    stdin.on("data", onData);
    stdin.on("end", onEnd);
    stdin.on("error", onEnd);
    stdin.resume();
  });
}

/** The process's own standard streams. */
export function processIo(): Io {
  const columnsOf = (stream: () => NodeJS.WriteStream) => () =>
    stream().isTTY ? stream().columns : undefined;
  return {
    out: new FdSink(1, { buffered: true, columns: columnsOf(() => process.stdout) }),
    err: new FdSink(2, { buffered: false, columns: columnsOf(() => process.stderr) }),
    stdinIsTerminal: isatty(0),
    isRoot: process.geteuid?.() === 0,
    environment: process.env,
    readLine: readLineFromStdin,
  };
}
