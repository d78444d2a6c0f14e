/**
 * The command line in the test's own process, with the real engine: for answers
 * that are only compared with, of which a process each would take most of the time.
 */
import { EventEmitter } from "node:events";
import type { Sink } from "../../src-helper/cli/io.ts";
import { run } from "../../src-helper/cli/run.ts";
import { createEngine } from "../../src-helper/engine/engine.ts";

/** A sink that keeps what it is given. */
export class MemorySink implements Sink {
  columns = 80;
  closed = false;
  isTerminal: boolean;
  private readonly parts: Buffer[] = [];

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  write(text: string | Uint8Array): void {
    if (!this.closed) this.parts.push(Buffer.from(text as Uint8Array));
  }

  flush(): void {
    // nothing is held back
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }
}

/** @returns standard output. @throws Error with what was said, where the exit code is not 0 */
export async function refoldHere(words: readonly string[]): Promise<string> {
  const [out, err] = [new MemorySink(), new MemorySink()];
  const code = await run(words, {
    io: {
      ...{ out, err, stdinIsTerminal: false, isRoot: true, environment: {} },
      readLine: () => Promise.resolve(null),
    },
    loadEngine: (options) => Promise.resolve(createEngine(options)),
    signals: new EventEmitter(),
    launcher: null,
  });
  if (code !== 0) throw new Error(`refold ${words.join(" ")}: exit code ${code}\n${err.text}`);
  return out.text;
}
