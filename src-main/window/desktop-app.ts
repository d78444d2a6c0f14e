/** Electron's parts and the core, wired. Everything that decides anything is elsewhere and tested without Electron. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  nativeImage,
  nativeTheme,
  protocol,
  screen,
  session,
  shell,
  Tray,
} from "electron";
import { reclaimableOf } from "../../src-common/reclaimable.ts";
import { appError } from "../app/app-error.ts";
import { createCore, type Core } from "../app/core.ts";
import { createInvokeHandlers } from "../app/invoke-handlers.ts";
import { rateLimited } from "../app/log.ts";
import { appPaths, launchCommand } from "../app/paths.ts";
import { createTrayCommands } from "../app/tray-commands.ts";
import { createAutostart } from "../autostart/autostart.ts";
import { findInstalled } from "../helper/pkexec.ts";
import { findRoads } from "../helper/roads.ts";
import { INVOKE_CHANNEL } from "../ipc/channels.ts";
import { createDispatch, type InvokeHandlers } from "../ipc/dispatch.ts";
import type { Notify, NotifyName } from "../ipc/schema.ts";
import { createErrorLocale } from "../locale/error-texts.ts";
import { createLocale } from "../locale/locale.ts";
import { createLogs, logDirectory, logLevel } from "../logs/logs.ts";
import { createNotifications } from "../notifications/notifications.ts";
import { systemClock } from "../schedule/clock.ts";
import { APP_ORIGIN } from "../security/app-files.ts";
import { handleAppScheme } from "../security/app-scheme.ts";
import { forbidNavigation, forbidNewWindows } from "../security/navigation.ts";
import { denyPermissions } from "../security/permissions.ts";
import { senderFault } from "../security/sender.ts";
import { forbidWebviews } from "../security/webviews.ts";
import type { Settings, SettingsPatch } from "../settings/schema.ts";
import { createSettings } from "../settings/settings.ts";
import { electronTrayHost } from "../tray/electron-host.ts";
import { createTray } from "../tray/tray.ts";
import { createTrayWatcher, sessionBusAddress } from "../tray/watcher.ts";
import { askQuit, chooseExport, chooseFolder } from "./dialogs.ts";
import { createHidingGuard } from "./hiding.ts";
import type { LaunchArguments } from "./launch-arguments.ts";
import { createLiveFigure } from "./live-figure.ts";
import { createMainWindow, type MainWindow } from "./main-window.ts";
import { notify } from "./notify.ts";
import { createQuit } from "./quit.ts";
import { createScanSchedule } from "./scan-schedule.ts";

/**
 * Starts the app. Electron must be ready, and this the only instance.
 *
 * @returns its window
 */
