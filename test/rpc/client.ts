/**
 * A client of the helper, as the app is one: a real `refold rpc` process over
 * real pipes.
 *
 *     await using helper = await HelperClient.connect({ db });
 *     const volumes = await helper.call("volumes", {});
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { FrameReader } from "../../src-helper/rpc/frame-reader.ts";
import {
  errorDataSchema,
  MAX_MESSAGE_BYTES,
  METHODS,
  NOTIFICATIONS,
  PROTOCOL_VERSION,
  type ErrorData,
  type Method,
  type Notification,
  type Params,
  type Result,
  type TaskProgress,
} from "../../src-helper/rpc/protocol.ts";
import { REFOLD, ROOT } from "../support/run.ts";

export interface HelperOptions {
  /** Directory of the databases. */
  readonly db: string;
  /** The file of rules; the machine's own where it is not said. */
  readonly rules?: string;
  /** Where the demo volume is mounted; the real place where it is not said. */
  readonly runtimeDir?: string;
  /** What it is told to be; "manage" where it is not said. */
  readonly mode?: "observe" | "manage";
  /** Runs as user and group nobody, with no other groups. */
  readonly unprivileged?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The helper answered with an error. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly data: ErrorData;

  constructor(method: string, data: ErrorData) {
    super(`${method}: ${data.code}: ${data.message}`);
    this.data = data;
  }
}

