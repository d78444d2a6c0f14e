import type { Readable, Writable } from "node:stream";
import { createMessageConnection, ResponseError, type MessageConnection } from "vscode-jsonrpc/node";
import type { Engine, Volume } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import { RpcError, toErrorData } from "./errors.ts";
import type { CallContext, Handlers } from "./handlers.ts";
import { type Log, oneLine } from "./log.ts";
import type { ModePolicy } from "./modes.ts";
import {
  METHODS,
  PROTOCOL_VERSION,
  RPC_ERROR,
  type ErrorData,
  type Method,
  type Notification,
  type NotificationName,
  type Params,
  type Result,
} from "./protocol.ts";
import { Tasks } from "./tasks.ts";
import { AnswerWriter, RequestReader } from "./transport.ts";

/** What works without root. */
const OPEN_METHODS: ReadonlySet<string> = new Set(["hello", "volumes"] satisfies Method[]);
/** How long the last answers may take to leave: milliseconds. */
const FAREWELL_MS = 1000;

/** Everything but hello, which is the server's own. */
export type ServedHandlers = Omit<Handlers, "hello">;

export interface ServerOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly version: string;
  readonly privileged: boolean;
  /** What is taken of a client, and what it is told. */
  readonly policy: ModePolicy;
  readonly databaseDir: string;
  readonly rulesFile: string;
  readonly log: Log;
  /** Aborted to end the connection from this side: SIGTERM. */
  readonly signal: AbortSignal;
  readonly makeEngine: (warn: (message: string) => void) => Promise<Engine>;
  /** Made once, before the first request. close: called once every task has ended. */
  readonly makeHandlers: (parts: { readonly tasks: Tasks; readonly warn: (message: string) => void }) => {
    readonly handlers: ServedHandlers;
    close(): void;
  };
  /** Called when no heavy task runs any more. */
  readonly atRest: () => void;
}

/** How a connection ended: "closed" by the other side or a signal, or because what came was not the protocol. */
export type Ending = "closed" | "violated";

