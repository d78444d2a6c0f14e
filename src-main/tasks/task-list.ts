import { randomUUID } from "node:crypto";
import type { TaskProgress } from "../../src-helper/rpc/protocol.ts";
import { appError, AppError, errorDataOf } from "../app/app-error.ts";
import type { Task, TaskKind, TaskResult } from "../ipc/state.ts";
import { RateMeter } from "./rate.ts";

/** What a task's progress is told to the page at most: milliseconds between two. */
const PROGRESS_MS = 100;
/** How long the result of what goes by itself stays in sight. */
const SHOWN_MS = 5000;

export interface TaskListOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Milliseconds of a clock that does not jump. */
  readonly tick?: () => number;
  /** The list changed: one came, ended, went or is being cancelled. */
  onList(tasks: readonly Task[]): void;
  /** One task's progress alone, throttled; the last one always comes. */
  onProgress(task: Task): void;
  /** An error nobody foresaw, for the log. */
  onUnexpected(error: unknown): void;
}

interface Entry {
  task: Task;
  readonly meter: RateMeter;
  throttle: NodeJS.Timeout | null;
  waiting: boolean;
}

/** Reads along in the review's list and harms nobody: may run beside another task. */
const LIGHT: readonly TaskKind[] = ["names"];

/** The long pieces of work that run, and the results that are still shown. */
export class TaskList {
  readonly #options: TaskListOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: TaskListOptions) {
    this.#options = options;
  }

  get tasks(): readonly Task[] {
    return [...this.#entries.values()].map(({ task }) => task);
  }

  /** The task that runs on a volume and shuts others out; for null, the one on no volume. */
  heavyOn(volume: string | null): Task | null {
    return (
      this.tasks.find(
        (task) => task.result === null && task.volume === volume && !LIGHT.includes(task.kind),
      ) ?? null
    );
  }

  /** The fold that runs, if one does. */
  get folding(): Task | null {
    return this.tasks.find((task) => task.kind === "fold" && task.result === null) ?? null;
  }

  get running(): boolean {
    return this.tasks.some((task) => task.result === null);
  }

  /**
   * Begins a task and runs `work` under its id. What `work` throws becomes the
   * task's result; `done` never rejects.
   *
   * @throws AppError "busy" where a heavy one runs on the volume already
   */
  begin(
    kind: TaskKind,
    volume: string | null,
    work: (id: string) => Promise<TaskResult>,
  ): { readonly task: Task; readonly done: Promise<TaskResult> } {
    if (!LIGHT.includes(kind) && this.heavyOn(volume) !== null) {
      throw appError("busy", "Refold is at work on this volume already.", {
        kept: "What runs goes on.",
        next: "Wait until it ends, or cancel it.",
      });
    }
    if (!LIGHT.includes(kind)) this.#clearFinished(volume);
    const task: Task = {
      id: `${kind}-${randomUUID().slice(0, 18)}`,
      kind,
      volume,
      startedAt: (this.#options.now ?? Date.now)(),
      progress: null,
      rate: null,
      etaMs: null,
      cancelling: false,
      result: null,
    };
    const meter = new RateMeter(this.#options.tick ?? (() => performance.now()));
    this.#entries.set(task.id, { task, meter, throttle: null, waiting: false });
    this.#changed();
    return { task, done: this.#run(task.id, work) };
  }

  async #run(id: string, work: (id: string) => Promise<TaskResult>): Promise<TaskResult> {
    const result = await work(id).catch((error: unknown): TaskResult => {
      if (!(error instanceof AppError)) this.#options.onUnexpected(error);
      const data = errorDataOf(error);
      return data.code === "cancelled" ? { kind: "cancelled" } : { kind: "failed", error: data };
    });
    const entry = this.#entries.get(id);
    if (entry === undefined) return result;
    if (entry.throttle !== null) clearTimeout(entry.throttle);
    entry.throttle = null;
    entry.task = { ...entry.task, result, rate: null, etaMs: null };
    if (!stays(entry.task)) {
      setTimeout(() => {
        if (this.#entries.delete(id)) this.#changed();
      }, SHOWN_MS).unref();
    }
    this.#changed();
    return result;
  }

  /** Takes a report of the helper's; of a task that does not run it is dropped. */
  progress({ task: id, ...progress }: TaskProgress): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.task.result !== null) return;
    entry.task = { ...entry.task, progress, ...entry.meter.add(progress) };
    if (entry.throttle !== null) {
      entry.waiting = true;
      return;
    }
    this.#tell(entry);
  }

  #tell(entry: Entry): void {
    entry.waiting = false;
    entry.throttle = setTimeout(() => {
      entry.throttle = null;
      if (entry.waiting) this.#tell(entry);
    }, PROGRESS_MS);
    this.#options.onProgress(entry.task);
  }

  /** Shows a pause at once: a paused task has no progress that could say so. */
  setPaused(id: string, paused: boolean): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.task.progress === null || entry.task.result !== null) return;
    const progress = { ...entry.task.progress, paused };
    entry.task = { ...entry.task, progress, ...entry.meter.add(progress) };
    this.#changed();
  }

  /** @returns whether it runs and was not being cancelled */
  setCancelling(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.task.result !== null || entry.task.cancelling) return false;
    entry.task = { ...entry.task, cancelling: true };
    this.#changed();
    return true;
  }

  /** The task of this id while it runs. @throws AppError where none does */
  required(id: string): Task {
    const task = this.#entries.get(id)?.task;
    if (task === undefined || task.result !== null) {
      throw appError("stale", "This work has ended already.", {});
    }
    return task;
  }

  /** Takes a finished task away; a running one stays. */
  dismiss(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.task.result === null) return;
    this.#entries.delete(id);
    this.#changed();
  }

  /** New work on a volume takes old results off the screen, but a fold's is read first. */
  #clearFinished(volume: string | null): void {
    for (const [id, { task }] of this.#entries) {
      if (task.result !== null && task.volume === volume && task.kind !== "fold") this.#entries.delete(id);
    }
  }

  #changed(): void {
    this.#options.onList(this.tasks);
  }
}

/** Results that wait to be dismissed: what a fold did, and what went wrong. */
function stays(task: Task): boolean {
  if (task.result === null || task.kind === "fold") return true;
  // who asked for these gets the error itself
  return task.result.kind === "failed" && !["names", "stuck", "repair"].includes(task.kind);
}
