/**
 * The same tests on Electron itself, over Playwright's own support for it.
 * What a person would do outside of the page is done through Electron's objects
 * in the main process. Electron tells nobody of its tray's menu: that is looked
 * up where the app made it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { _electron, type ElectronApplication } from "@playwright/test";
import type { NotificationState, TrayState } from "../../electron-stand-in/control.ts";
import type { ShellCall } from "../../electron-stand-in/shell.ts";
import { ROOT } from "../../support/run.ts";
import type { App, Exit, LaunchOptions } from "./app.ts";
import { MAIN } from "./launch.ts";
import { run } from "./process.ts";

/** ELECTRON_OVERRIDE_DIST_PATH, or where Electron's installer puts it; null where neither has one. */
export function electronProgram(env: NodeJS.ProcessEnv = process.env): string | null {
  const dist = env["ELECTRON_OVERRIDE_DIST_PATH"];
  const folder = dist === undefined || dist === "" ? join(ROOT, "node_modules", "electron", "dist") : dist;
  const program = join(folder, "electron");
  return existsSync(program) ? program : null;
}

interface Seen {
  trays: { image: Electron.NativeImage; toolTip: string; menu: Electron.Menu | null; tray: Electron.Tray }[];
  notifications: { notification: Electron.Notification; state: "shown" | "closed" }[];
  shell: ShellCall[];
  answers: Record<string, unknown[]>;
}
type Main = typeof Electron.CrossProcessExports;

/** Puts itself between the app and what the desktop would show. Runs in the main process. */
function watchMain(electron: Main): void {
  const seen: Seen = { trays: [], notifications: [], shell: [], answers: {} };
  (globalThis as { refoldSeen?: Seen }).refoldSeen = seen;
  const { Tray, Notification, shell, dialog } = electron;
  const entry = (tray: Electron.Tray): Seen["trays"][number] => {
    const known = seen.trays.find((each) => each.tray === tray);
    if (known !== undefined) return known;
    const made = { image: electron.nativeImage.createEmpty(), toolTip: "", menu: null, tray };
    seen.trays.push(made);
    return made;
  };
  const setContextMenu = Reflect.get(Tray.prototype, "setContextMenu");
  const setToolTip = Reflect.get(Tray.prototype, "setToolTip");
  const setImage = Reflect.get(Tray.prototype, "setImage");
  Tray.prototype.setContextMenu = function (menu) {
    entry(this).menu = menu;
    setContextMenu.call(this, menu);
  };
  Tray.prototype.setToolTip = function (text) {
    entry(this).toolTip = text;
    setToolTip.call(this, text);
  };
  Tray.prototype.setImage = function (image) {
    if (typeof image !== "string") entry(this).image = image;
    setImage.call(this, image);
  };
  const show = Reflect.get(Notification.prototype, "show");
  Notification.prototype.show = function () {
    seen.notifications.push({ notification: this, state: "shown" });
    show.call(this);
  };
  shell.showItemInFolder = (target) => void seen.shell.push({ method: "showItemInFolder", target });
  shell.openExternal = (target) => {
    seen.shell.push({ method: "openExternal", target });
    return Promise.resolve();
  };
  shell.openPath = (target) => {
    seen.shell.push({ method: "openPath", target });
    return Promise.resolve("");
  };
  const answer = (method: string, otherwise: unknown) => () =>
    Promise.resolve(seen.answers[method]?.shift() ?? otherwise);
  dialog.showMessageBox = answer("showMessageBox", { response: 0, checkboxChecked: false }) as never;
  dialog.showSaveDialog = answer("showSaveDialog", { canceled: true, filePath: "" }) as never;
  dialog.showOpenDialog = answer("showOpenDialog", { canceled: true, filePaths: [] }) as never;
}

