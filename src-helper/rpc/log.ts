import { displayMessage } from "../cli/terminal-text.ts";

const MAX_LINE = 500;
/** Lines a second; what comes more often is counted. */
const MAX_RATE = 50;
const SECOND_MS = 1000;

/**
 * Lines on standard error. What they quote came from outside: control
 * characters are escaped, a line is cut, and a flood of them is counted
 * instead of written.
 */
export class Log {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #windowStart = -Infinity;
  #written = 0;
  #leftOut = 0;

  /** @param write gets whole lines without their newline */
  constructor(write: (line: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  line(message: string): void {
    const now = this.#now();
    if (now - this.#windowStart >= SECOND_MS) {
      this.#windowStart = now;
      this.#written = 0;
      if (this.#leftOut > 0) this.#write(`${this.#leftOut} more lines were left out`);
      this.#leftOut = 0;
    }
    if (this.#written >= MAX_RATE) {
      this.#leftOut++;
      return;
    }
    this.#written++;
    this.#write(oneLine(message));
  }

  /** A line that is written however many there were: the last one. */
  always(message: string): void {
    if (this.#leftOut > 0) this.#write(`${this.#leftOut} more lines were left out`);
    this.#leftOut = 0;
    this.#write(oneLine(message));
  }

  /** An error that nobody foresaw, with where it came from. */
  unexpected(what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.line(`${what} met an unexpected error`);
    for (const line of text.split("\n").slice(0, 20)) this.line(line);
  }
}

/** A text as one line that is safe for a terminal: cut first, so that long ones cost nothing. */
export function oneLine(text: string): string {
  const cut = text.length <= MAX_LINE ? text : `${text.slice(0, MAX_LINE)}...`;
  return displayMessage(cut);
}
