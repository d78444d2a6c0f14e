/** The ways into the stand-in: Playwright's, and the tests' own. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectOverCDPTransport } from "playwright-core";
import type { Command } from "../../electron-stand-in/control.ts";

/** The program makes its sockets some time after it was started. */
export async function connectWhenThere(path: string, gaveUp: () => Error | null): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const there = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    if (there) return socket;
    const error = gaveUp();
    if (error !== null) throw error;
    await sleep(20);
  }
}

/**
 * DevTools messages over a Unix socket, each ended by NUL. Each is handed on in
 * a task of its own: Playwright counts on what it awaits being done between two.
 */
export function cdpTransport(socket: Socket): ConnectOverCDPTransport {
  const waiting: object[] = [];
  let rest = "";
  let pumping = false;
  const transport: ConnectOverCDPTransport = {
    send: (message) => {
      socket.write(`${JSON.stringify(message)}\0`);
    },
    close: () => {
      socket.destroy();
    },
  };
  function pump(): void {
    if (pumping || waiting.length === 0) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      const message = waiting.shift();
      if (message !== undefined) transport.onmessage?.(message);
      pump();
    });
  }
  socket.setEncoding("utf8");
  socket.on("error", () => undefined);
  socket.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\0");
    rest = parts.pop() ?? "";
    for (const part of parts) waiting.push(JSON.parse(part) as object);
    pump();
  });
  socket.on("close", () => transport.onclose?.());
  return transport;
}

interface Reply {
  readonly id: number;
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: string;
}

/** The tests' own channel. */
export class Control {
  private readonly socket: Socket;
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private nextId = 1;

  constructor(socket: Socket) {
    this.socket = socket;
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const reply = JSON.parse(line) as Reply;
        const asked = this.waiting.get(reply.id);
        this.waiting.delete(reply.id);
        if (reply.ok) asked?.resolve(reply.value);
        else asked?.reject(new Error(reply.error));
      }
    });
    socket.on("close", () => {
      for (const { reject } of this.waiting.values()) reject(new Error("the app ended"));
      this.waiting.clear();
    });
  }
  /** @throws Error in the stand-in's words, or where the app ended before it answered */
  async send<T>(command: Command): Promise<T> {
    if (this.socket.destroyed) throw new Error("the app has ended");
    return new Promise<T>((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.socket.write(`${JSON.stringify({ ...command, id })}\n`);
    });
  }
  close(): void {
    this.socket.destroy();
  }
}
