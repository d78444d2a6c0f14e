import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageWriter,
  type Message,
} from "vscode-jsonrpc/node";
import type { z } from "zod";
import {
  errorDataSchema,
  MAX_MESSAGE_BYTES,
  METHODS,
  NOTIFICATIONS,
  PROTOCOL_VERSION,
  type Method,
  type Notification,
  type NotificationName,
  type Params,
  type Result,
} from "../../src-helper/rpc/protocol.ts";
import { appError, AppError } from "../app/app-error.ts";
import { oneLine, rateLimited, type Log } from "../app/log.ts";
import { LimitedReader } from "./frames.ts";
import type { Exit, HelperProcess } from "./elevator.ts";
import { readLines } from "./lines.ts";

export interface ClientOptions {
  /** Name and version of this side, for the helper's log. */
  readonly name: string;
  readonly log: Log;
  /** How long the first answer may take; null: as long as a person needs for a password. */
  readonly helloMs: number | null;
  readonly onProgress: (progress: Notification<"progress">) => void;
  readonly onLog: (message: Notification<"log">) => void;
  /** Called once when nothing more will be answered, before what was asked is rejected. */
  readonly onGone: () => void;
}

/** How a connection ended. `why` is null where this side ended it. */
export interface End {
  /** null: its output ended, and the process has not yet. */
  readonly exit: Exit | Error | null;
  readonly why: string | null;
  /** Its last lines on standard error. */
  readonly said: readonly string[];
}

/** A helper that said hello. */
export interface HelperClient {
  readonly hello: Result<"hello">;
  /** @throws AppError: the helper's own, or that it is gone */
  request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Ends the helper's input: it finishes the step at hand, unlocks and exits. Resolves when it did. */
  end(): Promise<void>;
  /** Resolves once, when nothing can be asked any more and every request was answered or rejected. */
  readonly ended: Promise<End>;
}

/** Ended before it said hello. */
export class NoHello extends Error {
  override readonly name = "NoHello";
  readonly end: End;
  constructor(end: End) {
    super(end.why ?? "the helper ended before it said hello");
    this.end = end;
  }
}

/** Lines of standard error that an end is explained with. */
const SAID = 10;
/** How long after its output the process itself may end and still say why. */
const EXIT_MS = 500;

const GONE = {
  kept: "Nothing is shared before the kernel has compared it byte by byte.",
  next: "Start it again.",
} as const;

/** A request that the helper did not answer before it was gone. */
export class HelperGone extends AppError {
  constructor(cause?: unknown) {
    super({ code: "failed", message: "The helper is not running.", ...GONE }, cause);
  }
}

/** What is wrong with a message as such; what it says is checked by its schema later. */
function envelopeFault(message: unknown): string | null {
  if (typeof message !== "object" || message === null || Array.isArray(message))
    return "a message is no object";
  const { jsonrpc, id, method, result, error } = message as Record<string, unknown>;
  if (jsonrpc !== "2.0") return "a message is not JSON-RPC 2.0";
  if (method !== undefined) {
    // the helper answers and notifies; it has nothing to ask
    if (id !== undefined) return "the helper sent a request";
    if (typeof method !== "string") return "a notification has no name";
    // those are JSON-RPC libraries' own, and would be taken before any schema sees them
    return method.startsWith("$") ? "a notification is none of this protocol" : null;
  }
  if (typeof id !== "number") return "an answer has no number";
  if (error === undefined) return result === undefined ? "an answer is empty" : null;
  if (typeof error !== "object" || error === null) return "an error is no object";
  const { code, message: text } = error as Record<string, unknown>;
  return typeof code === "number" && typeof text === "string" ? null : "an error is none of JSON-RPC";
}

const isAnswer = (message: Message): message is Message & { readonly id: number } =>
  "id" in message && !("method" in message);

/**
 * Notes which requests have no answer yet. The connection takes a second
 * answer for the first where both wait in its queue, so it is not shown one.
 */
class NotingWriter extends StreamMessageWriter {
  readonly #open: Set<number>;

  constructor(stream: Writable, open: Set<number>) {
    super(stream);
    this.#open = open;
  }

  override write(message: Message): Promise<void> {
    if ("id" in message && typeof message.id === "number") this.#open.add(message.id);
    return super.write(message);
  }
}

/**
 * Speaks the protocol with a started helper and says hello.
 *
 * Everything that comes is checked: what is no frame or no message of the
 * protocol ends the connection; an answer or a notification that does not fit
 * its schema is refused and logged, and the connection goes on.
 *
 * @throws NoHello where the process ended first; AppError where its answer is not to be used
 */
