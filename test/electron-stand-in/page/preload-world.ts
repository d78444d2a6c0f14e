/**
 * The preload's world: what a sandboxed preload script finds there.
 * https://www.electronjs.org/docs/latest/tutorial/sandbox#preload-scripts
 */
import { createBridge } from "./bridge.ts";
import { decode, encode } from "./wire.ts";

type Listener = (event: object, ...args: unknown[]) => void;

/** What the main process is told; a string by `encode`. */
export type FromPage =
  | {
      readonly kind: "invoke";
      readonly id: number;
      readonly channel: string;
      readonly args: readonly unknown[];
    }
  | { readonly kind: "send"; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly kind: "focus"; readonly focused: boolean };

/** What the main process tells. */
export type ToPage =
  | { readonly kind: "event"; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly message: string };

/** Values from the main process, written into the script. */
export interface PreloadSetting {
  readonly secret: string;
  readonly binding: string;
  readonly path: string;
  readonly inSubFrames: boolean;
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  readonly argv: readonly string[];
}

interface Scope extends EventTarget {
  readonly parent: unknown;
  readonly [key: string]: unknown;
}
type PageMessageEvent = new (type: string, init: { source: unknown }) => Event;
type Channel = new () => { readonly port1: EventTarget };
interface PageConsole {
  error(...what: unknown[]): void;
}

function createIpcRenderer(send: (text: string) => void) {
  const listeners = new Map<string, { listener: Listener; run: Listener }[]>();
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  const tell = (message: FromPage): void => {
    send(encode(message));
  };
  const add = (channel: string, listener: Listener, run: Listener): void => {
    listeners.set(channel, [...(listeners.get(channel) ?? []), { listener, run }]);
  };
  const ipcRenderer = {
    invoke: async (channel: string, ...args: unknown[]): Promise<unknown> => {
      const id = nextId++;
      tell({ kind: "invoke", id, channel, args });
      return new Promise((resolve, reject) => {
        waiting.set(id, {
          resolve,
          reject: (error) => {
            reject(new Error(`Error invoking remote method '${channel}': ${error.message}`));
          },
        });
      });
    },
    send: (channel: string, ...args: unknown[]): void => {
      tell({ kind: "send", channel, args });
    },
    on: (channel: string, listener: Listener) => {
      add(channel, listener, listener);
      return ipcRenderer;
    },
    addListener: (channel: string, listener: Listener) => ipcRenderer.on(channel, listener),
    once: (channel: string, listener: Listener) => {
      add(channel, listener, (event, ...args) => {
        ipcRenderer.off(channel, listener);
        listener(event, ...args);
      });
      return ipcRenderer;
    },
    off: (channel: string, listener: Listener) => {
      const held = listeners.get(channel) ?? [];
      const last = held.findLastIndex((item) => item.listener === listener);
      if (last >= 0) listeners.set(channel, held.toSpliced(last, 1));
      return ipcRenderer;
    },
    removeListener: (channel: string, listener: Listener) => ipcRenderer.off(channel, listener),
    removeAllListeners: (channel?: string) => {
      if (channel === undefined) listeners.clear();
      else listeners.delete(channel);
      return ipcRenderer;
    },
    listenerCount: (channel: string): number => listeners.get(channel)?.length ?? 0,
  };
  const receive = (text: string): void => {
    const message = decode(text) as ToPage;
    if (message.kind === "event") {
      const event = { sender: ipcRenderer, ports: [] };
      for (const { run } of listeners.get(message.channel) ?? []) run(event, ...message.args);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "result") call?.resolve(message.value);
    else call?.reject(new Error(message.message));
  };
  return { ipcRenderer, receive, tell };
}

/** A member that a preload asks for and that is not there must be seen, as in the main process. */
function guarded<T extends object>(target: T, path: string): T {
  return new Proxy(target, {
    get(object, key) {
      if (typeof key === "symbol" || key === "then" || key in object)
        return Reflect.get(object, key) as unknown;
      throw new Error(`${path}.${key} is not implemented by test/electron-stand-in`);
    },
  });
}

/** The preload script as a CommonJS module's function. */
type Preload = (require: (name: string) => unknown, module: object, exports: object, process: object) => void;

/** Makes the world and runs the preload script in it, where the window has one. */
export function startPreloadWorld(scope: Scope, setting: PreloadSetting, preload: Preload | null): void {
  const send = (scope[setting.binding] as (text: string) => void).bind(scope);
  const { ipcRenderer, receive, tell } = createIpcRenderer(send);
  const isMain = scope.parent === scope;
  const MessageEventOf = scope["MessageEvent"] as PageMessageEvent;
  const ChannelOf = scope["MessageChannel"] as Channel;
  const link = new ChannelOf().port1;
  const bridge = createBridge(link, "preload", scope);
  scope.dispatchEvent(new MessageEventOf(setting.secret, { source: link }));

  // the main process finds these by name; the page's world has neither
  Object.defineProperty(scope, "electronStandIn", {
    value: Object.freeze({ receive, ipcRenderer, send, encode, decode }),
  });
  if (isMain) {
    for (const focused of [true, false]) {
      scope.addEventListener(focused ? "focus" : "blur", () => {
        tell({ kind: "focus", focused });
      });
    }
  }
  if (preload === null || !(isMain || setting.inSubFrames)) return;

  const contextBridge = {
    exposeInMainWorld: (key: string, api: unknown): void => {
      bridge.expose(key, api);
    },
  };
  const electron = guarded(
    {
      ipcRenderer: guarded(ipcRenderer, "ipcRenderer"),
      contextBridge: guarded(contextBridge, "contextBridge"),
    },
    "electron (in the preload)",
  );
  const requireModule = (name: string): unknown => {
    if (name === "electron" || name === "electron/renderer") return electron;
    throw new Error(`module not found: ${name}`);
  };
  const process = guarded(
    {
      type: "renderer",
      sandboxed: true,
      contextIsolated: true,
      versions: setting.versions,
      platform: setting.platform,
      arch: setting.arch,
      argv: setting.argv,
      env: {},
      isMainFrame: isMain,
    },
    "process (in the preload)",
  );
  const module = { exports: {} };
  try {
    preload(requireModule, module, module.exports, process);
  } catch (error) {
    (scope["console"] as PageConsole).error(`Unable to load preload script: ${setting.path}`, error);
  }
}
