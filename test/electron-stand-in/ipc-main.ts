/** ipcMain: what pages call. */
import { EventEmitter } from "node:events";
import type { FromPage } from "./page/preload-world.ts";
import type { FrameImpl } from "./frames.ts";
import type { WebContentsImpl } from "./web-contents.ts";

/** What a handler is given of the call. */
export interface InvokeEvent {
  readonly type: "frame";
  readonly sender: WebContentsImpl;
  readonly senderFrame: FrameImpl | null;
  readonly frameId: number;
  readonly processId: number;
}
type Handler = (event: InvokeEvent, ...args: unknown[]) => unknown;

export class IpcMainImpl extends EventEmitter {
  private readonly handlers = new Map<string, Handler>();

  handle(channel: string, handler: Handler): void {
    if (typeof handler !== "function")
      throw new TypeError(`Expected handler to be a function, but found ${typeof handler}`);
    if (this.handlers.has(channel))
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.handlers.set(channel, handler);
  }
  handleOnce(channel: string, handler: Handler): void {
    this.handle(channel, (event, ...args) => {
      this.removeHandler(channel);
      return handler(event, ...args);
    });
  }
  removeHandler(channel: string): void {
    this.handlers.delete(channel);
  }

  /** Answers a message of a page, in Electron's words where it goes wrong. */
  async _receive(message: FromPage, sender: WebContentsImpl, frame: FrameImpl): Promise<void> {
    if (message.kind === "focus") return;
    const event: InvokeEvent = {
      type: "frame",
      sender,
      // gone by the time it is looked at: null
      get senderFrame() {
        return frame.detached ? null : frame;
      },
      frameId: frame.routingId,
      processId: frame.processId,
    };
    if (message.kind === "send") {
      this.emit(message.channel, Object.assign(event, { returnValue: undefined }), ...message.args);
      return;
    }
    const { id, channel, args } = message;
    const handler = this.handlers.get(channel);
    try {
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
      frame._tell({ kind: "result", id, value: await handler(event, ...args) });
    } catch (error) {
      console.error(`Error occurred in handler for '${channel}':`, error);
      frame._tell({ kind: "error", id, message: String(error) });
    }
  }
}

export const ipcMain = new IpcMainImpl();
