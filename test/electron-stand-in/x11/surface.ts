/** The window as the X server has it: Chromium cannot be told over its protocol to hide one. */
import { setTimeout as sleep } from "node:timers/promises";
import { Xlib } from "./xlib.ts";

export interface Surface {
  show(): void;
  hide(): void;
  focus(): void;
}

/** The server announces no window of others without a window manager: it is looked for so often. */
const TRIES = 100;
const PAUSE_MS = 30;

/** @param pid of the browser. @returns null where its window cannot be reached */
export async function findSurface(pid: number): Promise<Surface | null> {
  const xlib = Xlib.get();
  if (xlib === null) return null;
  for (let tries = 0; tries < TRIES; tries++) {
    const window = xlib.windowOf(pid);
    if (window !== 0) {
      return {
        show: () => {
          xlib.map(window);
        },
        hide: () => {
          xlib.withdraw(window);
        },
        focus: () => {
          xlib.focus(window);
        },
      };
    }
    await sleep(PAUSE_MS);
  }
  return null;
}
