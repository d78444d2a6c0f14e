import type { Engine, Phase, RunContext, Volume } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { OutputError, type Io } from "./io.ts";
import type { CommonOptions } from "./options.ts";
import { ProgressBar } from "./progress.ts";
import { type SignalWatch, watchSignals } from "./signals.ts";
import { hasUnicode, makeStyle, type Style } from "./style.ts";
import { displayMessage, displayPath } from "./terminal-text.ts";
import type { EventEmitter } from "node:events";

/** Makes the engine; `warn` is told what a person should know although the call goes on. */
export type LoadEngine = (options: {
  databaseDir: string;
  rulesFile: string;
  warn: (message: string) => void;
}) => Promise<Engine>;

/** What a person waits for when they interrupt a phase. */
const STEP_WORDS: Readonly<Record<Phase, string>> = {
  sync: "the filesystem to write out what it holds",
  walk: "the tree search under way",
  checksums: "the checksum search under way",
  read: "the file being read",
  groups: "the groups being stored",
  fold: "the group being folded to be done and its files unlocked",
  measure: "the freed space to be measured",
  repair: "the file being unlocked",
};

/** An error of one volume, for the `errors` list of --json. */
export interface ReportedError {
  readonly volume: string | null;
  readonly code: string;
  readonly message: string;
}

/** One sentence after another on one line, made safe for a terminal. */
export function errorLine(error: unknown): string {
  if (error instanceof RefoldError) {
    const parts = [error.message, error.details.kept ?? "", error.details.next ?? ""].filter(
      (part) => part !== "",
    );
    return displayMessage(
      parts.map((part, k) => (k < parts.length - 1 && !/[.!?:]$/u.test(part) ? `${part}.` : part)).join(" "),
    );
  }
  if (error instanceof OutputError) return `the output could not be written: ${error.message}`;
  const message = error instanceof Error ? error.message || error.name : String(error);
  return displayMessage(`unexpected error: ${message} (--verbose shows where)`);
}

/** One call of a command: its options, the way to the engine, and what it says to whom. */
export class Session implements Disposable {
  readonly io: Io;
  readonly options: CommonOptions;
  readonly out: Style;
  readonly errors: ReportedError[] = [];
  exitCode: number = EXIT.done;
  private readonly loadEngine: LoadEngine;
  private readonly errStyle: Style;
  private readonly bar: ProgressBar | null;
  private readonly watch: SignalWatch;
  private working = 0;
  private phase: Phase | null = null;
  private loaded: Promise<Engine> | null = null;

  constructor(
    io: Io,
    options: CommonOptions,
    loadEngine: LoadEngine,
    signals: Pick<EventEmitter, "on" | "off">,
  ) {
    this.io = io;
    this.options = options;
    this.loadEngine = loadEngine;
    this.out = makeStyle(io.out.isTerminal, io.environment);
    this.errStyle = makeStyle(io.err.isTerminal, io.environment);
    const showBar = io.err.isTerminal && !options.quiet && !options.json && io.environment["TERM"] !== "dumb";
    this.bar = showBar ? new ProgressBar(io.err, { unicode: hasUnicode(io.environment) }) : null;
    this.watch = watchSignals(
      signals,
      () => (this.working === 0 ? null : this.phase === null ? "the step under way" : STEP_WORDS[this.phase]),
      (line) => {
        this.tell(line);
      },
    );
  }

  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  get signal(): AbortSignal {
    return this.watch.signal;
  }

  get stopSignal(): SignalWatch["received"] {
    return this.watch.received;
  }

  engine(): Promise<Engine> {
    this.loaded ??= this.loadEngine({
      databaseDir: this.options.databaseDir,
      rulesFile: this.options.rulesFile,
      warn: (message) => {
        this.warn(message);
      },
    });
    return this.loaded;
  }

  /** Does long work of the engine, with a progress bar where somebody can see it. */
  async work<T>(body: (context: RunContext) => Promise<T>): Promise<T> {
    this.io.out.flush();
    this.working += 1;
    try {
      return await body({
        signal: this.signal,
        progress: (progress) => {
          this.phase = progress.phase;
          this.bar?.update(progress);
        },
        log: (level, message) => {
          if (level === "warning") this.warn(message);
          else if (this.options.verbose) this.tell(displayMessage(message));
        },
      });
    } finally {
      this.working -= 1;
      this.phase = null;
      this.bar?.stop();
    }
  }

  /** A result on standard output that was asked for. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.io.out.write(`${line}\n`);
  }

  /** For a person on standard output: silent with --quiet and --json. */
  say(...lines: readonly string[]): void {
    if (!this.options.quiet && !this.options.json) this.print(...lines);
  }

  /** A value as one line of JSON on standard output. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value));
  }

  /** A note on standard error: silent with --quiet. */
  note(message: string): void {
    if (!this.options.quiet) this.tell(displayMessage(message));
  }

  warn(message: string): void {
    this.tell(`${this.errStyle.yellow("warning:")} ${displayMessage(message)}`);
  }

  /** A line on standard error, which must be safe already. */
  tell(line: string): void {
    this.bar?.clear();
    this.io.err.write(`refold: ${line}\n`);
  }

  /** Reports an error and goes on; the exit code becomes the worst so far. */
  fail(error: unknown, volume: Volume | null = null): void {
    const code = error instanceof RefoldError ? error.code : "failed";
    this.raise(exitCodeOf(code));
    // The signal's own line has said it.
    if (code === "cancelled" && this.signal.aborted) return;
    const line = errorLine(error);
    const where = volume === null ? "" : displayPath(volume.summary.mountPath || volume.uuid);
    this.tell(where === "" || line.includes(where) ? line : `${where}: ${line}`);
    if (this.options.verbose && !(error instanceof RefoldError) && error instanceof Error) {
      this.io.err.write(`${error.stack ?? ""}\n`);
    }
    const message = error instanceof Error ? error.message : String(error);
    this.errors.push({ volume: volume?.uuid ?? null, code, message });
  }

  /** Lifts the exit code to at least this. */
  raise(code: number): void {
    this.exitCode = Math.max(this.exitCode, code);
  }

  /** `errors` for the end of a JSON object; nothing where nothing failed. */
  jsonErrors(): { errors?: readonly ReportedError[] } {
    return this.errors.length === 0 ? {} : { errors: this.errors };
  }

  /** Asks on standard error; anything but y or yes is a no. */
  async ask(question: string): Promise<boolean> {
    this.io.out.flush();
    this.io.err.write(`${question} [y/N] `);
    const answer = await this.io.readLine(this.signal);
    if (answer === null) this.io.err.write("\n");
    return /^\s*y(es)?\s*$/iu.test(answer ?? "");
  }

  [Symbol.dispose](): void {
    this.bar?.stop();
    this.watch.dispose();
  }
}
