/**
 * Chromium's DevTools protocol over the pipe of --remote-debugging-pipe: JSON
 * messages that end with NUL, on file descriptors 3 and 4 of the browser.
 * Several clients share it; each has its own numbers and its own sessions.
 */
import { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";

export type Params = Readonly<Record<string, unknown>>;
export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: Params) => void;
  readonly reject: (error: Error) => void;
}

/** One target's conversation. Events are emitted under their method's name, with the parameters. */
export class CdpSession extends EventEmitter<Record<string, [Params]>> {
  private readonly connection: CdpConnection;
  readonly id: string | undefined;
  constructor(connection: CdpConnection, id: string | undefined) {
    super();
    this.setMaxListeners(0);
    this.connection = connection;
    this.id = id;
  }
  /** @throws Error in the protocol's words, or when the browser is gone */
  send(method: string, params: Params = {}): Promise<Params> {
    return this.connection.request(this.id, method, params);
  }
  /** For what may fail without harm, as when the target is just closing. */
  post(method: string, params: Params = {}): void {
    this.send(method, params).catch(() => undefined);
  }
}

/** A client that is not the stand-in itself: gets what its sessions get, raw. */
export interface RawClient {
  /** Of the browser-wide session that stands for the client's root. */
  readonly root: string;
  readonly sessions: Set<string>;
  deliver(message: Message): void;
}

export class CdpConnection {
  readonly browser = new CdpSession(this, undefined);
  private readonly sessions = new Map<string, CdpSession>();
  private readonly pending = new Map<number, Pending>();
  private readonly clients = new Set<RawClient>();
  private readonly foreign = new Map<number, { readonly client: RawClient; readonly id: number }>();
  private readonly out: Writable;
  private nextId = 1;
  private closed = false;
  private rest: Buffer[] = [];

  constructor(input: Readable, output: Writable) {
    this.out = output;
    input.on("data", (chunk: Buffer) => {
      this.read(chunk);
    });
    // the browser's end is seen by its process
    input.on("error", () => undefined);
    output.on("error", () => undefined);
  }

  session(id: string): CdpSession {
    const known = this.sessions.get(id);
    if (known !== undefined) return known;
    const made = new CdpSession(this, id);
    this.sessions.set(id, made);
    return made;
  }

  request(sessionId: string | undefined, method: string, params: Params): Promise<Params> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new Error(`${method}: the browser is gone`));
        return;
      }
      const id = this.nextId++;
      this.pending.set(id, { method, resolve, reject });
      this.write({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) });
    });
  }

  /** The browser is gone: nothing that waits will be answered. */
  close(): void {
    this.closed = true;
    for (const { method, reject } of this.pending.values())
      reject(new Error(`${method}: the browser is gone`));
    this.pending.clear();
  }

  addClient(client: RawClient): void {
    this.clients.add(client);
  }
  removeClient(client: RawClient): void {
    this.clients.delete(client);
    for (const [id, { client: owner }] of this.foreign) if (owner === client) this.foreign.delete(id);
  }

  /** Sends a client's message under a number that is free here. */
  forward(client: RawClient, message: Message): void {
    const id = this.nextId++;
    this.foreign.set(id, { client, id: message.id ?? 0 });
    this.write({ ...message, id, sessionId: message.sessionId ?? client.root });
  }

  private write(message: Message): void {
    if (!this.closed) this.out.write(`${JSON.stringify(message)}\0`);
  }

  private read(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      const text = Buffer.concat([...this.rest, chunk.subarray(from, end)]).toString("utf8");
      this.rest = [];
      from = end + 1;
      this.dispatch(JSON.parse(text) as Message);
    }
    if (from < chunk.length) this.rest.push(chunk.subarray(from));
  }

  private dispatch(message: Message): void {
    if (message.id !== undefined) {
      const asked = this.foreign.get(message.id);
      if (asked !== undefined) {
        this.foreign.delete(message.id);
        this.deliver(asked.client, { ...message, id: asked.id });
        return;
      }
      const pending = this.pending.get(message.id);
      this.pending.delete(message.id);
      if (message.error !== undefined)
        pending?.reject(new Error(`${pending.method}: ${message.error.message}`));
      else pending?.resolve(message.result ?? {});
      return;
    }
    const { sessionId, method, params = {} } = message;
    const client = [...this.clients].find(
      ({ root, sessions }) => sessionId === root || sessions.has(sessionId ?? ""),
    );
    if (client !== undefined) {
      if (method === "Target.attachedToTarget") client.sessions.add(params["sessionId"] as string);
      this.deliver(client, message);
      return;
    }
    const session = sessionId === undefined ? this.browser : this.sessions.get(sessionId);
    if (method !== undefined) session?.emit(method, params);
  }

  private deliver(client: RawClient, message: Message): void {
    const { sessionId, ...rest } = message;
    client.deliver(sessionId === undefined || sessionId === client.root ? rest : { ...rest, sessionId });
  }
}
