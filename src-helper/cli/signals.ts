import type { EventEmitter } from "node:events";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** 128 + the signal's number, as shells have it. */
export const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
};
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal sent to a whole process group often comes twice, from the kernel and from a parent. */
const ECHO_MS = 300;

export interface SignalWatch {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal that came, null while none did. */
  readonly received: StopSignal | null;
  dispose(): void;
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an abort: nothing is killed, the step
 * under way is finished.
 *
 * @param waitingFor what a person would have to wait for now, null for nothing
 * @param say prints a line for a person
 */
export function watchSignals(
  emitter: Pick<EventEmitter, "on" | "off">,
  waitingFor: () => string | null,
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): SignalWatch {
  const controller = new AbortController();
  let received: StopSignal | null = null;
  let last = 0;
  const onSignal = (name: StopSignal): void => {
    const time = now();
    const isEcho = received !== null && time - last < ECHO_MS;
    last = time;
    if (isEcho) return;
    const what = waitingFor();
    if (received === null) {
      received = name;
      if (what !== null) say(`stopping: waiting for ${what}`);
      controller.abort(name);
    } else if (what !== null) {
      say(`still waiting for ${what}: no step is stopped half-way`);
    }
  };
  for (const name of STOP_SIGNALS) emitter.on(name, onSignal);
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    dispose() {
      for (const name of STOP_SIGNALS) emitter.off(name, onSignal);
    },
  };
}
