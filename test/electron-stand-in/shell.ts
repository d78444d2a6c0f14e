/** shell: other programs of the desktop. Under test nothing is started, and the calls are kept. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { callBus, closeBus, hasSessionBus, openSessionBus } from "./dbus/session-bus.ts";

export interface ShellCall {
  readonly method: "showItemInFolder" | "openPath" | "openExternal" | "beep";
  readonly target: string;
}

/** Every call, in order. */
export const shellCalls: ShellCall[] = [];
const underTest = (): boolean => (process.env["REFOLD_STAND_IN_CONTROL"] ?? "") !== "";

/** @returns "" or what went wrong */
function xdgOpen(target: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn("xdg-open", [target], { stdio: "ignore", detached: true });
    child.once("error", (error) => {
      resolve(error.message);
    });
    child.once("exit", (code) => {
      resolve(code === 0 ? "" : `xdg-open ended with ${String(code)}`);
    });
    child.unref();
  });
}

async function showInFileManager(path: string): Promise<void> {
  const bus = openSessionBus();
  try {
    await callBus(bus, {
      destination: "org.freedesktop.FileManager1",
      path: "/org/freedesktop/FileManager1",
      interface: "org.freedesktop.FileManager1",
      member: "ShowItems",
      signature: "ass",
      body: [[pathToFileURL(path).href], ""],
    });
  } catch {
    await xdgOpen(path.replace(/\/[^/]*$/s, "") || "/");
  } finally {
    closeBus(bus);
  }
}

export const shell = {
  showItemInFolder: (path: string): void => {
    shellCalls.push({ method: "showItemInFolder", target: path });
    if (underTest()) return;
    if (hasSessionBus()) void showInFileManager(path);
    else void xdgOpen(path.replace(/\/[^/]*$/s, "") || "/");
  },
  openPath: async (path: string): Promise<string> => {
    shellCalls.push({ method: "openPath", target: path });
    if (!existsSync(path)) return "Failed to open path";
    return underTest() ? "" : await xdgOpen(path);
  },
  openExternal: async (url: string): Promise<void> => {
    shellCalls.push({ method: "openExternal", target: url });
    const failure = underTest() ? "" : await xdgOpen(url);
    if (failure !== "") throw new Error(failure);
  },
  beep: (): void => {
    shellCalls.push({ method: "beep", target: "" });
  },
} satisfies Partial<Electron.Shell>;
