import {
  OBSERVE_METHODS,
  OBSERVED_SCAN,
  type Method,
  type Mode,
  type Notification,
  type Params,
  type Result,
} from "../../src-helper/rpc/protocol.ts";
import { observedDeepOf } from "../app/ranges.ts";
import { appError, AppError, errorDataOf } from "../app/app-error.ts";
import { oneLine, type Log } from "../app/log.ts";
import type { HelperState } from "../ipc/state.ts";
import { connectHelper, NoHello, type End, type HelperClient } from "./client.ts";
import type { Elevator } from "./elevator.ts";

/** Without a password dialog in the way a helper that says nothing for so long is broken. */
const HELLO_MS = 60_000;
/** How long an end is waited for before the app goes without: the helper ends by itself. */
const END_MS = 60_000;

export interface SupervisorOptions {
  readonly name: string;
  readonly log: Log;
  /** To root's rights. */
  readonly elevator: Elevator;
  /** To one that observes, without a password; null where there is no such road. */
  readonly observe: Elevator | null;
  /** Without rights; null where the elevator never asks. */
  readonly user: Elevator | null;
  /** What runs just now, for the sentence that is shown if the helper dies in it. */
  readonly working: () => string | null;
  readonly onState: (state: HelperState) => void;
  readonly onProgress: (progress: Notification<"progress">) => void;
  readonly onLog: (message: Notification<"log">) => void;
  /** A helper came that may do more, or one after a loss. */
  readonly onReady: () => void;
}

/** Starts helpers, elevates when that is needed first, and says when one is lost. */
export interface HelperSupervisor {
  readonly state: HelperState;
  /** Starts the first helper. Never throws: the state says how it went. */
  begin(): Promise<void>;
  /**
   * Makes sure of a helper that takes the method, of one that takes all without it;
   * a person may be asked, once for all callers.
   * @throws AppError "cancelled" where they said no; after a loss, what was lost: see restart
   */
  ready(method?: Method): Promise<void>;
  /** The same, and also after a loss: somebody pressed the button. @throws AppError */
  restart(): Promise<void>;
  /** @throws AppError; "volumes" goes to any helper, a scan to one that observes too, the rest elevates first */
  request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Ends the helper after the step at hand, and starts none again. */
  end(): Promise<void>;
}

