import type { Readable, Writable } from "node:stream";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageWriter,
} from "vscode-jsonrpc/node";
import { z } from "zod";
import { FrameError, FrameReader } from "./frame-reader.ts";
import { MAX_MESSAGE_BYTES, RPC_ERROR, type ErrorData } from "./protocol.ts";

/** Requests that may wait for their answers at one time. */
export const MAX_PENDING = 64;
/** Answers that the other side has not read yet, in bytes: more ends the connection. */
const MAX_UNREAD_BYTES = 8 * MAX_MESSAGE_BYTES;

type RequestId = string | number;

/** What a request may look like, before its method is looked at. */
const requestSchema = z.strictObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.int(), z.string().max(100)]),
  method: z.string().max(100),
  // as it came: the method's own schema looks at it
  params: z
    .custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value))
    .optional(),
});

/** What both directions of a connection tell its server. */
export interface TransportEvents {
  /** A message that was not taken, in a few words. */
  refused(why: string): void;
  /** The connection cannot go on. null: the other side closed it. */
  ended(why: string | null): void;
}

/** An answer with an error. id null: the request's own could not be read. */
function errorMessage(id: RequestId | null, data: ErrorData): Message {
  return { jsonrpc: "2.0", id, error: { code: RPC_ERROR, message: data.message, data } } as Message;
}

function refusal(message: string): ErrorData {
  return { code: "refused", message, kept: "Nothing was done.", next: "" };
}

/**
 * Requests from a stream, for vscode-jsonrpc. Lets through well-formed
 * requests and nothing else: its connection would act on notifications
 * ($/cancelRequest) and on responses without looking at their shape.
 */
export class RequestReader extends AbstractMessageReader implements MessageReader {
  readonly #input: Readable;
  readonly #writer: AnswerWriter;
  readonly #events: TransportEvents;
  readonly #frames = new FrameReader(MAX_MESSAGE_BYTES);
  #open = true;

  constructor(input: Readable, writer: AnswerWriter, events: TransportEvents) {
    super();
    this.#input = input;
    this.#writer = writer;
    this.#events = events;
  }

  listen(callback: DataCallback): Disposable {
    this.#input.on("data", (chunk: Buffer) => {
      this.#read(chunk, callback);
    });
    const ended = (): void => {
      this.#end(this.#frames.atRest ? null : "it ended in the middle of a message");
    };
    this.#input.on("end", ended);
    this.#input.on("close", ended);
    this.#input.on("error", (error: Error) => {
      this.#end(`standard input: ${error.message}`);
    });
    return {
      dispose: () => {
        this.stop();
      },
    };
  }

  get stopped(): boolean {
    return !this.#open;
  }

  /** Reads no more. */
  stop(): void {
    this.#open = false;
    this.#input.pause();
  }

  #end(why: string | null): void {
    if (!this.#open) return;
    this.stop();
    this.#events.ended(why);
  }

  #read(chunk: Buffer, callback: DataCallback): void {
    if (!this.#open) return;
    try {
      for (const body of this.#frames.push(chunk)) {
        this.#admit(body, callback);
        if (this.stopped) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#writer.answer(errorMessage(null, refusal(`The connection ends: ${error.message}.`)));
      this.#end(error.message);
    }
  }

  #admit(body: Buffer, callback: DataCallback): void {
    const message = parse(body);
    if (message === undefined) {
      this.#refuse(null, "a message that is no JSON");
      return;
    }
    const { success, data } = requestSchema.safeParse(message);
    if (!success) {
      if (isNotification(message)) this.#events.refused("a notification: the helper takes none");
      else this.#refuse(idOf(message), "a message that is no request");
      return;
    }
    if (this.#writer.pending.has(data.id)) {
      this.#refuse(null, "a request with the number of one that waits for its answer");
    } else if (this.#writer.pending.size >= MAX_PENDING) {
      this.#refuse(data.id, `more than ${MAX_PENDING} requests at one time`);
    } else {
      this.#writer.pending.add(data.id);
      callback(data);
    }
  }

  #refuse(id: RequestId | null, why: string): void {
    this.#events.refused(why);
    this.#writer.answer(errorMessage(id, refusal(`The helper does not take ${why}.`)));
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function idOf(message: unknown): RequestId | null {
  const { success, data } = z.object({ id: requestSchema.shape.id }).safeParse(message);
  return success ? data.id : null;
}

function isNotification(message: unknown): boolean {
  return (
    typeof message === "object" && message !== null && Object.hasOwn(message, "method") && !("id" in message)
  );
}

/** Answers and notifications to a stream, for vscode-jsonrpc. Nothing longer than the cap leaves. */
export class AnswerWriter extends AbstractMessageWriter implements MessageWriter {
  /** Ids of requests that have no answer yet. */
  readonly pending = new Set<RequestId>();
  readonly #output: Writable;
  readonly #events: TransportEvents;
  #open = true;

  constructor(output: Writable, events: TransportEvents) {
    super();
    this.#output = output;
    this.#events = events;
    output.on("error", () => {
      this.#end(null); // EPIPE: nobody reads any more
    });
    output.on("close", () => {
      this.#end(null);
    });
  }

  /** Never rejects: a stream that broke ends the connection. */
  write(message: Message): Promise<void> {
    this.answer(message);
    return Promise.resolve();
  }

  answer(message: Message): void {
    const { id } = message as Message & { id?: RequestId | null };
    if (id !== undefined && id !== null) this.pending.delete(id);
    if (!this.#open) return;
    let text = JSON.stringify(message);
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) {
      this.#events.refused(`an answer above the limit of a message was held back`);
      if (id === undefined || id === null) return;
      text = JSON.stringify(errorMessage(id, TOO_LONG));
    }
    this.#output.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    if (this.#output.writableLength > MAX_UNREAD_BYTES) this.#end("the other side does not read its answers");
  }

  /** Writes out what waits, for at most so long: a reader that does not read is not waited for. */
  async close(withinMs: number): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#output.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  end(): void {
    // the server closes it, when every task has ended
  }

  #end(why: string | null): void {
    if (!this.#open) return;
    if (why === null) this.#open = false;
    this.#events.ended(why);
  }
}

const TOO_LONG: ErrorData = {
  code: "failed",
  message: "The answer is longer than a message may be.",
  kept: "",
  next: "Ask for fewer rows.",
};
