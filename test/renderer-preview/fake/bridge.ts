/** window.refold on invented data: what the main process would answer, and tasks that move on. */
import type {
  Answer,
  Args,
  InvokeName,
  Notify,
  NotifyName,
  RefoldBridge,
  Value,
} from "../../../src-main/ipc/schema.ts";
import type { Task, TaskKind, TaskResult } from "../../../src-main/ipc/state.ts";
import type { ErrorData, StuckFileInfo, VolumeInfo } from "../types.ts";
import { makeRules, makeRunFiles, makeRuns, makeStuck } from "./lists.ts";
import { createFakeReview, type FakeReview } from "./review.ts";
import { task, type Scene } from "./scenes.ts";
import { DEMO } from "./volumes.ts";

type Handlers = { [N in InvokeName]: (args: Args<N>) => Value<N> | Promise<Value<N>> };
class Refused extends Error {
  readonly data: ErrorData;
  constructor(data: ErrorData) {
    super(data.message);
    this.data = data;
  }
}
function refuse(code: ErrorData["code"], message: string): never {
  throw new Refused({ code, message, kept: "Nothing was changed.", next: "" });
}

const TICK = 100;
/** Of the way of a real one. */
const ANSWER_AFTER = 12;
const AFTER_RESULT = 1500;
const PHASES = {
  scan: "walk",
  fold: "fold",
  names: "names",
  stuck: "walk",
  repair: "repair",
  demo: "demo",
} as const;