/** @returns a supervisor that has not started anything yet */
export function createSupervisor(options: SupervisorOptions): HelperSupervisor {
  const { log } = options;
  let state: HelperState = { status: "starting", error: null };
  let client: HelperClient | null = null;
  let elevating: Promise<void> | null = null;
  /** Who asks while the first one starts waits for it. */
  let begun: Promise<void> = Promise.resolve();
  let ending = false;
  /** What ran when the last connection closed. */
  let work: string | null = null;
  /** What the lost one was. */
  let lostMode: Mode = "manage";

  const observes = (): boolean => client?.hello.privileged === true && client.hello.mode === "observe";
  const manages = (): boolean => client?.hello.privileged === true && client.hello.mode === "manage";
  const takes = (method: Method | undefined): boolean =>
    manages() ||
    (observes() && method !== undefined && (OBSERVE_METHODS as readonly Method[]).includes(method));

  const setState = (next: HelperState): void => {
    state = next;
    options.onState(next);
  };

  async function connect(road: Elevator, mode: Mode): Promise<HelperClient> {
    log.info(`starting the helper (${road.road})`);
    const process = await road.start(mode);
    const connected = await connectHelper(process, {
      name: options.name,
      log,
      helloMs: road.asks ? null : HELLO_MS,
      onProgress: options.onProgress,
      onLog: options.onLog,
      onGone: () => {
        work = options.working();
      },
    });
    log.info(
      `helper ${oneLine(connected.hello.version, 40)} runs as process ${String(connected.hello.pid)}, ` +
        (connected.hello.privileged
          ? `with root's rights (${connected.hello.mode})`
          : "without root's rights"),
    );
    return connected;
  }

  /** Takes a connected helper into use. @returns when the one before, which could do less, has left its volumes */
  async function adopt(next: HelperClient): Promise<void> {
    const before = client;
    client = next;
    void next.ended.then((end) => {
      if (client === next) lost(end, next.hello.mode);
    });
    if (before !== null) await endWithin(before);
    if (client !== next) return;
    setState({ status: manages() ? "running" : observes() ? "observing" : "user", error: null });
    options.onReady();
  }

  function lost(end: End, mode: Mode): void {
    client = null;
    lostMode = mode;
    if (ending || end.why === null) return;
    log.error(`the helper is gone: ${oneLine(end.why)}${work === null ? "" : ` (while ${work})`}`);
    setState({
      status: "lost",
      error: {
        code: "failed",
        message:
          work === null
            ? `The helper stopped: ${oneLine(end.why)}.`
            : `The helper stopped while ${work}: ${oneLine(end.why)}.`,
        kept:
          "No data is lost: nothing is shared before the kernel has compared it byte by byte. " +
          "Files that were locked at that moment may still be immutable.",
        next: "Start it again. It lists the files it left immutable, and one click mends them.",
      },
    });
  }

  /** @throws AppError "cancelled" where the person dismissed the dialog */
  async function elevateNow(): Promise<void> {
    const road = options.elevator;
    try {
      const next = await connect(road, "manage");
      if (!next.hello.privileged || next.hello.mode !== "manage") {
        void next.end();
        throw appError("permission", "The helper was started, but not with root's rights.", {
          kept: "Nothing was changed.",
          next: "Use sudo refold in a terminal.",
        });
      }
      if (ending) await next.end();
      else await adopt(next);
    } catch (error) {
      const failure = explain(road, error);
      log.warn(`no helper with root's rights: ${oneLine(failure.data.message)}`);
      const shown = failure.data.code === "cancelled" ? null : failure.data;
      if (client !== null) setState({ ...state, error: shown });
      else if (shown !== null || state.status === "starting")
        setState({ status: "lost", error: failure.data });
      throw failure;
    }
  }

  /** Nobody asked for anything yet: what cannot be had without a password is left for later, and not told. */
  async function observe(): Promise<boolean> {
    if (options.observe === null) return false;
    try {
      const next = await connect(options.observe, "observe");
      if (next.hello.privileged && next.hello.mode === "observe") {
        await adopt(next);
        return true;
      }
      void next.end();
      log.warn("the helper that should only observe is another one, and not used");
    } catch (error) {
      log.info(`no helper that observes: ${oneLine(explain(options.observe, error).data.message)}`);
    }
    return false;
  }

  async function first(): Promise<void> {
    if (await observe()) return;
    const road = options.user ?? options.elevator;
    try {
      await adopt(await connect(road, "manage"));
    } catch (error) {
      const { data } = explain(road, error);
      log.error(`no helper: ${oneLine(data.message)}`);
      setState({ status: "lost", error: data });
    }
  }

  async function elevate(): Promise<void> {
    await begun;
    if (manages()) return;
    elevating ??= elevateNow().finally(() => {
      elevating = null;
    });
    await elevating;
  }

  async function ready(method?: Method): Promise<void> {
    await begun;
    if (takes(method)) return;
    // what it left is looked at before anything new begins
    if (state.status === "lost" && elevating === null) throw new AppError(state.error ?? errorDataOf(null));
    await elevate();
  }

  async function restart(): Promise<void> {
    await begun;
    // what needed no password comes back without one
    if (state.status === "lost" && lostMode === "observe" && elevating === null) {
      begun = first();
      await begun;
      if (client === null) throw new AppError(state.error ?? errorDataOf(null));
    } else await elevate();
  }

  async function request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    await begun;
    if (method !== "volumes") await ready(method);
    if (client === null) throw new AppError(state.error ?? errorDataOf(null));
    return client.request(method, observes() ? observedParams(method, params) : params);
  }

  return {
    get state() {
      return state;
    },
    begin: () => {
      begun = first();
      return begun;
    },
    ready,
    restart,
    request,
    end: async () => {
      ending = true;
      if (client !== null) await endWithin(client);
    },
  };
}

/** What a helper that observes takes instead: no globs, and only so much of a search. */
function observedParams<M extends Method>(method: M, params: Params<M>): Params<M> {
  if (method === "scan") {
    return { ...params, ...OBSERVED_SCAN, ...observedDeepOf(params as Params<"scan">) };
  }
  const { selection } = params as Params<"volumes">;
  if (method !== "volumes" || selection === undefined) return params;
  const { minSize, exclude } = OBSERVED_SCAN;
  const { deep, ...rest } = selection;
  // that reading is wanted is compared only, and done by no one
  const capped = deep === undefined ? {} : { deep: { ...deep, ...observedDeepOf({ deep }).deep } };
  return { ...params, selection: { ...rest, minSize, exclude, ...capped } };
}

async function endWithin(client: HelperClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_MS);
  });
  await Promise.race([client.end(), tooLong]);
  clearTimeout(timer);
}

function explain(road: Elevator, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof NoHello)) return new AppError(errorDataOf(error), error);
  const { exit, why, said } = error.end;
  const meaning = exit === null || exit instanceof Error ? null : road.explain(exit, said);
  if (meaning === "dismissed") {
    return appError("cancelled", "The password was not given.", { kept: "Nothing was changed." });
  }
  if (meaning !== null) return new AppError(meaning, error);
  return appError("failed", `The helper could not be started: ${oneLine(why ?? "it ended")}.`, {
    kept: "Nothing was changed.",
    next: "Try it again. The log says more.",
    cause: error,
  });
}
