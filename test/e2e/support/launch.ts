/** Starts the app for a test: on Electron where its binary is, on the stand-in otherwise. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import type { Command, NotificationState, TrayState, WindowState } from "../../electron-stand-in/control.ts";
import type { ShellCall } from "../../electron-stand-in/shell.ts";
import { ROOT } from "../../support/run.ts";
import type { App, Exit, LaunchOptions } from "./app.ts";
import { electronProgram, launchOnElectron } from "./launch-electron.ts";
import { nodeProgram, run } from "./process.ts";
import { cdpTransport, connectWhenThere, Control } from "./transport.ts";

export const MAIN = join(ROOT, "dist", "main", "main.mjs");
export const REGISTER = join(ROOT, "test", "electron-stand-in", "register.mjs");

/**
 * Starts it and waits for its page.
 *
 * @throws Error with all that it wrote, where it ends before that
 */
export async function launchRefold(options: LaunchOptions): Promise<App> {
  const electron = electronProgram();
  return electron === null ? await launchOnStandIn(options) : await launchOnElectron(electron, options);
}

/** The same on the stand-in, also where Electron is. */
export async function launchOnStandIn(options: LaunchOptions): Promise<App> {
  const sockets = mkdtempSync(join(tmpdir(), "refold-stand-in-"));
  const words = [
    nodeProgram(),
    "--disable-warning=ExperimentalWarning",
    "--import",
    REGISTER,
    options.main ?? MAIN,
  ];
  const main = run(
    [...words, ...(options.args ?? [])],
    {
      ...options.env,
      REFOLD_STAND_IN_CDP: join(sockets, "cdp"),
      REFOLD_STAND_IN_CONTROL: join(sockets, "control"),
    },
    options.volumes,
  );
  const deadline = Date.now() + (options.timeoutMs ?? 60_000);
  let over: Exit | null = null;
  const exited = main.exited.then((exit) => {
    over = exit;
    rmSync(sockets, { recursive: true, force: true });
    return exit;
  });
  const fail = (what: string): Error => new Error(`${what}; it wrote:\n${main.logs()}`);
  const ended = (): Error => fail(`the app ended (${JSON.stringify(over)})`);
  const gaveUp = (): Error | null =>
    over !== null ? ended() : Date.now() > deadline ? fail("the app did not show its page") : null;

  try {
    const control = new Control(await connectWhenThere(join(sockets, "control"), gaveUp));
    const send = <T>(command: Command): Promise<T> => control.send<T>(command);
    await Promise.race([
      send({ command: "window.ready" }),
      exited.then(() => {
        throw ended();
      }),
    ]);
    const transport = cdpTransport(await connectWhenThere(join(sockets, "cdp"), gaveUp));
    const browser = await chromium.connectOverCDP(transport);
    const page = browser.contexts()[0]?.pages()[0];
    if (page === undefined) throw fail("the window has no page");
    const theWindow = async (): Promise<WindowState | undefined> =>
      (await send<WindowState[]>({ command: "windows" }))[0];

    return {
      page,
      mainPid: main.pid,
      logs: main.logs,
      exited,
      tray: () => send<TrayState | null>({ command: "tray" }),
      clickTray: (label) =>
        send(label === undefined ? { command: "tray.click" } : { command: "tray.choose", labels: [label] }),
      notifications: () => send<NotificationState[]>({ command: "notifications" }),
      clickNotification: (index) => send({ command: "notification.click", index }),
      setDialogAnswer: (method, answer) => send({ command: "dialog.answer", method, answer }),
      shellCalls: () => send<ShellCall[]>({ command: "shell" }),
      setPower: (told) => send({ command: "power", told }),
      emitPower: (event) => send({ command: "power.emit", event }),
      setDark: (dark) => send({ command: "theme", dark }),
      windowVisible: async () => (await theWindow())?.visible ?? false,
      windowFocused: async () => (await theWindow())?.focused ?? false,
      closeWindow: () => send({ command: "window.close" }),
      evaluateInPreload: (frame, expression) => send({ command: "preload.evaluate", frame, expression }),
      startSecond: async (args = []) => {
        const second = run([...words, ...args], options.env, options.volumes);
        return await second.exited;
      },
      close: async () => {
        await main.end("SIGTERM");
        return await exited;
      },
      kill: async () => {
        await main.end("SIGKILL");
        return await exited;
      },
    };
  } catch (error) {
    await main.end("SIGKILL");
    throw error;
  }
}