/** One connection, from hello to its end. There is no second one. */
export class Server {
  readonly #options: ServerOptions;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #tasks: Tasks;
  readonly #handlers: ServedHandlers;
  readonly #closeHandlers: () => void;
  readonly #reader: RequestReader;
  readonly #writer: AnswerWriter;
  readonly #connection: MessageConnection;
  readonly #running = new Set<Promise<unknown>>();
  readonly #ended = Promise.withResolvers<Ending>();
  #call: Promise<CallContext> | null = null;
  #greeted = false;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#log = options.log;
    const events = {
      refused: (why: string): void => {
        this.#log.line(`refused ${why}`);
      },
      ended: (why: string | null): void => {
        this.#end(why);
      },
    };
    this.#writer = new AnswerWriter(options.output, events);
    this.#reader = new RequestReader(options.input, this.#writer, events);
    this.#connection = createMessageConnection(this.#reader, this.#writer, {
      error: (message) => {
        this.#log.line(message);
      },
      warn: () => undefined,
      info: () => undefined,
      log: () => undefined,
    });
    this.#tasks = new Tasks(
      {
        progress: (message) => {
          this.#notify("progress", message);
        },
        log: (message) => {
          this.#notify("log", message);
        },
      },
      options.atRest,
    );
    const made = options.makeHandlers({ tasks: this.#tasks, warn: this.#warn });
    this.#handlers = made.handlers;
    this.#closeHandlers = () => {
      made.close();
    };
  }

  /**
   * Serves one connection.
   * @returns when it has ended, every task with it, and every file is unlocked
   */
  static async serve(options: ServerOptions): Promise<Ending> {
    const server = new Server(options);
    return server.#run();
  }

  async #run(): Promise<Ending> {
    const stop = (): void => {
      this.#end(null);
    };
    this.#options.signal.addEventListener("abort", stop, { once: true });
    if (this.#options.signal.aborted) stop();
    this.#connection.onRequest((method, params) => this.#track(this.#answer(method, params)));
    this.#connection.listen();
    const ending = await this.#ended.promise;
    // a task that is cancelled ends its atomic step and unlocks
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    this.#closeHandlers();
    await new Promise(setImmediate); // the last answers are handed to the writer
    await this.#writer.close(FAREWELL_MS);
    this.#connection.dispose();
    this.#options.signal.removeEventListener("abort", stop);
    return ending;
  }

  /** @param why null: nothing was wrong */
  #end(why: string | null): void {
    if (this.#closing.signal.aborted) return;
    if (why !== null) this.#log.always(`the connection ends: ${why}`);
    this.#reader.stop();
    this.#closing.abort();
    this.#tasks.cancelAll();
    this.#ended.resolve(why === null ? "closed" : "violated");
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const done = (): void => {
      this.#running.delete(work);
    };
    work.then(done, done);
    return work;
  }

  readonly #warn = (message: string): void => {
    if (!this.#options.policy.tellsNames) return;
    this.#log.line(message);
    if (this.#greeted) this.#notify("log", { task: null, level: "warning", message: message.slice(0, 4096) });
  };

  #notify<N extends NotificationName>(name: N, message: Notification<N>): void {
    const told = this.#options.policy.notification(name, message);
    if (told === null || this.#closing.signal.aborted) return;
    void this.#connection.sendNotification(name, told);
  }

  /** The result of a request, or the error to answer it with: a connection never sees an exception. */
  async #answer(method: string, params: unknown): Promise<unknown> {
    try {
      return await this.#dispatch(method, params);
    } catch (error) {
      const data = toErrorData(this.#options.policy.told(error), (unexpected) => {
        this.#log.unexpected(method, unexpected);
      });
      if (data.code === "refused") this.#log.line(`refused ${method}: ${data.message}`);
      return new ResponseError<ErrorData>(RPC_ERROR, data.message, data);
    }
  }

  async #dispatch(method: string, given: unknown): Promise<unknown> {
    if (this.#closing.signal.aborted) throw new RefoldError("cancelled", "The helper is ending.");
    if (!isMethod(method)) {
      if (!this.#greeted) this.#violation("a request before hello");
      throw new RpcError("refused", `There is no method ${oneLine(method)}.`);
    }
    if (this.#greeted === (method === "hello")) {
      this.#violation(this.#greeted ? "a second hello" : "a request before hello");
    }
    const schema = this.#options.policy.paramsOf(method);
    const { success, data: params, error } = schema.safeParse(given ?? {});
    if (!success) {
      if (method === "hello") this.#violation("a hello that is none");
      const issue = error.issues[0];
      const where = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
      throw new RpcError("refused", oneLine(`The parameters of ${method} are not right: ${where}`), {
        kept: "Nothing was done.",
      });
    }
    if (method === "hello") return this.#hello(params as Params<"hello">);
    if (!this.#options.privileged && !OPEN_METHODS.has(method)) {
      throw new RefoldError("permission", "This needs root, and the helper runs without.", {
        kept: "Nothing was changed.",
        next: "Start the helper with root's rights.",
      });
    }
    return this.#serve(method, params);
  }

  #hello(params: Params<"hello">): Result<"hello"> {
    if (params.protocol !== PROTOCOL_VERSION) {
      this.#violation(
        `protocol ${params.protocol} was asked for, and this helper speaks ${PROTOCOL_VERSION}`,
        "Install the app and the helper of one version.",
      );
    }
    this.#greeted = true;
    this.#log.line(`connected: ${oneLine(params.client)}`);
    const { version, privileged, policy } = this.#options;
    return { protocol: PROTOCOL_VERSION, version, pid: process.pid, privileged, mode: policy.mode };
  }

  async #serve(method: Exclude<Method, "hello">, params: unknown): Promise<unknown> {
    this.#call ??= this.#makeCall();
    const call = await this.#call;
    // the schema of this very method has let the parameters through
    const handler = this.#handlers[method] as (params: unknown, call: CallContext) => unknown;
    const result = METHODS[method].result.safeParse(await handler(params, call));
    if (result.success) return result.data;
    throw new Error(`the answer to ${method} is not what the protocol says: ${result.error.message}`);
  }

  /** Ends the connection, and answers with the error: what was asked before it ended is answered still. */
  #violation(why: string, next = ""): never {
    this.#end(why);
    throw new RpcError("refused", `The connection ends: ${why}.`, { kept: "Nothing was done.", next });
  }

  async #makeCall(): Promise<CallContext> {
    const { databaseDir, rulesFile, makeEngine } = this.#options;
    const engine = await makeEngine(this.#warn);
    return {
      engine,
      databaseDir,
      rulesFile,
      warn: this.#warn,
      closing: this.#closing.signal,
      run: (name, volume, work) => this.#tasks.run(name, volume, work),
      withVolume: (uuid, work) => withVolume(engine, uuid, work),
    };
  }
}

function isMethod(name: string): name is Method {
  return Object.hasOwn(METHODS, name);
}

async function withVolume<T>(
  engine: Engine,
  uuid: string,
  work: (volume: Volume) => Promise<T> | T,
): Promise<T> {
  const [volume] = engine.open([uuid]);
  if (volume === undefined) throw new RefoldError("no-volume", `There is no filesystem ${uuid}.`);
  try {
    return await work(volume);
  } finally {
    volume.close();
  }
}