/** Starts it on Electron and waits for its page. */
export async function launchOnElectron(program: string, options: LaunchOptions): Promise<App> {
  if (options.volumes !== undefined) {
    throw new Error(
      "on Electron the app sees the machine's volumes: run these tests where there are no others",
    );
  }
  const main = options.main ?? MAIN;
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const words = [...sandbox, main, ...(options.args ?? [])];
  const { PATH = "" } = process.env;
  const app: ElectronApplication = await _electron.launch({
    executablePath: program,
    args: words,
    env: { PATH, ...options.env },
    cwd: ROOT,
    timeout: options.timeoutMs ?? 60_000,
  });
  await app.evaluate(watchMain);
  const page = await app.firstWindow();
  const child = app.process();
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
    });
  });
  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    child.kill(signal);
    return await exited;
  };
  return {
    page,
    mainPid: child.pid ?? 0,
    logs: () => text,
    exited,
    tray: () =>
      app.evaluate((): TrayState | null => {
        const { refoldSeen } = globalThis as unknown as { refoldSeen: Seen };
        const shown = refoldSeen.trays.find(({ tray }) => !tray.isDestroyed());
        if (shown === undefined) return null;
        const rows = (menu: Electron.Menu | null): TrayState["menu"] =>
          (menu?.items ?? []).map((item) => ({
            type: item.type as TrayState["menu"][number]["type"],
            label: item.label.replaceAll(/&(.)/gs, "$1"),
            enabled: item.enabled,
            visible: item.visible,
            checked: item.checked,
            ...(item.submenu === undefined ? {} : { items: rows(item.submenu) }),
          }));
        return {
          toolTip: shown.toolTip,
          menu: rows(shown.menu),
          icons: shown.image.getScaleFactors().map((scaleFactor) => ({
            scaleFactor,
            ...shown.image.getSize(scaleFactor),
            png: shown.image.toPNG({ scaleFactor }).toString("base64"),
          })),
        };
      }),
    clickTray: (label) =>
      app.evaluate((_electronModule, wanted) => {
        const { refoldSeen } = globalThis as unknown as { refoldSeen: Seen };
        const shown = refoldSeen.trays.find(({ tray }) => !tray.isDestroyed());
        if (shown === undefined) throw new Error("there is no tray");
        if (wanted === null) {
          shown.tray.emit("click");
          return;
        }
        const item = shown.menu?.items.find((each) => each.label.replaceAll(/&(.)/gs, "$1") === wanted);
        if (item?.enabled !== true) throw new Error(`no "${wanted}" in the menu, or not enabled`);
        (item.click as () => void)();
      }, label ?? null),
    notifications: () =>
      app.evaluate((): NotificationState[] =>
        (globalThis as unknown as { refoldSeen: Seen }).refoldSeen.notifications.map(
          ({ notification, state }) => ({
            title: notification.title,
            body: notification.body,
            state,
          }),
        ),
      ),
    clickNotification: (index) =>
      app.evaluate((_electronModule, at) => {
        const { refoldSeen } = globalThis as unknown as { refoldSeen: Seen };
        refoldSeen.notifications.at(at)?.notification.emit("click");
      }, index),
    setDialogAnswer: (method, answer) =>
      app.evaluate(
        (_electronModule, given) => {
          const { answers } = (globalThis as unknown as { refoldSeen: Seen }).refoldSeen;
          (answers[given.method] ??= []).push(given.answer);
        },
        { method, answer },
      ),
    shellCalls: () => app.evaluate(() => (globalThis as unknown as { refoldSeen: Seen }).refoldSeen.shell),
    setPower: (state) =>
      app.evaluate(({ powerMonitor }, { onBattery, idleSeconds }) => {
        if (onBattery !== undefined) powerMonitor.isOnBatteryPower = () => onBattery;
        if (idleSeconds !== undefined) powerMonitor.getSystemIdleTime = () => idleSeconds;
      }, state),
    emitPower: (event) =>
      app.evaluate(({ powerMonitor }, name) => {
        powerMonitor.emit(name);
      }, event),
    setDark: (dark) => page.emulateMedia({ colorScheme: dark ? "dark" : "light" }),
    windowVisible: () =>
      app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false),
    windowFocused: () =>
      app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isFocused() ?? false),
    closeWindow: () =>
      app.evaluate(({ BrowserWindow }) => {
        BrowserWindow.getAllWindows()[0]?.close();
      }),
    evaluateInPreload: () => Promise.reject(new Error("Electron lets no test into the preload's world")),
    startSecond: async (args = []) => await run([program, ...sandbox, main, ...args], options.env).exited,
    close: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}
