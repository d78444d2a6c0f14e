/** The tray: shows the model while there is a host on the session bus, and is gone while there is none. */
import type { Log } from "../app/log.ts";
import type { View } from "../ipc/schema.ts";
import type { AppState } from "../ipc/state.ts";
import type { LocaleService } from "../locale/locale.ts";
import type { Clock } from "../schedule/clock.ts";
import { FRAMES, renderIcon } from "./icon.ts";
import type { IconImages } from "./icon.ts";
import { trayModel } from "./model.ts";
import type { IconState, MenuRow, TrayAction } from "./model.ts";
import type { TrayWatcher } from "./watcher.ts";

/** A tray icon that is shown. Electron's (electron-host.ts), or a test's. */
export interface TrayHandle {
  setImage(images: IconImages): void;
  setToolTip(text: string): void;
  /** Replaces the menu. */
  setMenu(rows: readonly MenuRow[], onChoose: (action: TrayAction) => void): void;
  /** Takes the icon out of the tray. */
  destroy(): void;
}

/** @param onClick the icon itself was clicked */
export type TrayHost = (images: IconImages, onClick: () => void) => TrayHandle;

/** What the menu does. Errors are theirs to show. */
export interface TrayCommands {
  /** Shows the window, at a view where one is named. */
  open(view: View | null, volume: string | null): void;
  /** Shows the window, or hides it where it is in front. */
  toggle(): void;
  /** Scans every volume that can be scanned. */
  scanAll(): void;
  /** Pauses, or lets go on, every scan and fold that runs. */
  pauseAll(paused: boolean): void;
  /** Mends the files that Refold left, on every volume. */
  fixStuck(): void;
  /** Starts the helper again. */
  restart(): void;
  quit(): void;
}

export interface TrayDeps {
  readonly host: TrayHost;
  readonly watcher: TrayWatcher;
  readonly locale: LocaleService;
  readonly commands: TrayCommands;
  /** Pixels per pixel of the panel, 1 to 4: screen.getPrimaryDisplay().scaleFactor. */
  readonly scaleFactor: () => number;
  /** false: no frames, one still picture for "scanning" (prefers-reduced-motion). */
  readonly animate: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TrayService {
  /** Looks for a host on the bus and shows the icon as soon as there is one. Never blocks, never throws. */
  start(): void;
  stop(): void;
  /** To be called with each new state and after a change of the language. Cheap where nothing changed. */
  update(state: AppState): void;
  /** The icon is in a tray that somebody shows: the window may hide to it. */
  readonly visible: boolean;
  /** Called when `visible` changed. @returns what ends it */
  onVisible(listener: (visible: boolean) => void): () => void;
}

/** Between two frames of the animation. Each is a message on the bus and a repaint of the panel. */
const FRAME_MS = 500;

/** Keeps the icon, its tooltip and its menu in line with the state. */
export function createTray(deps: TrayDeps): TrayService {
  const { watcher, commands, clock, log } = deps;
  const listeners = new Set<(visible: boolean) => void>();
  let state: AppState | null = null;
  let handle: TrayHandle | null = null;
  let shown = { icon: "", tooltip: "", menu: "" };
  let frame = 0;
  let stopFrames: (() => void) | null = null;
  let endWatch: (() => void) | null = null;

  function choose(action: TrayAction): void {
    switch (action.kind) {
      case "open":
        commands.open(null, null);
        break;
      case "review":
      case "stuck":
        commands.open(action.kind, action.volume);
        break;
      case "scan":
        commands.scanAll();
        break;
      case "pause":
        commands.pauseAll(action.paused);
        break;
      case "fix":
        commands.fixStuck();
        break;
      case "restart":
        commands.restart();
        break;
      case "quit":
        commands.quit();
        break;
    }
  }

  function moving(icon: IconState): boolean {
    return (icon.kind === "scanning" || icon.kind === "folding") && deps.animate();
  }

  function nextFrame(): void {
    stopFrames = clock.after(FRAME_MS, () => {
      stopFrames = null;
      frame = (frame + 1) % FRAMES;
      show();
    });
  }

  function show(): void {
    if (state === null || !watcher.available) return;
    const model = trayModel(state, deps.locale);
    const animated = moving(model.icon);
    if (!animated) frame = 0;
    const icon = JSON.stringify([model.icon, frame, deps.scaleFactor()]);
    try {
      const images = (): IconImages => renderIcon(model.icon, frame, deps.scaleFactor());
      if (handle === null) {
        handle = deps.host(images(), () => {
          commands.toggle();
        });
        shown = { icon, tooltip: "", menu: "" };
      } else if (icon !== shown.icon) {
        handle.setImage(images());
      }
      if (model.tooltip !== shown.tooltip) handle.setToolTip(model.tooltip);
      const menu = JSON.stringify(model.menu);
      if (menu !== shown.menu) handle.setMenu(model.menu, choose);
      shown = { icon, tooltip: model.tooltip, menu };
    } catch (error) {
      log.error(`tray: ${String(error)}`);
      return;
    }
    if (animated && stopFrames === null) nextFrame();
    if (!animated) {
      stopFrames?.();
      stopFrames = null;
    }
  }

  function hide(): void {
    stopFrames?.();
    stopFrames = null;
    handle?.destroy();
    handle = null;
  }

  function follow(): void {
    const before = handle !== null;
    if (watcher.available) show();
    else hide();
    const now = handle !== null;
    if (now === before) return;
    log.info(now ? "tray: shown" : "tray: there is no tray on this desktop just now");
    for (const listener of listeners) listener(now);
  }

  return {
    start: () => {
      endWatch ??= watcher.onChange(follow);
      watcher.start();
      follow();
    },
    stop: () => {
      endWatch?.();
      endWatch = null;
      watcher.stop();
      hide();
    },
    update: (next) => {
      state = next;
      follow();
    },
    get visible() {
      return handle !== null;
    },
    onVisible: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
