import { execFile } from "node:child_process";

/** Runs a program. @returns its output, null where it is missing, fails or takes too long */
export type RunProgram = (program: string, args: readonly string[]) => Promise<string | null>;

const TIMEOUT_MS = 2_000; // an X server that hangs must not hold up the schedule

const runProgram: RunProgram = (program, args) =>
  new Promise((resolve) => {
    execFile(program, [...args], { timeout: TIMEOUT_MS, encoding: "utf8" }, (error, stdout) => {
      resolve(error === null ? stdout : null);
    });
  });

/**
 * Whether the active window fills the screen (a film, a game, a talk): the
 * root window's _NET_ACTIVE_WINDOW has _NET_WM_STATE_FULLSCREEN, as the
 * Extended Window Manager Hints have it. Asked with xprop.
 *
 * Not known, and answered with no: without an X display, without xprop, and on
 * Wayland, where an app is not told of others' windows (XWayland shows only
 * those of X programs, so it is asked all the same).
 *
 * @param env where DISPLAY is looked for
 */
export async function isFullScreen(env: NodeJS.ProcessEnv, run: RunProgram = runProgram): Promise<boolean> {
  const display = env["DISPLAY"];
  if (display === undefined || display === "") return false;
  const active = await run("xprop", ["-display", display, "-root", "_NET_ACTIVE_WINDOW"]);
  // "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007", or a plain number after "="
  const window = active === null ? undefined : /[#=]\s*(0x[0-9a-f]+|\d+)/iu.exec(active)?.[1];
  if (window === undefined || Number(window) === 0) return false;
  const state = await run("xprop", ["-display", display, "-id", window, "_NET_WM_STATE"]);
  return state?.includes("_NET_WM_STATE_FULLSCREEN") ?? false;
}
