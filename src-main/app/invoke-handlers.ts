import type { InvokeHandlers } from "../ipc/dispatch.ts";
import type { SettingsService } from "../settings/settings.ts";
import { appError } from "./app-error.ts";
import type { Core } from "./core.ts";
import { folderPath } from "./folder-path.ts";
import { exportHistory, type ExportFormat, type HistorySource } from "./history-export.ts";

/** What calls need of the desktop. */
export interface Desktop {
  readonly quit: () => void;
  readonly closeWindow: () => void;
  readonly showLogs: () => Promise<void>;
  /** Asks for a folder. null: the person changed their mind. */
  readonly chooseFolder: () => Promise<string | null>;
  /** Asks where to save a volume's history. null: the person changed their mind. */
  readonly chooseExport: (volume: string, format: ExportFormat) => Promise<string | null>;
}

/** An answer to every call of the page. Most only pass it on to the helper, which checks it again. */
export function createInvokeHandlers(
  core: Core,
  settings: Pick<SettingsService, "set">,
  desktop: Desktop,
): InvokeHandlers {
  const { helper, tasks, reviews, stuck } = core;
  const history: HistorySource = {
    runs: (volume) => helper.request("history", { volume }),
    files: (volume, run, offset, limit) => helper.request("history.files", { volume, run, offset, limit }),
  };
  /** For calls that begin or end something and have nothing to tell. */
  const done = async (work: Promise<unknown>): Promise<null> => {
    await work;
    return null;
  };
  const now = (work: () => void): Promise<null> => {
    work();
    return Promise.resolve(null);
  };

  /** What volumes would give back hangs on the rules. */
  const counted = async <T>(change: Promise<T>): Promise<T> => {
    const rules = await change;
    await core.volumes.refresh();
    return rules;
  };

  return {
    "app.state": () => Promise.resolve(core.store.get()),
    "helper.start": () => done(helper.restart()),
    "app.quit": () => now(desktop.quit),
    "window.close": () => now(desktop.closeWindow),

    "scan.start": ({ volume }) => done(core.scan(volume, false)),
    "task.pause": ({ task, paused }) => done(core.pause(task, paused)),
    "task.cancel": ({ task }) => done(core.cancel(task)),
    "task.dismiss": ({ task }) =>
      now(() => {
        tasks.dismiss(task);
      }),

    "review.open": ({ volume }) => reviews.open(volume),
    "review.names": ({ review }) => done(reviews.names(review)),
    "review.ranges": ({ review }) => reviews.ranges(review),
    "review.pinned": ({ review }) => reviews.pinned(review),
    "review.pinned-ranges": ({ review }) => reviews.pinnedRanges(review),
    "review.rows": (args) => helper.request("review.rows", args),
    "review.files": (args) => helper.request("review.files", args),
    "review.tick": (args) => helper.request("review.tick", args),
    "review.folders": (args) => helper.request("review.folders", args),
    "review.facets": (args) => helper.request("review.facets", args),
    "review.compare": (args) => helper.request("review.compare", args),
    "review.skip": ({ review, glob }) => reviews.skip(review, glob),
    "review.show": ({ review, group, file }) => done(reviews.show(review, group, file)),
    "review.fold": ({ review, revision }) => done(reviews.fold(review, revision)),

    "stuck.list": ({ volume }) => stuck.list(volume),
    "stuck.repair": async ({ volume, ids }) => {
      const result = await stuck.repair(volume, ids);
      await core.volumes.refresh();
      return result;
    },

    "history.list": (args) => helper.request("history", args),
    "history.files": (args) => helper.request("history.files", args),
    "history.export": async ({ volume, format }) => {
      const path = await desktop.chooseExport(volume, format);
      if (path === null) return null;
      await exportHistory(history, volume, format, path);
      return { path };
    },

    "rules.list": () => helper.request("rules", {}),
    "rules.set": async ({ path, fold }) =>
      counted(helper.request("rules.set", { path: await folderPath(path), fold })),
    // as it stands in the list: the folder need not be there any more
    "rules.remove": (args) => counted(helper.request("rules.remove", args)),
    "rules.choose": async () => {
      const path = await desktop.chooseFolder();
      return path === null ? null : { path: await folderPath(path) };
    },

    "settings.set": (patch) => {
      try {
        return Promise.resolve(settings.set(patch));
      } catch (cause) {
        return Promise.reject(
          appError("failed", `The settings could not be saved: ${String(cause)}`, {
            kept: "What was set before is kept.",
            next: "Make room, or make the folder writable, and set it again.",
            cause,
          }),
        );
      }
    },
    "logs.show": () => done(desktop.showLogs()),

    "demo.create": () => done(core.createDemo()),
    "demo.remove": () => done(core.removeDemo()),
  };
}