/** A `refold rpc` process; what it writes is kept whole. */
export class HelperProcess implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<Exit>;
  stderr = "";
  readonly #stdout: Buffer[] = [];

  constructor(options: HelperOptions) {
    const runtime = options.runtimeDir === undefined ? [] : ["--runtime-dir", options.runtimeDir];
    const rules = options.rules === undefined ? [] : ["--rules", options.rules];
    const mode = options.mode === undefined ? [] : ["--mode", options.mode];
    const words = [REFOLD, "rpc", "--db", options.db, ...runtime, ...rules, ...mode];
    const drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    const [program = "", ...rest] = options.unprivileged === true ? [...drop, ...words] : words;
    this.child = spawn(program, rest, { cwd: ROOT, env: { ...process.env, ...options.env } });
    this.exited = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        resolve({ code, signal });
      });
    });
    this.child.stdout.on("data", (chunk: Buffer) => this.#stdout.push(chunk));
    this.child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    // writing to one that has ended is no failure of a test
    this.child.stdin.on("error", () => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the helper could not be started");
    return this.child.pid;
  }

  /** Everything on standard output so far, as the messages it is made of. @throws Error where it is anything else */
  messages(): unknown[] {
    const messages: unknown[] = [];
    let rest = Buffer.concat(this.#stdout);
    while (rest.length > 0) {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(rest.toString("latin1", 0, 64));
      if (header === null && rest.length < 64)
        throw new Error("standard output ends in the middle of a header");
      if (header === null)
        throw new Error(`not the protocol: ${JSON.stringify(rest.toString("latin1", 0, 200))}`);
      const end = header[0].length + Number(header[1]);
      if (rest.length < end) throw new Error("standard output ends in the middle of a message");
      messages.push(JSON.parse(rest.toString("utf8", header[0].length, end)) as unknown);
      rest = rest.subarray(end);
    }
    return messages;
  }

  write(bytes: Buffer | string): void {
    this.child.stdin.write(bytes);
  }

  /** Closes its standard input, as an app that ends does. */
  closeInput(): void {
    this.child.stdin.end();
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeInput();
    await this.exited;
  }
}

/** A message with its header. */
export function frame(body: string | Buffer): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return Buffer.concat([Buffer.from(`Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

/** A request with its header. */
export function request(id: number, method: string, params: unknown): Buffer {
  return frame(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
}

/** A helper that has been greeted, and what it tells of its own accord. */
export class HelperClient implements AsyncDisposable {
  readonly helper: HelperProcess;
  readonly progress: TaskProgress[] = [];
  readonly logs: Notification<"log">[] = [];
  readonly #pending = new Map<number, (answer: Answer) => void>();
  readonly #looking = new Set<(progress: TaskProgress) => void>();
  #hello: Result<"hello"> | null = null;
  #lastId = 0;

  private constructor(options: HelperOptions) {
    this.helper = new HelperProcess(options);
    const frames = new FrameReader(MAX_MESSAGE_BYTES);
    this.helper.child.stdout.on("data", (chunk: Buffer) => {
      for (const body of frames.push(chunk)) this.#take(JSON.parse(body.toString()) as Incoming);
    });
    this.helper.child.on("close", () => {
      for (const settle of this.#pending.values()) settle({ error: { data: ENDED } });
    });
  }

  static async connect(options: HelperOptions): Promise<HelperClient> {
    const client = new HelperClient(options);
    client.#hello = await client.call("hello", { protocol: PROTOCOL_VERSION, client: "test" });
    return client;
  }

  get hello(): Result<"hello"> {
    if (this.#hello === null) throw new Error("not greeted");
    return this.#hello;
  }

  /**
   * @returns the result, which has passed its schema
   * @throws CallError where the helper answered with an error, or ended ("cancelled")
   */
  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    const id = ++this.#lastId;
    const answer = await new Promise<Answer>((resolve) => {
      this.#pending.set(id, resolve);
      this.helper.write(request(id, method, params));
    });
    if (answer.error !== undefined) throw new CallError(method, errorDataSchema.parse(answer.error.data));
    return METHODS[method].result.parse(answer.result) as Result<M>;
  }

  /** The error that a call ends with. @throws Error where it succeeds */
  async callError<M extends Method>(method: M, params: Params<M>): Promise<ErrorData> {
    try {
      await this.call(method, params);
    } catch (error) {
      if (error instanceof CallError) return error.data;
      throw error;
    }
    throw new Error(`${method} succeeded`);
  }

  /** Makes calls whose requests reach the helper in one piece, so that nothing happens between them. */
  atOnce<T>(calls: () => T): T {
    this.helper.child.stdin.cork();
    try {
      return calls();
    } finally {
      this.helper.child.stdin.uncork();
    }
  }

  /**
   * Starts a task that pauses at its first safe point.
   * @returns when it is there: the task's own call
   */
  async callPaused<M extends Method>(
    method: M,
    params: Params<M> & { task: string },
  ): Promise<{ done: Promise<Result<M>> }> {
    const paused = this.nextProgress(params.task, (progress) => progress.paused);
    const [done, pause] = this.atOnce(() => [
      this.call(method, params),
      this.call("pause", { task: params.task, paused: true }),
    ]);
    done.catch(() => undefined); // looked at by the caller
    await pause;
    await paused;
    return { done };
  }

  /** The next progress of a task, from now on, that fits. */
  nextProgress(task: string, fits: (progress: TaskProgress) => boolean): Promise<TaskProgress> {
    return new Promise((resolve) => {
      const look = (progress: TaskProgress): void => {
        if (progress.task !== task || !fits(progress)) return;
        this.#looking.delete(look);
        resolve(progress);
      };
      this.#looking.add(look);
    });
  }

  #take(message: Incoming): void {
    if (message.method === "progress") {
      const progress = NOTIFICATIONS.progress.parse(message.params);
      this.progress.push(progress);
      for (const look of this.#looking) look(progress);
    } else if (message.method === "log") this.logs.push(NOTIFICATIONS.log.parse(message.params));
    else {
      const settle = this.#pending.get(Number(message.id));
      this.#pending.delete(Number(message.id));
      settle?.(message);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.helper[Symbol.asyncDispose]();
  }
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly data: unknown };
}

interface Incoming extends Answer {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: unknown;
}

const ENDED: ErrorData = { code: "cancelled", message: "the helper ended", kept: "", next: "" };
