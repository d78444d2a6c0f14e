import { RpcError } from "./errors.ts";
import type { TaskRun } from "./handlers.ts";
import { Task, type TaskEvents } from "./task.ts";

/** The long calls of one connection that are under way. */
export class Tasks {
  readonly #events: TaskEvents;
  readonly #byName = new Map<string, Task>();
  readonly #afterLast: () => void;

  /** @param afterLast called when a heavy task has ended and no other runs */
  constructor(events: TaskEvents, afterLast: () => void) {
    this.#events = events;
    this.#afterLast = afterLast;
  }

  /** As CallContext.run. */
  async run<T>(name: string, volume: string | null, work: (run: TaskRun) => Promise<T>): Promise<T> {
    if (this.#byName.has(name)) throw new RpcError("refused", `There is a task ${name} already.`);
    if (volume !== null) this.mustBeFree(volume);
    const task = new Task(name, volume, this.#events);
    this.#byName.set(name, task);
    try {
      return await work(task);
    } finally {
      this.#byName.delete(name);
      task.end();
      if (volume !== null && ![...this.#byName.values()].some((one) => one.volume !== null))
        this.#afterLast();
    }
  }

  /** Whether a heavy task runs on a volume. */
  isBusy(volume: string): boolean {
    return [...this.#byName.values()].some((task) => task.volume === volume);
  }

  /** @throws RpcError "busy" */
  mustBeFree(volume: string): void {
    if (!this.isBusy(volume)) return;
    throw new RpcError("busy", "Something else is being done with this volume.", {
      kept: "Nothing was changed.",
      next: "Wait until it is done, or cancel it.",
    });
  }

  /** @throws RpcError "refused" where there is no such task (any more) */
  pause(name: string, paused: boolean): void {
    const task = this.#find(name);
    if (paused) task.pause();
    else task.resume();
  }

  /** @throws as pause */
  cancel(name: string): void {
    this.#find(name).cancel();
  }

  cancelAll(): void {
    for (const task of this.#byName.values()) task.cancel();
  }

  #find(name: string): Task {
    const task = this.#byName.get(name);
    if (task === undefined) throw new RpcError("refused", `There is no task ${name}; it may have ended.`);
    return task;
  }
}
