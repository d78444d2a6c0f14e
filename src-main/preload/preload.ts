/**
 * Makes window.refold in the page: two functions, and names that are on a list.
 * Neither ipcRenderer nor an event of it comes through to the page.
 * https://www.electronjs.org/docs/latest/tutorial/context-isolation
 */
import { contextBridge, ipcRenderer } from "electron";
import { INVOKE_CHANNEL, INVOKE_NAMES, NOTIFY_NAMES, notifyChannel } from "../ipc/channels.ts";

const calls: ReadonlySet<unknown> = new Set(INVOKE_NAMES);
const notifications: ReadonlySet<unknown> = new Set(NOTIFY_NAMES);

const refused = {
  ok: false,
  error: { code: "refused", message: "There is no such call.", kept: "", next: "" },
} as const;

contextBridge.exposeInMainWorld("refold", {
  invoke: (name: unknown, args: unknown): Promise<unknown> =>
    calls.has(name) ? ipcRenderer.invoke(INVOKE_CHANNEL, name, args) : Promise.resolve(refused),
  on: (name: unknown, listener: unknown): (() => void) => {
    if (!notifications.has(name) || typeof listener !== "function") return () => undefined;
    const channel = notifyChannel(name as (typeof NOTIFY_NAMES)[number]);
    const forward = (_event: unknown, payload: unknown): void => {
      (listener as (payload: unknown) => void)(payload);
    };
    ipcRenderer.on(channel, forward);
    return () => {
      ipcRenderer.off(channel, forward);
    };
  },
});
