/** The app without Electron: the core, its calls and its settings, on the real helper. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VolumeInfo } from "../../../src-helper/rpc/protocol.ts";
import { createCore, type Core } from "../../../src-main/app/core.ts";
import { createInvokeHandlers, type Desktop } from "../../../src-main/app/invoke-handlers.ts";
import type { Elevator } from "../../../src-main/helper/elevator.ts";
import { directRoad } from "../../../src-main/helper/roads.ts";
import { createDispatch } from "../../../src-main/ipc/dispatch.ts";
import type { Args, InvokeName, Notify, NotifyName, Value } from "../../../src-main/ipc/schema.ts";
import type { Task, TaskKind } from "../../../src-main/ipc/state.ts";
import { createSettings, type SettingsService } from "../../../src-main/settings/settings.ts";
import { REFOLD } from "../../support/run.ts";
import { memoryLog, until, type MemoryLog } from "./helpers.ts";

export interface TestApp extends AsyncDisposable {
  readonly core: Core;
  readonly settings: SettingsService;
  readonly log: MemoryLog;
  /** Everything the page was told, in order. */
  readonly told: readonly { readonly name: NotifyName; readonly payload: Notify[NotifyName] }[];
  /** "scan <uuid>", "fold <uuid>", "stuck <uuid> <ours>" */
  readonly events: readonly string[];
  readonly shownFiles: readonly string[];
  /** Calls as the page does. @throws AnswerError for an answer that is an error */
  call<N extends InvokeName>(name: N, args: Args<N>): Promise<Value<N>>;
  /** Waits for the volume in the state. */
  volume(uuid: string): Promise<VolumeInfo>;
  /** Waits until a task of the kind has ended on the volume. */
  finished(kind: TaskKind, uuid: string | null): Promise<Task>;
}

/** The error of an answer. */
export class AnswerError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** @param database directory of the helper's databases */
export async function startApp(
  database: string,
  options: {
    readonly elevator?: Elevator;
    readonly observeRoad?: Elevator;
    readonly userRoad?: Elevator;
    readonly desktop?: Partial<Desktop>;
    /** The file of rules; the machine's own where it is not said. */
    readonly rules?: string;
  } = {},
): Promise<TestApp> {
  const directory = mkdtempSync(join(tmpdir(), "refold-app-"));
  const log = memoryLog();
  const settings = createSettings({ directory, log });
  const told: { name: NotifyName; payload: Notify[NotifyName] }[] = [];
  const events: string[] = [];
  const shownFiles: string[] = [];
  const core = createCore({
    version: "0.0.0",
    log,
    settings,
    locale: () => "en",
    elevator: options.elevator ?? directRoad({ program: REFOLD, database, rules: options.rules }),
    observeRoad: options.observeRoad ?? null,
    userRoad: options.userRoad ?? null,
    mounts: () => Promise.resolve(readFileSync("/proc/self/mountinfo", "utf8")),
    showFile: (path) => shownFiles.push(path),
    tell: (name, payload) => told.push({ name, payload }),
    events: {
      scanEnded: (volume) => events.push(`scan ${volume.uuid}`),
      foldEnded: (volume) => events.push(`fold ${volume.uuid}`),
      stuckFound: (volume, ours) => events.push(`stuck ${volume.uuid} ${String(ours)}`),
    },
  });
  const handlers = createInvokeHandlers(core, settings, {
    quit: () => undefined,
    closeWindow: () => undefined,
    showLogs: () => Promise.resolve(),
    chooseExport: () => Promise.resolve(null),
    chooseFolder: () => Promise.resolve(null),
    ...options.desktop,
  });
  const dispatch = createDispatch(handlers, log);
  await core.helper.begin();
  await core.volumes.refresh();
  return {
    ...{ core, settings, log, told, events, shownFiles },
    call: async <N extends InvokeName>(name: N, args: Args<N>) => {
      const answer = await dispatch(null, name, args);
      if (!answer.ok) throw new AnswerError(answer.error.code, answer.error.message);
      return answer.value as Value<N>;
    },
    volume: async (uuid) => {
      const find = (): VolumeInfo | undefined => core.store.get().volumes?.find((one) => one.uuid === uuid);
      await until(() => find() !== undefined);
      return find() as VolumeInfo;
    },
    finished: async (kind, uuid) => {
      const find = (): Task | undefined =>
        core.tasks.tasks.findLast(
          (task) => task.kind === kind && task.volume === uuid && task.result !== null,
        );
      await until(() => find() !== undefined);
      return find() as Task;
    },
    async [Symbol.asyncDispose]() {
      await core.shutdown();
      rmSync(directory, { recursive: true });
    },
  };
}
