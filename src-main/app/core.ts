/** The app without Electron: helper, tasks, volumes and state, wired together. */
import type { FoldResultInfo, Result, VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { Elevator } from "../helper/elevator.ts";
import { createSupervisor, type HelperSupervisor } from "../helper/supervisor.ts";
import { createLiveScans } from "../live/live-scans.ts";
import type { Notify, NotifyName } from "../ipc/schema.ts";
import type { AppState, TaskResult } from "../ipc/state.ts";
import type { SettingsService } from "../settings/settings.ts";
import { TaskList } from "../tasks/task-list.ts";
import { oneLine, type Log } from "./log.ts";
import { countedOf, countsSame, isBeyondObserving, withoutSelection } from "./counted.ts";
import { arePartsOutdated, shownVolumes } from "./ranges.ts";
import { createReviews, type Reviews } from "./reviews.ts";
import { createStateStore, type StateStore } from "./state-store.ts";
import { createStuckKeeper, type StuckKeeper } from "./stuck-keeper.ts";
import { createVolumeWatch, type VolumeWatch } from "./volumes.ts";

/** What others want to know when it has happened: notifications, the schedule. */
export interface CoreEvents {
  scanEnded(volume: VolumeInfo, totals: Result<"scan">, scheduled: boolean): void;
  foldEnded(volume: VolumeInfo, result: FoldResultInfo): void;
  stuckFound(volume: VolumeInfo, ours: number): void;
}

export interface CoreDeps {
  readonly version: string;
  readonly log: Log;
  readonly settings: Pick<SettingsService, "get" | "set" | "onChange">;
  /** What the language setting comes to. */
  readonly locale: () => AppState["locale"];
  readonly elevator: Elevator;
  /** To totals without a password; null where there is no such way. */
  readonly observeRoad: Elevator | null;
  /** null where the elevator never asks. */
  readonly userRoad: Elevator | null;
  /** The text of /proc/self/mountinfo. */
  readonly mounts: () => Promise<string>;
  readonly showFile: (path: string) => void;
  /** Tells the page. */
  readonly tell: <N extends NotifyName>(name: N, payload: Notify[N]) => void;
  readonly events: CoreEvents;
}

export interface Core {
  readonly store: StateStore;
  readonly helper: HelperSupervisor;
  readonly tasks: TaskList;
  readonly volumes: VolumeWatch;
  readonly stuck: StuckKeeper;
  readonly reviews: Reviews;
  /** Begins a scan; `done` resolves with how it ended. @throws AppError where it cannot begin */
  scan(volume: string, scheduled: boolean): Promise<{ readonly done: Promise<TaskResult> }>;
  /** Whether a live scan of a volume would be in the way of a task or of a review that somebody has in hand. */
  liveHeld(volume: string): boolean;
  /** A scan that nobody asked for: no task is shown, and whatever is asked for meanwhile goes first. @throws AppError */
  liveScan(volume: string, parts: boolean): Promise<void>;
  /** Whether a live scan would count what the settings say, and did not try yet. */
  figureOutdated(volume: string): boolean;
  /** Whether a live scan would bring what parts of files give back up to date. */
  partsOutdated(volume: string): boolean;
  pause(task: string, paused: boolean): Promise<void>;
  cancel(task: string): Promise<void>;
  /** Begins to make the demo volume; `done` resolves with how that ended. */
  createDemo(): Promise<{ readonly done: Promise<TaskResult> }>;
  removeDemo(): Promise<void>;
  /** Cancels what runs and ends the helper after the step at hand. */
  shutdown(): Promise<void>;
}

/** @returns the core, with nothing started: helper.begin() does that */
export function createCore(deps: CoreDeps): Core {
  const { log, settings } = deps;
  const store = createStateStore({
    version: deps.version,
    helper: { status: "starting", error: null },
    volumes: null,
    tasks: [],
    stuck: {},
    settings: settings.get(),
    locale: deps.locale(),
    tray: false,
    nextScan: null,
  });
  store.subscribe((state) => {
    deps.tell("state", state);
  });
  settings.onChange((next) => {
    const { settings: before } = store.get();
    store.patch({ settings: next, locale: deps.locale() });
    if (!countsSame(next, before)) void volumes.refresh();
  });

  const failed = (error: unknown): void => {
    // that it is lost was said once, and is in the state
    if (helper.state.status === "lost") return;
    log.warn(oneLine(error instanceof Error ? error.message : String(error)));
  };
  const volumeOf = (uuid: string | null): VolumeInfo | null =>
    store.get().volumes?.find((volume) => volume.uuid === uuid) ?? null;
  const nameOf = (uuid: string | null): string => {
    const volume = volumeOf(uuid);
    return volume === null ? "a volume" : volume.label === "" ? volume.mountPath : volume.label;
  };

  const tasks = new TaskList({
    onList: (list) => {
      store.patch({ tasks: list });
    },
    onProgress: (task) => {
      store.patchQuietly({ tasks: tasks.tasks });
      deps.tell("task", task);
    },
    onUnexpected: (error) => {
      log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    },
  });

  const supervisor = createSupervisor({
    name: `refold ${deps.version}`,
    log,
    elevator: deps.elevator,
    observe: deps.observeRoad,
    user: deps.userRoad,
    working: () => {
      const task = tasks.folding ?? tasks.tasks.find(({ result }) => result === null) ?? null;
      if (task === null) return null;
      return task.kind === "fold" ? `it was folding ${nameOf(task.volume)}` : `it was at work (${task.kind})`;
    },
    onState: (state) => {
      if (state.status === "lost") {
        stuck.forget();
        reviews.forget();
        live.forget();
      }
      store.patch({ helper: state });
    },
    onProgress: (progress) => {
      tasks.progress(progress);
    },
    onLog: ({ level, message }) => {
      const line = `helper says: ${oneLine(message)}`;
      if (level === "warning") log.warn(line);
      else log.debug(line);
    },
    onReady: () => {
      reviews.forget();
      live.forget();
      void volumes.refresh();
    },
  });

  const live = createLiveScans(supervisor, settings);
  /** By which settings a live scan counted a volume last, whatever came of it. */
  const countedBy = new Map<string, string>();
  const { helper } = live;

  const volumes = createVolumeWatch({
    list: async () => {
      const now = settings.get();
      const list = await helper.request("volumes", { selection: countedOf(now) });
      return helper.state.status === "observing" && isBeyondObserving(now) ? withoutSelection(list) : list;
    },
    mounts: deps.mounts,
    onList: (list) => {
      store.patch({ volumes: shownVolumes(list, settings.get()) });
      stuck.volumesListed(list);
    },
    onError: failed,
  });

  const stuck = createStuckKeeper({
    helper,
    tasks,
    store,
    onFound: (uuid, ours) => {
      const volume = volumeOf(uuid);
      if (volume !== null) deps.events.stuckFound(volume, ours);
    },
    onError: failed,
  });

  const reviews = createReviews({
    helper,
    tasks,
    settings,
    showFile: deps.showFile,
    onFolded: (uuid, result) => {
      const volume = volumeOf(uuid);
      if (volume !== null) deps.events.foldEnded(volume, result);
      void volumes.refresh();
    },
  });

  return {
    store,
    helper,
    tasks,
    volumes,
    stuck,
    reviews,
    scan: async (volume, scheduled) => {
      await helper.ready("scan");
      const before = volumeOf(volume);
      const { done } = tasks.begin("scan", volume, async (task) => ({
        kind: "scan",
        // what was just written has no extents yet: a person expects to see it, a schedule need not wait
        totals: await helper.request("scan", {
          ...{ task, volume, ...countedOf(settings.get()) },
          flush: !scheduled,
        }),
      }));
      return {
        done: done.then(async (result) => {
          await volumes.refresh();
          if (result.kind === "scan" && before !== null) {
            deps.events.scanEnded(before, result.totals, scheduled);
          }
          return result;
        }),
      };
    },
    liveHeld: (volume) => tasks.running || live.held(volume),
    liveScan: async (volume, parts) => {
      countedBy.set(volume, JSON.stringify(countedOf(settings.get())));
      if (await live.scan(volume, parts)) await volumes.refresh();
    },
    figureOutdated: (volume) => {
      if (volumeOf(volume)?.lastScan?.asSelected !== false) return false;
      // it cannot count that: nothing comes of asking again
      const now = settings.get();
      if (helper.state.status === "observing" && isBeyondObserving(now)) return false;
      return countedBy.get(volume) !== JSON.stringify(countedOf(now));
    },
    partsOutdated: (volume) => arePartsOutdated(volumeOf(volume), settings.get()),
    pause: async (id, paused) => {
      tasks.required(id);
      await helper.request("pause", { task: id, paused });
      tasks.setPaused(id, paused);
    },
    cancel: async (id) => {
      tasks.required(id);
      if (tasks.setCancelling(id)) await helper.request("cancel", { task: id });
    },
    createDemo: async () => {
      await helper.ready();
      const { done } = tasks.begin("demo", null, async (task) => {
        await helper.request("demo.create", { task });
        return { kind: "done" };
      });
      return {
        done: done.then(async (result) => {
          await volumes.refresh();
          return result;
        }),
      };
    },
    removeDemo: async () => {
      await helper.request("demo.remove", {});
      await volumes.refresh();
    },
    shutdown: async () => {
      volumes.stop();
      await helper.end();
    },
  };
}
