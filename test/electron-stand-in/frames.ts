/** The frames of a page as the main process knows them, and the preload's world in each. */
import { EventEmitter } from "node:events";
import type { CdpSession } from "./cdp/connection.ts";
import { encode } from "./page/wire.ts";
import type { ToPage } from "./page/preload-world.ts";
import { WORLD } from "./page/scripts.ts";
import { originOf, toApp } from "./urls.ts";

interface FrameData {
  readonly id: string;
  readonly parentId?: string;
  readonly url: string;
  readonly urlFragment?: string;
  readonly name?: string;
}
interface FrameTreeData {
  readonly frame: FrameData;
  readonly childFrames?: readonly FrameTreeData[];
}

let nextFrame = 1;

/** WebFrameMain: one frame with one document after the other. */
export class FrameImpl
  extends EventEmitter
  implements
    Pick<
      Electron.WebFrameMain,
      "url" | "origin" | "name" | "detached" | "frameTreeNodeId" | "routingId" | "processId" | "isDestroyed"
    >
{
  readonly frameTreeNodeId = nextFrame++;
  readonly routingId = this.frameTreeNodeId;
  readonly processId = 1;
  readonly _id: string;
  _parent: FrameImpl | null;
  readonly _children = new Set<FrameImpl>();
  url = "";
  name = "";
  detached = false;
  /** The preload's world of the document that is shown. */
  _world: { readonly session: CdpSession; readonly context: number } | null = null;

  constructor(id: string, parent: FrameImpl | null) {
    super();
    this._id = id;
    this._parent = parent;
    parent?._children.add(this);
  }
  get origin(): string {
    return originOf(this.url);
  }
  get parent(): FrameImpl | null {
    return this._parent;
  }
  get top(): FrameImpl {
    return this._parent === null ? this : this._parent.top;
  }
  get frames(): FrameImpl[] {
    return [...this._children];
  }
  get framesInSubtree(): FrameImpl[] {
    return [this, ...this.frames.flatMap((child) => child.framesInSubtree)];
  }
  isDestroyed(): boolean {
    return this.detached;
  }
  send(channel: string, ...args: unknown[]): void {
    this._tell({ kind: "event", channel, args });
  }
  /** @throws CloneError for what cannot be sent */
  _tell(message: ToPage): void {
    const text = encode(message);
    if (this._world === null) return;
    const { session, context } = this._world;
    session.post("Runtime.evaluate", {
      contextId: context,
      expression: `electronStandIn.receive(${JSON.stringify(text)})`,
    });
  }
}

/** Keeps the frames of a page, over all targets that it is made of. */
export class Frames {
  private readonly byId = new Map<string, FrameImpl>();
  main: FrameImpl | null = null;
  /** Called with the main frame after it went to another document, or to another place in it. */
  onNavigated: (inPage: boolean) => void = () => undefined;

  get(id: string): FrameImpl | undefined {
    return this.byId.get(id);
  }
  /** The frame whose preload's world that is. */
  ofContext(session: CdpSession, context: number): FrameImpl | undefined {
    return [...this.byId.values()].find(
      ({ _world }) => _world?.session === session && _world.context === context,
    );
  }

  private note(data: FrameData): FrameImpl {
    const parent = data.parentId === undefined ? null : (this.byId.get(data.parentId) ?? null);
    let frame = this.byId.get(data.id);
    if (frame === undefined) {
      frame = new FrameImpl(data.id, parent);
      this.byId.set(data.id, frame);
    }
    if (frame._parent === null && parent === null && data.parentId === undefined) this.main = frame;
    frame.url = toApp(data.url + (data.urlFragment ?? ""));
    frame.name = data.name ?? "";
    return frame;
  }
  private noteTree(tree: FrameTreeData): void {
    this.note(tree.frame);
    for (const child of tree.childFrames ?? []) this.noteTree(child);
  }
  private remove(id: string): void {
    const frame = this.byId.get(id);
    if (frame === undefined) return;
    for (const child of frame.frames) this.remove(child._id);
    frame.detached = true;
    frame._world = null;
    frame._parent?._children.delete(frame);
    this.byId.delete(id);
  }

  /** Follows one target of the page. Page and Runtime must not be enabled before. */
  async follow(session: CdpSession): Promise<void> {
    session.on("Page.frameAttached", ({ frameId, parentFrameId }) => {
      if (!this.byId.has(frameId as string)) {
        this.note({ id: frameId as string, parentId: parentFrameId as string, url: "" });
      }
    });
    session.on("Page.frameNavigated", ({ frame }) => {
      const made = this.note(frame as FrameData);
      if (made === this.main) this.onNavigated(false);
    });
    session.on("Page.navigatedWithinDocument", ({ frameId, url }) => {
      const frame = this.byId.get(frameId as string);
      if (frame === undefined) return;
      frame.url = toApp(url as string);
      if (frame === this.main) this.onNavigated(true);
    });
    session.on("Page.frameDetached", ({ frameId, reason }) => {
      // "swap": it goes on in another process, with a target of its own
      if (reason !== "swap") this.remove(frameId as string);
    });
    session.on("Runtime.executionContextCreated", ({ context }) => {
      const { id, name, auxData } = context as { id: number; name: string; auxData?: { frameId?: string } };
      const frame = this.byId.get(auxData?.frameId ?? "");
      if (name === WORLD && frame !== undefined) frame._world = { session, context: id };
    });
    session.on("Runtime.executionContextDestroyed", ({ executionContextId }) => {
      const frame = this.ofContext(session, executionContextId as number);
      if (frame !== undefined) frame._world = null;
    });
    session.on("Runtime.executionContextsCleared", () => {
      for (const frame of this.byId.values()) if (frame._world?.session === session) frame._world = null;
    });
    await session.send("Page.enable");
    const { frameTree } = (await session.send("Page.getFrameTree")) as unknown as {
      frameTree: FrameTreeData;
    };
    this.noteTree(frameTree);
    await session.send("Runtime.enable");
  }

  /** The browser is gone, and every frame with it. */
  clear(): void {
    if (this.main !== null) this.remove(this.main._id);
    this.byId.clear();
    this.main = null;
  }
}
