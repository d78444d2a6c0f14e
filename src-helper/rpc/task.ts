import type { SkipReason } from "../engine/contract.ts";
import { bytesToJsonString } from "../text/path-text.ts";
import type { TaskRun, TaskStep } from "./handlers.ts";
import type { Notification, TaskProgress } from "./protocol.ts";

/** Ten progress messages a second at most; a little more apart, so that no second holds eleven. */
const PROGRESS_EVERY_MS = 110;
const MAX_LOG_TEXT = 4096;

export interface TaskEvents {
  progress(message: TaskProgress): void;
  log(message: Notification<"log">): void;
}

/** One task while it runs: its cancel, its pause, and what is told of it. */
export class Task implements TaskRun {
  readonly name: string;
  readonly volume: string | null;
  readonly #events: TaskEvents;
  readonly #controller = new AbortController();
  readonly #skipped: Partial<Record<SkipReason, number>> = {};
  #step: TaskStep | null = null;
  #item: (() => Buffer) | null = null;
  #untold = false;
  #toldAt = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  /** Set while it is to pause. */
  #pause: { readonly promise: Promise<void>; readonly end: () => void } | null = null;
  /** It came to a safe point and waits there. */
  #held = false;

  constructor(name: string, volume: string | null, events: TaskEvents) {
    this.name = name;
    this.volume = volume;
    this.#events = events;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  progress(step: TaskStep): void {
    // what was worked on in the phase before is not what is worked on now
    if (step.phase !== this.#step?.phase) this.#item = null;
    this.#step = step;
    this.#change();
  }

  working(item: () => Buffer): void {
    this.#item = item;
    this.#change();
  }

  skipped(reason: SkipReason): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
    this.#change();
  }

  log(level: "warning" | "note", message: string): void {
    this.#events.log({ task: this.name, level, message: message.slice(0, MAX_LOG_TEXT) });
  }

  pausing(): boolean {
    return this.#pause !== null;
  }

  gate(): Promise<void> | undefined {
    const pause = this.#pause;
    if (pause === null) return undefined;
    this.#held = true;
    this.#change();
    return pause.promise;
  }

  pause(): void {
    if (this.#pause !== null || this.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#pause = {
      promise,
      end: () => {
        resolve(undefined);
      },
    };
  }

  resume(): void {
    const pause = this.#pause;
    this.#pause = null;
    this.#held = false;
    this.#change();
    pause?.end();
  }

  /** A paused one goes on, to its end. */
  cancel(): void {
    this.#controller.abort();
    this.resume();
  }

  /** Tells what was not told yet; nothing is told after it. */
  end(): void {
    this.#item = null; // its volume is closed
    if (this.#untold) this.#tell();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#step = null;
  }

  #change(): void {
    if (this.#step === null) return;
    this.#untold = true;
    if (this.#timer !== null) return;
    const wait = this.#toldAt + PROGRESS_EVERY_MS - performance.now();
    if (wait <= 0) {
      this.#tell();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#untold) this.#tell();
    }, wait);
  }

  #tell(): void {
    const step = this.#step;
    if (step === null) return;
    this.#untold = false;
    this.#toldAt = performance.now();
    this.#events.progress({
      task: this.name,
      phase: step.phase,
      done: step.done,
      total: step.total,
      unit: step.unit,
      item: this.#itemText(),
      skipped: { ...this.#skipped },
      paused: this.#held,
    });
  }

  #itemText(): string | null {
    const item = this.#item;
    return item === null ? null : bytesToJsonString(item());
  }
}
