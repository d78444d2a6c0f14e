/**
 * What tests ask and do beside the page: a Unix socket (REFOLD_STAND_IN_CONTROL),
 * one JSON object a line. A request is {id, command, ...}, its answer
 * {id, ok: true, value} or {id, ok: false, error}.
 */
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { app } from "./app.ts";
import { BrowserWindowImpl } from "./browser-window.ts";
import { answerDialog, askedDialogs } from "./dialog.ts";
import { menuTree, plainLabel, type MenuImpl, type MenuItemImpl, type MenuTree } from "./menu.ts";
import { nativeTheme } from "./native-theme.ts";
import { shownNotifications } from "./notification.ts";
import { powerMonitor } from "./power-monitor.ts";
import { shellCalls } from "./shell.ts";
import { allTrays, type TrayImpl } from "./tray.ts";

export interface TrayState {
  readonly toolTip: string;
  readonly menu: readonly MenuTree[];
  /** One PNG a resolution, base64. */
  readonly icons: readonly {
    readonly scaleFactor: number;
    readonly width: number;
    readonly height: number;
    readonly png: string;
  }[];
}
export interface WindowState {
  readonly id: number;
  readonly visible: boolean;
  readonly focused: boolean;
  readonly minimized: boolean;
  readonly ready: boolean;
  readonly title: string;
  readonly url: string;
  readonly bounds: Electron.Rectangle;
}
export interface NotificationState {
  readonly title: string;
  readonly body: string;
  readonly state: "new" | "shown" | "closed";
}

export type Command =
  | { readonly command: "windows" }
  /** Answered when the page has been shown once. */
  | { readonly command: "window.ready" }
  | { readonly command: "window.close" }
  | { readonly command: "tray" }
  | { readonly command: "tray.click" }
  | { readonly command: "tray.choose"; readonly labels: readonly string[] }
  | { readonly command: "notifications" }
  | { readonly command: "notification.click"; readonly index: number }
  | {
      readonly command: "dialog.answer";
      readonly method: "showMessageBox" | "showSaveDialog" | "showOpenDialog";
      readonly answer: unknown;
    }
  | { readonly command: "dialogs" }
  | { readonly command: "shell" }
  | {
      readonly command: "power";
      readonly told: { onBattery?: boolean; idleSeconds?: number; locked?: boolean };
    }
  | {
      readonly command: "power.emit";
      readonly event: "suspend" | "resume" | "on-ac" | "on-battery" | "lock-screen" | "unlock-screen";
    }
  | { readonly command: "theme"; readonly dark: boolean }
  | { readonly command: "preload.evaluate"; readonly frame: string; readonly expression: string }
  | { readonly command: "quit" };

function theTray(): TrayImpl {
  const [tray] = allTrays();
  if (tray === undefined) throw new Error("there is no tray");
  return tray;
}
function theWindow(): BrowserWindowImpl {
  const [window] = BrowserWindowImpl.getAllWindows();
  if (window === undefined) throw new Error("there is no window");
  return window;
}

/** Resolves when a page has been shown in the window. */
async function windowReady(): Promise<void> {
  let [window] = BrowserWindowImpl.getAllWindows();
  if (window === undefined)
    [, window] = (await once(app, "browser-window-created")) as [unknown, BrowserWindowImpl];
  if (!window._ready) await once(window, "ready-to-show");
}

function trayState(): TrayState | null {
  const [tray] = allTrays();
  if (tray === undefined) return null;
  return {
    toolTip: tray._toolTip,
    menu: tray._menu === null ? [] : menuTree(tray._menu),
    icons: [...tray._image._representations].map(([scaleFactor, { width, height }]) => ({
      scaleFactor,
      width,
      height,
      png: tray._image.toPNG({ scaleFactor }).toString("base64"),
    })),
  };
}

function findItem(menu: MenuImpl | null, [label, ...rest]: readonly string[]): MenuItemImpl {
  const items = menu?.items.filter(({ type }) => type !== "separator") ?? [];
  const item = items.find((each) => plainLabel(each.label) === label);
  if (item === undefined) {
    throw new Error(
      `no "${String(label)}" in the menu; it has ${items.map((each) => `"${plainLabel(each.label)}"`).join(", ")}`,
    );
  }
  return rest.length === 0 ? item : findItem(item.submenu, rest);
}

/** Runs in the preload's world of a frame: what a page that broke out of its sandbox could do. */
async function evaluate(frameUrl: string, expression: string): Promise<unknown> {
  const frames = theWindow().webContents.mainFrame.framesInSubtree;
  const frame = frames.find(({ url, _world }) => _world !== null && url.includes(frameUrl));
  if (frame?._world === undefined || frame._world === null)
    throw new Error(`no frame at ${frameUrl}; there are ${frames.map(({ url }) => url).join(", ")}`);
  const { result, exceptionDetails } = (await frame._world.session.send("Runtime.evaluate", {
    contextId: frame._world.context,
    expression,
    awaitPromise: true,
    returnByValue: true,
  })) as {
    result?: { value?: unknown };
    exceptionDetails?: { exception?: { description?: string }; text: string };
  };
  if (exceptionDetails !== undefined) {
    throw new Error(exceptionDetails.exception?.description?.split("\n")[0] ?? exceptionDetails.text);
  }
  return result?.value;
}

async function run(command: Command): Promise<unknown> {
  switch (command.command) {
    case "windows":
      return BrowserWindowImpl.getAllWindows().map((window): WindowState => ({
        id: window.id,
        visible: window.isVisible(),
        focused: window.isFocused(),
        minimized: window.isMinimized(),
        ready: window._ready,
        title: window.getTitle(),
        url: window.webContents.getURL(),
        bounds: window.getBounds(),
      }));
    case "window.ready":
      await windowReady();
      return null;
    case "window.close":
      theWindow().close();
      return null;
    case "tray":
      return trayState();
    case "tray.click":
      theTray()._click();
      return null;
    case "tray.choose": {
      const item = findItem(theTray()._menu, command.labels);
      if (!item.enabled) throw new Error(`"${item.label}" is not enabled`);
      item.click();
      return null;
    }
    case "notifications":
      return shownNotifications.map(({ title, body, _state }): NotificationState => ({
        title,
        body,
        state: _state,
      }));
    case "notification.click": {
      const notification = shownNotifications.at(command.index);
      if (notification === undefined) throw new Error("there is no such notification");
      notification._click();
      return null;
    }
    case "dialog.answer":
      answerDialog(command.method, command.answer);
      return null;
    case "dialogs":
      return askedDialogs;
    case "shell":
      return shellCalls;
    case "power":
      powerMonitor._told = { ...powerMonitor._told, ...command.told };
      return null;
    case "power.emit":
      powerMonitor.emit(command.event);
      return null;
    case "theme":
      nativeTheme._system = command.dark ? "dark" : "light";
      nativeTheme._changed();
      return null;
    case "preload.evaluate":
      return await evaluate(command.frame, command.expression);
    case "quit":
      app.quit();
      return null;
  }
}

async function answer(socket: Socket, line: string): Promise<void> {
  const request = JSON.parse(line) as Command & { readonly id: number };
  let reply: object;
  try {
    reply = { id: request.id, ok: true, value: (await run(request)) ?? null };
  } catch (error) {
    reply = { id: request.id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
  socket.write(`${JSON.stringify(reply)}\n`);
}

export function serveControl(path: string): void {
  const server = createServer((socket) => {
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) void answer(socket, line);
    });
  });
  server.listen(path, () => {
    chmodSync(path, 0o600);
  });
  server.unref();
}
