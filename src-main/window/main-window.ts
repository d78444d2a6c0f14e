import type { BrowserWindow, BrowserWindowConstructorOptions, Rectangle } from "electron";
import { notifyChannel } from "../ipc/channels.ts";
import type { Notify, NotifyName, View } from "../ipc/schema.ts";
import { APP_ORIGIN } from "../security/app-files.ts";
import { safeWebPreferences } from "../security/web-preferences.ts";
import { loadBounds, MIN_SIZE, placement, saveBounds } from "./bounds.ts";

/** As the page's --bg, so that nothing flashes before it is there. */
const BACKGROUND = { light: "#f4f6f8", dark: "#14171c" } as const;

export interface MainWindowDeps {
  readonly create: (options: BrowserWindowConstructorOptions) => BrowserWindow;
  readonly preload: string;
  readonly boundsFile: string;
  /** Of the screen that windows may take. */
  readonly workArea: () => Rectangle;
  readonly dark: () => boolean;
  /** Applied to the window's contents before anything is loaded. */
  readonly secure: (window: BrowserWindow) => void;
  /** The person closed it. @returns whether it may go; else it is hidden or stays, as the handler did */
  readonly onClose: () => boolean;
  readonly onVisible: (visible: boolean) => void;
  readonly onFocus: () => void;
  readonly onGone: (reason: string) => void;
}

export interface MainWindow {
  /** Brings it to the front, at a view where one is named. */
  show(view?: View | null, volume?: string | null): void;
  hide(): void;
  /** Shows it, or hides it where it is in front. */
  toggle(): void;
  readonly visible: boolean;
  /** It was put away, or started so. A minimized one is not: the panel shows it. */
  readonly hidden: boolean;
  /** The electron window, for dialogs and to know who calls; null after it was destroyed. */
  readonly electron: BrowserWindow | null;
  /** Tells the page. One that is not there yet asks for the state when it comes. */
  tell<N extends NotifyName>(name: N, payload: Notify[N]): void;
}

/**
 * The app's one window. Closing it hides it where there is a tray.
 *
 * @param start hidden: do not show it when it is ready; view: what it opens at
 */
export function createMainWindow(
  deps: MainWindowDeps,
  start: { readonly hidden: boolean; readonly view: View | null },
): MainWindow {
  const window = deps.create({
    ...placement(loadBounds(deps.boundsFile), deps.workArea()),
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    show: false,
    title: "Refold",
    backgroundColor: deps.dark() ? BACKGROUND.dark : BACKGROUND.light,
    autoHideMenuBar: true,
    webPreferences: safeWebPreferences(deps.preload),
  });
  let wanted = !start.hidden;
  let ready = false;
  let loaded = false;
  /** Asked for while the page was not there yet. */
  let target: Notify["navigate"] | null = null;
  deps.secure(window);

  const alive = (): boolean => !window.isDestroyed();
  const remember = (): void => {
    if (alive() && !window.isMinimized()) saveBounds(deps.boundsFile, window.getBounds());
  };
  const bringUp = (): void => {
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  };
  const load = (view: View | null): void => {
    loaded = false;
    // a load that was overtaken by another is no error
    window.loadURL(`${APP_ORIGIN}/index.html${view === null ? "" : `#/${view}`}`).catch(() => undefined);
  };

  window.once("ready-to-show", () => {
    ready = true;
    if (wanted) bringUp();
  });
  window.webContents.on("did-finish-load", () => {
    loaded = true;
    if (target !== null) tell("navigate", target);
    target = null;
  });
  let reloadedAt = -Infinity;
  window.webContents.on("render-process-gone", (_event, details) => {
    deps.onGone(details.reason);
    if (details.reason === "clean-exit" || !alive()) return;
    // a page that dies at once again is not started for ever
    if (performance.now() - reloadedAt < 60_000) return;
    reloadedAt = performance.now();
    load(null);
  });
  window.on("close", (event) => {
    remember();
    if (!deps.onClose()) event.preventDefault();
  });
  window.on("show", () => {
    deps.onVisible(true);
  });
  window.on("hide", () => {
    deps.onVisible(false);
  });
  window.on("focus", deps.onFocus);
  load(start.view);

  function tell<N extends NotifyName>(name: N, payload: Notify[N]): void {
    if (alive()) window.webContents.send(notifyChannel(name), payload);
  }

  return {
    show: (view = null, volume = null) => {
      if (!alive()) return;
      if (view !== null && loaded) tell("navigate", { view, volume });
      else if (view !== null) target = { view, volume };
      wanted = true;
      if (ready) bringUp();
    },
    hide: () => {
      wanted = false;
      if (!alive()) return;
      remember();
      window.hide();
    },
    toggle() {
      if (alive() && window.isVisible() && window.isFocused()) this.hide();
      else this.show();
    },
    get visible() {
      return alive() && window.isVisible() && !window.isMinimized();
    },
    get hidden() {
      return !wanted;
    },
    get electron() {
      return alive() ? window : null;
    },
    tell,
  };
}