export async function connectHelper(process: HelperProcess, options: ClientOptions): Promise<HelperClient> {
  const { log } = options;
  const refuse = rateLimited((message) => {
    log.warn(message);
  }, 20);
  const said: string[] = [];
  readLines(process.stderr, (line) => {
    said.splice(0, said.length - SAID + 1);
    said.push(line);
    log.info(`helper: ${line}`);
  });

  let fault: string | null = null;
  let over = false;
  let ending = false;
  const pending = new Set<(error: AppError) => void>();
  const open = new Set<number>();
  const reader = new LimitedReader(process.stdout, MAX_MESSAGE_BYTES, envelopeFault, (message) => {
    if (!isAnswer(message) || open.delete(message.id)) return true;
    refuse(`helper's answer ${String(message.id)} is to nothing that was asked`);
    return false;
  });
  const quiet = (message: string): void => {
    refuse(`helper's message: ${oneLine(message)}`);
  };
  const connection = createMessageConnection(reader, new NotingWriter(process.stdin, open), {
    error: quiet,
    warn: quiet,
    info: quiet,
    log: quiet,
  });

  const closed = Promise.withResolvers<undefined>();
  const finish = (): void => {
    if (over) return;
    over = true;
    options.onGone();
    closed.resolve(undefined);
    for (const reject of pending) reject(new HelperGone());
    pending.clear();
  };
  connection.onError(([error]) => {
    if (over) return;
    fault ??= error.message;
  });
  // the stream ends when the process does; a fault ends the reading before
  connection.onClose(() => {
    if (fault !== null && !over) {
      log.error(`the helper is not understood any more: ${oneLine(fault)}`);
      process.terminate();
    }
    // what is not read would keep the process from ending
    process.stdin.end();
    process.stdout.resume();
    finish();
  });
  connection.onUnhandledNotification(({ method }) => {
    refuse(`helper's notification "${oneLine(method, 80)}" is not known`);
  });
  const listen = <N extends NotificationName>(name: N, take: (value: Notification<N>) => void): void => {
    const schema: z.ZodType = NOTIFICATIONS[name];
    connection.onNotification(name, (...params: unknown[]) => {
      const parsed = schema.safeParse(params[0]);
      if (parsed.success) take(parsed.data as Notification<N>);
      else refuse(`helper's notification "${name}" does not fit: ${oneLine(issues(parsed.error))}`);
    });
  };
  listen("progress", options.onProgress);
  listen("log", options.onLog);
  connection.listen();

  const exited = process.exited.then((exit) => {
    finish();
    connection.dispose();
    return exit;
  });
  // mostly the process ends with its output, and says why; it is not waited for longer than this
  const ended = closed.promise
    .then(() => Promise.race([exited, delay(EXIT_MS, null, { ref: false })]))
    .then((exit): End => ({ exit, why: ending ? null : (fault ?? describeExit(exit)), said }));

  async function request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    if (over) throw new HelperGone();
    if (Buffer.byteLength(JSON.stringify(params)) > MAX_MESSAGE_BYTES - 1024) {
      throw appError("refused", "This is more than the helper takes at once.", {
        kept: "Nothing was changed.",
        next: "Make the list shorter.",
      });
    }
    const { promise: gone, reject } = Promise.withResolvers<never>();
    pending.add(reject);
    try {
      const answer = connection.sendRequest<unknown>(method, params);
      // it may be rejected after `gone` was, and nobody waits for it then
      answer.catch(() => undefined);
      return checkResult(method, await Promise.race([answer, gone]), refuse);
    } catch (error) {
      throw toAppError(error, refuse);
    } finally {
      pending.delete(reject);
    }
  }

  const hello = await sayHello(request, options, ended, process).catch((error: unknown) => {
    ending = true;
    process.stdin.end();
    throw error;
  });
  return {
    hello,
    request,
    ended,
    end: async () => {
      ending = true;
      process.stdin.end();
      await exited;
    },
  };
}

async function sayHello(
  request: HelperClient["request"],
  options: ClientOptions,
  ended: Promise<End>,
  process: HelperProcess,
): Promise<Result<"hello">> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    if (options.helloMs === null) return;
    timer = setTimeout(() => {
      process.terminate();
      reject(appError("failed", "The helper does not answer.", GONE));
    }, options.helloMs);
  });
  const noHello = ended.then((end): never => {
    throw new NoHello(end);
  });
  noHello.catch(() => undefined);
  try {
    const asked = request("hello", { protocol: PROTOCOL_VERSION, client: options.name }).catch(
      async (error: unknown): Promise<never> => {
        // what ended says why; that it is gone does not
        if (error instanceof HelperGone) return noHello;
        throw error;
      },
    );
    const hello = await Promise.race([asked, noHello, late]);
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw appError(
        "failed",
        `The helper (version ${oneLine(hello.version, 40)}) speaks another protocol than the app.`,
        {
          kept: "Nothing was changed.",
          next: "Install both from the same package, then start Refold again.",
        },
      );
    }
    return hello;
  } finally {
    clearTimeout(timer);
  }
}

function checkResult<M extends Method>(
  method: M,
  answer: unknown,
  refuse: (message: string) => void,
): Result<M> {
  const schema: z.ZodType = METHODS[method].result;
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data as Result<M>;
  refuse(`helper's answer to "${method}" does not fit: ${oneLine(issues(parsed.error))}`);
  throw appError("failed", "The helper's answer is not one the app understands.", {
    kept: "The answer was not used.",
    next: "Try again. If it comes back, install Refold again, helper and app from the same package.",
  });
}

function toAppError(error: unknown, refuse: (message: string) => void): AppError {
  if (error instanceof AppError) return error;
  // the library's own words for a pipe that nobody reads any more
  const unsent: readonly number[] = [ErrorCodes.MessageWriteError, ErrorCodes.PendingResponseRejected];
  if (error instanceof ResponseError && !unsent.includes(error.code)) {
    const data = errorDataSchema.safeParse(error.data);
    if (data.success) return new AppError(data.data);
    refuse(`helper's error does not fit: ${oneLine(error.message)}`);
    return appError("failed", "The helper failed.", { next: "Try it again. The log says more." });
  }
  return new HelperGone(error);
}

function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join(".")}: ${issue.message}`)
    .join("; ");
}

function describeExit(exit: Exit | Error | null): string {
  if (exit === null) return "it closed its output";
  if (exit instanceof Error) return `it could not be started: ${exit.message}`;
  if (exit.signal !== null) return `it was ended by ${exit.signal}`;
  return `it ended with code ${String(exit.code)}`;
}
