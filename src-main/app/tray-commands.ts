import type { TrayCommands } from "../tray/tray.ts";
import { AppError } from "./app-error.ts";
import type { Core } from "./core.ts";
import type { Log } from "./log.ts";

/** What of the window the tray needs. */
export type TrayWindow = Pick<TrayCommands, "open" | "toggle">;

/**
 * What a click in the tray's menu does. What goes wrong is shown in the window:
 * a menu has no room for it.
 */
export function createTrayCommands(
  core: Pick<Core, "store" | "tasks" | "helper" | "stuck" | "volumes" | "scan" | "pause">,
  window: TrayWindow,
  quit: () => void,
  log: Log,
): TrayCommands {
  const attempt = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => {
      const code = error instanceof AppError ? error.data.code : null;
      log.warn(`tray: ${String(error)}`);
      // a dismissed password dialog needs no answer, and what is busy shows itself
      if (code !== "cancelled" && code !== "busy") window.open("volumes", null);
    });
  };
  const fixAll = async (): Promise<void> => {
    for (const [volume, { ours }] of Object.entries(core.store.get().stuck)) {
      if (ours > 0) await core.stuck.repair(volume, []);
    }
    await core.volumes.refresh();
  };
  return {
    ...window,
    scanAll: () => {
      for (const { uuid } of core.store.get().volumes ?? []) attempt(core.scan(uuid, false));
    },
    pauseAll: (paused) => {
      for (const task of core.tasks.tasks) {
        if (task.result === null && (task.kind === "scan" || task.kind === "fold")) {
          attempt(core.pause(task.id, paused));
        }
      }
    },
    fixStuck: () => {
      attempt(fixAll());
    },
    restart: () => {
      attempt(core.helper.restart());
    },
    quit,
  };
}
