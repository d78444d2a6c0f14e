import type { Handlers } from "../handlers.ts";
import type { Tasks } from "../tasks.ts";

/** Pausing and cancelling what runs. */
export function taskHandlers(tasks: Tasks): Pick<Handlers, "pause" | "cancel"> {
  return {
    pause: ({ task, paused }) => {
      tasks.pause(task, paused);
      return {};
    },
    cancel: ({ task }) => {
      tasks.cancel(task);
      return {};
    },
  };
}