export function createFakeBridge(scene: Scene): RefoldBridge {
  let state = scene.state;
  const listeners: { [N in NotifyName]: Set<(payload: Notify[N]) => void> } = {
    state: new Set(),
    task: new Set(),
    navigate: new Set(),
  };
  const stuck = new Map<string, readonly StuckFileInfo[]>();
  const reviews = new Map<string, FakeReview>();
  let rules = makeRules(state.volumes ?? []);

  function tell<N extends NotifyName>(name: N, payload: Notify[N]): void {
    // as over the real way: what is told is a copy
    for (const listener of listeners[name]) listener(structuredClone(payload));
  }
  function setState(patch: Partial<typeof state>): void {
    state = { ...state, ...patch };
    tell("state", state);
  }
  function setTask(id: string, patch: Partial<Task>, whole = false): void {
    const tasks = state.tasks.map((one) => (one.id === id ? { ...one, ...patch } : one));
    if (whole) setState({ tasks });
    else {
      state = { ...state, tasks };
      const one = tasks.find((each) => each.id === id);
      if (one !== undefined) tell("task", one);
    }
  }
  function volumeOf(uuid: string): VolumeInfo {
    return (
      state.volumes?.find((one) => one.uuid === uuid) ?? refuse("no-volume", "That volume is not mounted.")
    );
  }
  /** @param observed a helper that observes may do it, too */
  function may(observed = false): void {
    const { status } = state.helper;
    if (observed && status === "observing") return;
    if (scene.refuse !== null) throw new Refused(scene.refuse);
    if (status === "user" || status === "observing") setState({ helper: { status: "running", error: null } });
  }
  function stuckFiles(uuid: string): readonly StuckFileInfo[] {
    const counts = state.stuck[uuid] ?? { ours: 0, unknown: 0 };
    const files = stuck.get(uuid) ?? makeStuck(volumeOf(uuid), counts.ours, counts.unknown);
    stuck.set(uuid, files);
    return files;
  }

  /** Moves a task on until it ends. */
  function run(
    kind: TaskKind,
    volume: string | null,
    total: number,
    unit: "files" | "bytes",
    result: () => TaskResult,
  ): void {
    const id = `t-${String(performance.now()).replace(/\D/gu, "")}`;
    const begun = task({ id, kind, volume, startedAt: Date.now() });
    setState({ tasks: [...state.tasks.filter((one) => one.volume !== volume), begun] });
    drive(id, kind, 0, total, unit, result);
  }

  function drive(
    id: string,
    kind: TaskKind,
    from: number,
    total: number,
    unit: "files" | "bytes" | "extents",
    result: () => TaskResult,
  ): void {
    let done = from;
    const step = total / 60;
    const timer = setInterval(() => {
      const now = state.tasks.find((one) => one.id === id);
      if (now === undefined || now.progress?.paused === true) return;
      done = Math.min(total, done + step);
      setTask(id, {
        rate: step * (1000 / TICK),
        etaMs: ((total - done) / step) * TICK,
        progress: {
          phase: PHASES[kind],
          done: Math.floor(done),
          total,
          unit,
          item: `/home/me/Photos/${String(Math.floor(done) % 977)}`,
          skipped:
            kind === "fold" && done > total / 3 ? { "in-use": 1 + Math.floor((done * 3) / total) } : {},
          paused: false,
        },
      });
      if (done < total && !now.cancelling) return;
      clearInterval(timer);
      const how: TaskResult = now.cancelling ? { kind: "cancelled" } : result();
      setTask(id, { result: how }, true);
      if (how.kind === "fold" || how.kind === "failed") return;
      setTimeout(() => {
        setState({ tasks: state.tasks.filter((one) => one.id !== id) });
      }, AFTER_RESULT);
    }, TICK);
  }

  if (!scene.still)
    for (const { id, kind, progress } of state.tasks)
      if (progress !== null && progress.total !== null)
        drive(id, kind, progress.done, progress.total, progress.unit, () => ({ kind: "done" }));

  function review(id: string): FakeReview {
    return reviews.get(id) ?? refuse("stale", "This review is out of date.");
  }

  const handlers: Handlers = {
    "app.state": () => state,
    "helper.start": () => {
      if (scene.refuse !== null) throw new Refused(scene.refuse);
      setState({ helper: { status: "running", error: null } });
      return null;
    },
    "app.quit": () => null,
    "window.close": () => null,
    "scan.start": ({ volume }) => {
      may(true);
      const info = volumeOf(volume);
      run("scan", volume, 2_100_000, "files", () => {
        setState({
          volumes: (state.volumes ?? []).map((one) =>
            one.uuid === volume
              ? {
                  ...one,
                  subvolumes: 4,
                  snapshots: 1,
                  dataProfile: "single",
                  lastScan: {
                    at: Date.now(),
                    files: 2_100_000,
                    groups: 2537,
                    duplicateFiles: 6021,
                    reclaimableBytes: Math.round(one.usedBytes / 7),
                    pinnedBytes: 2 ** 28,
                  },
                }
              : one,
          ),
        });
        return {
          kind: "scan",
          totals: {
            uuid: info.uuid,
            incremental: true,
            files: 2_100_000,
            bytes: info.usedBytes,
            groups: 2537,
            duplicateFiles: 6021,
            reclaimableBytes: Math.round(info.usedBytes / 7),
            bytesRead: 2 ** 24,
            elapsedMs: 6000,
          },
        };
      });
      return null;
    },
    "task.pause": ({ task: id, paused }) => {
      const one = state.tasks.find((each) => each.id === id);
      const progress = one?.progress ?? null;
      if (progress === null) return null;
      setTask(id, { progress: { ...progress, paused }, rate: null, etaMs: null }, true);
      return null;
    },
    "task.cancel": ({ task: id }) => {
      setTask(id, { cancelling: true }, true);
      return null;
    },
    "task.dismiss": ({ task: id }) => {
      setState({ tasks: state.tasks.filter((one) => one.id !== id) });
      return null;
    },
    "review.open": ({ volume }) => {
      may();
      const info = volumeOf(volume);
      if (info.lastScan === null) refuse("stale", "This volume was not scanned yet.");
      const one = reviews.get("r-1") ?? createFakeReview(info, scene.namesReady);
      reviews.set("r-1", one);
      return one.info();
    },
    "review.ranges": ({ review: id }) => review(id).info().sum,
    "review.names": ({ review: id }) => {
      const one = review(id);
      // answers when every name is known
      return new Promise((resolve) => {
        run("names", one.info().volume, 612_004, "files", () => {
          one.setNamesReady();
          resolve(null);
          return { kind: "done" };
        });
      });
    },
    "review.rows": (args) => review(args.review).rows(args),
    "review.files": (args) => review(args.review).files(args),
    "review.tick": (args) => review(args.review).tick(args),
    "review.folders": (args) => review(args.review).folders(args),
    "review.facets": ({ review: id }) => review(id).facets(),
    "review.pinned": ({ review: id }) => review(id).pinned(state.settings.snapshots),
    "review.pinned-ranges": ({ review: id }) => review(id).pinnedRanges(state.settings),
    "review.compare": (args) => review(args.review).compare(args),
    "review.skip": ({ review: id, glob }) => {
      setState({ settings: { ...state.settings, exclude: [...state.settings.exclude, glob] } });
      return review(id).skip();
    },
    "review.show": () => null,
    "review.fold": ({ review: id, revision }) => {
      const one = review(id);
      if (revision !== one.revision) refuse("stale", "The selection has changed since.");
      const { sum, volume } = one.info();
      run("fold", volume, sum.foldBytes, "bytes", () => ({
        kind: "fold",
        result: {
          uuid: volume,
          runId: 15,
          groups: sum.groups,
          files: sum.files - 4,
          predictedBytes: sum.predictedBytes,
          freedBytes: Math.round(sum.predictedBytes * 0.996),
          elapsedMs: 6100,
          skippedCounts: { "in-use": 4 },
          skipped: [
            {
              path: "/home/me/.mozilla/places.sqlite",
              reason: "in-use",
              detail: "open for writing by firefox (pid 4121)",
            },
          ],
          cancelled: false,
        },
      }));
      return null;
    },
    "stuck.list": ({ volume }) => {
      may();
      return [...stuckFiles(volume)];
    },
    "stuck.repair": ({ volume, ids }) => {
      may();
      const before = stuckFiles(volume);
      const named = before.filter((file) => file.origin === "refold" || ids.includes(file.id));
      // one that cannot be mended, so that it is seen how that looks
      const failed = named
        .filter((file) => file.id.startsWith("256:4002:"))
        .map((file) => ({ id: file.id, path: file.path, reason: "the filesystem is mounted read-only" }));
      const repaired = named
        .filter((file) => !failed.some((one) => one.id === file.id))
        .map((file) => file.id);
      const rest = before.filter((file) => !repaired.includes(file.id));
      stuck.set(volume, rest);
      setState({
        stuck: {
          ...state.stuck,
          [volume]: {
            ours: rest.filter((file) => file.origin === "refold").length,
            unknown: rest.filter((file) => file.origin === "unknown").length,
          },
        },
      });
      return { repaired, failed };
    },
    "history.list": ({ volume }) => {
      may();
      return [...makeRuns(volumeOf(volume), scene.historyLength)];
    },
    "history.files": ({ volume, run: id, offset, limit }) => {
      const one =
        makeRuns(volumeOf(volume), scene.historyLength).find((each) => each.id === id) ??
        refuse("failed", "There is no such run.");
      return { total: one.files + one.skipped, files: [...makeRunFiles(one, offset, limit)] };
    },
    "history.export": ({ format }) => ({ path: `/home/me/Documents/refold-fedora.${format}` }),
    "rules.list": () => {
      may();
      return [...rules];
    },
    "rules.set": ({ path, fold }) => {
      may();
      if (!path.startsWith("/home"))
        refuse("no-volume", `${path} is no folder of a mounted btrfs filesystem`);
      const [volume] = state.volumes ?? [];
      const rule = { path, fold, volumes: volume === undefined ? [] : [volume.uuid] };
      rules = [...rules.filter((one) => one.path !== path), rule].sort((a, b) => (a.path < b.path ? -1 : 1));
      return [...rules];
    },
    "rules.remove": ({ path }) => {
      may();
      rules = rules.filter((one) => one.path !== path);
      return [...rules];
    },
    "rules.choose": () => ({ path: "/home/me/Virtual machines" }),
    "settings.set": (patch) => {
      const given = Object.fromEntries(
        Object.entries(patch).filter(([, value]) => (value as unknown) !== undefined),
      );
      const settings = { ...state.settings, ...given };
      setState({ settings, locale: settings.language === "de" ? "de" : "en" });
      return settings;
    },
    "logs.show": () => null,
    "demo.create": () => {
      may();
      run("demo", null, 2 ** 30, "bytes", () => {
        setState({ volumes: [...(state.volumes ?? []), DEMO] });
        return { kind: "done" };
      });
      return null;
    },
    "demo.remove": () => {
      setState({ volumes: (state.volumes ?? []).filter((one) => !one.demo) });
      return null;
    },
  };

  return {
    async invoke<N extends InvokeName>(name: N, ...args: unknown[]): Promise<Answer<Value<N>>> {
      await new Promise((resolve) => setTimeout(resolve, ANSWER_AFTER));
      try {
        const handler = handlers[name] as (args: unknown) => Value<N> | Promise<Value<N>>;
        return { ok: true, value: structuredClone(await handler(structuredClone(args[0]))) };
      } catch (error) {
        if (error instanceof Refused) return { ok: false, error: error.data };
        throw error;
      }
    },
    on(name, listener) {
      listeners[name].add(listener);
      return () => {
        listeners[name].delete(listener);
      };
    },
  };
}