export function startDesktopApp(start: LaunchArguments): MainWindow {
  const { env } = process;
  const here = import.meta.dirname;
  const paths = appPaths(here, env);
  const userData = app.getPath("userData");
  const clock = systemClock;

  const { log, directory: logs } = createLogs({
    directory: logDirectory(env, homedir()),
    level: logLevel(env),
    stderr: (line) => {
      process.stderr.write(`${line}\n`);
    },
  });
  const refused = rateLimited((what) => {
    log.warn(what);
  }, 20);
  const settings = createSettings({ directory: userData, log });
  const locale = createLocale({
    setting: () => settings.get().language,
    system: () => app.getPreferredSystemLanguages(),
  });

  const errors = createErrorLocale(() => locale.current());
  /** What the page is told, errors in the language that it shows. */
  const inLanguage = <N extends NotifyName>(name: N, payload: Notify[N]): Notify[N] => {
    if (name === "state") return errors.state(payload as Notify["state"]) as Notify[N];
    return name === "task" ? (errors.task(payload as Notify["task"]) as Notify[N]) : payload;
  };

  // --- the core
  const command = { program: paths.helper, database: env["REFOLD_DB"] ?? null, rules: env["REFOLD_RULES"] };
  // who names a helper, a database or rules means those, and not what is installed
  const named = [env["REFOLD_HELPER"], env["REFOLD_DB"], env["REFOLD_RULES"]].some(
    (value) => value !== undefined && value !== "",
  );
  const roads = findRoads(process.getuid?.() ?? -1, command, named ? null : findInstalled());
  const notifications = createNotifications({
    enabled: () => settings.get().notifications,
    windowVisible: () => window.visible,
    show: notify,
    locale,
    open: (view, volume) => {
      window.show(view, volume);
    },
  });
  const core: Core = createCore({
    version: app.getVersion(),
    log,
    settings,
    locale: () => locale.current(),
    elevator: roads.manage,
    observeRoad: roads.observe,
    userRoad: roads.user,
    mounts: () => readFile("/proc/self/mountinfo", "utf8"),
    showFile: (path) => {
      shell.showItemInFolder(path);
    },
    tell: (name, payload) => {
      window.tell(name, inLanguage(name, payload));
      // progress is no new state, and the icon shows it
      if (name === "task") tray.update(core.store.get());
    },
    events: {
      scanEnded: (volume, totals, scheduled) => {
        notifications.scanEnded(volume, {
          scheduled,
          before: volume.lastScan === null ? null : reclaimableOf(volume.lastScan),
          after: totals.reclaimableBytes + (totals.deep?.reclaimableBytes ?? 0),
        });
      },
      foldEnded: (volume, result) => {
        notifications.foldEnded(volume, result);
      },
      stuckFound: (volume, ours) => {
        notifications.stuckFound(volume, ours);
      },
    },
  });

  /** Makes the demo volume and scans it, so that there is something to review. */
  const showDemo = async (): Promise<void> => {
    const { done } = await core.createDemo();
    await done;
    const demo = core.store.get().volumes?.find((volume) => volume.demo);
    if (demo !== undefined) await core.scan(demo.uuid, false);
  };
  const demoFailed = (error: unknown): void => {
    log.warn(`demo volume: ${error instanceof Error ? error.message : String(error)}`);
  };

  // --- the way out
  const quit = createQuit({
    folding: () => core.tasks.folding !== null,
    ask: () => {
      window.show();
      return askQuit(dialog, window.electron, locale.texts().dialogs.quitFolding);
    },
    hide: () => {
      window.hide();
    },
    shutdown: async () => {
      schedule.stop();
      live.stop();
      tray.stop();
      if (start.demo) await core.removeDemo().catch(demoFailed);
      await core.shutdown();
    },
    exit: () => {
      app.quit();
    },
    onError: (error) => {
      log.error(`quit: ${String(error)}`);
    },
  });
  app.on("before-quit", (event) => {
    if (quit.done) return;
    event.preventDefault();
    quit.request();
  });
  app.on("window-all-closed", () => {
    // the quit above ends the app, and nothing else
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, quit.now);

  // --- the page
  handleAppScheme(protocol, paths.renderer);
  denyPermissions(session.defaultSession, refused);
  Menu.setApplicationMenu(null);
  nativeTheme.themeSource = settings.get().theme;

  const close = (): void => {
    if (tray.visible) window.hide();
    else quit.request();
  };
  const window = createMainWindow(
    {
      create: (options) => new BrowserWindow(options),
      preload: paths.preload,
      boundsFile: join(userData, "window.json"),
      workArea: () => screen.getPrimaryDisplay().workArea,
      dark: () => nativeTheme.shouldUseDarkColors,
      secure: ({ webContents }) => {
        forbidNavigation(webContents, refused);
        forbidWebviews(webContents, refused);
        const open = (url: string): void => void shell.openExternal(url);
        forbidNewWindows(webContents, open, refused);
      },
      onClose: () => {
        if (!quit.done) close();
        return quit.done;
      },
      onVisible: (visible) => {
        core.volumes.setVisible(visible);
      },
      onFocus: () => {
        if (core.store.get().helper.status !== "starting") void core.volumes.refresh();
      },
      onGone: (reason) => {
        log.error(`the page is gone: ${reason}`);
      },
    },
    start,
  );

  const setSettings = (patch: SettingsPatch): Settings => {
    // first: a setting that says "on" and does nothing would be found out at the next login
    if (patch.autostart !== undefined) autostart.set(patch.autostart);
    return settings.set(patch);
  };
  const handlers = createInvokeHandlers(
    core,
    { set: setSettings },
    {
      quit: quit.request,
      closeWindow: close,
      showLogs: async () => {
        const failure = await shell.openPath(logs);
        if (failure !== "") {
          throw appError("failed", `The log directory could not be shown: ${failure}`, {
            next: `It is ${logs}.`,
          });
        }
      },
      chooseFolder: () => chooseFolder(dialog, window.electron, locale.texts().dialogs),
      chooseExport: (volume, format) =>
        chooseExport(dialog, window.electron, {
          directory: app.getPath("documents"),
          format,
          volume: core.store.get().volumes?.find(({ uuid }) => uuid === volume)?.label ?? "",
          texts: locale.texts().dialogs,
        }),
    },
  );
  const shown: InvokeHandlers = {
    ...handlers,
    "app.state": () => Promise.resolve(errors.state(core.store.get())),
  };
  const dispatch = createDispatch(shown, log, (error) => errors.error(error));
  ipcMain.handle(INVOKE_CHANNEL, (event, name: unknown, args: unknown) =>
    dispatch(senderFault(event, window.electron?.webContents ?? null, APP_ORIGIN), name, args),
  );

  // --- the tray
  const tray = createTray({
    host: electronTrayHost({ Tray, Menu, nativeImage }),
    watcher: createTrayWatcher({ address: sessionBusAddress(env), log, clock }),
    locale,
    commands: createTrayCommands(
      core,
      {
        open: (view, volume) => {
          window.show(view, volume);
        },
        toggle: () => {
          window.toggle();
        },
      },
      quit.request,
      log,
    ),
    scaleFactor: () => screen.getPrimaryDisplay().scaleFactor,
    animate: () => true,
    clock,
    log,
  });
  const guardHiding = createHidingGuard({
    tray: () => tray.visible,
    hidden: () => window.hidden,
    show: () => {
      window.show();
    },
    clock,
  });
  tray.onVisible((visible) => {
    core.store.patch({ tray: visible });
    guardHiding();
  });
  core.store.subscribe((state) => {
    tray.update(state);
    schedule.check();
  });

  const schedule = createScanSchedule({ core, settings, log, clock });
  const live = createLiveFigure({ core, settings, log, clock });

  // --- what follows the settings
  const autostart = createAutostart({
    configHome: app.getPath("appData"),
    command: launchCommand(process, join(here, "main.mjs"), app.isPackaged),
  });
  settings.onChange((next, before) => {
    if (next.theme !== before.theme) nativeTheme.themeSource = next.theme;
  });
  try {
    const enabled = autostart.sync(settings.get().autostart);
    if (enabled !== settings.get().autostart) settings.set({ autostart: enabled });
  } catch (error) {
    log.warn(`autostart: ${String(error)}`);
  }

  tray.start();
  guardHiding();
  void core.helper.begin().then(() => {
    schedule.start();
    live.start();
    if (start.demo) showDemo().catch(demoFailed);
  });
  return window;
}
