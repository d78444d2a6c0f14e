import { join, resolve } from "node:path";

/** The command line where it is installed. */
const INSTALLED_REFOLD = "/usr/bin/refold";

/** Where the parts of the app are, told from the main process's own file. */
export interface AppPaths {
  readonly preload: string;
  readonly renderer: string;
  /** bin/refold. */
  readonly helper: string;
}

/**
 * @param here directory of dist/main/main.mjs
 * @param env REFOLD_HELPER: another helper, absolute or from the working directory
 */
export function appPaths(here: string, env: NodeJS.ProcessEnv): AppPaths {
  const dist = join(here, "..");
  const own = env["REFOLD_HELPER"];
  // a packaged app lies in an archive, which nothing can be started from
  const found = dist.includes(".asar") ? INSTALLED_REFOLD : join(dist, "..", "bin", "refold");
  return {
    preload: join(dist, "preload", "preload.cjs"),
    renderer: join(dist, "renderer"),
    helper: own === undefined || own === "" ? found : resolve(own),
  };
}

/** Program and arguments that start this very app again, for the autostart file. */
export function launchCommand(
  process: Pick<NodeJS.Process, "execPath" | "execArgv" | "env">,
  main: string,
  packaged: boolean,
): string[] {
  // an AppImage is mounted at another place each time; it says where it itself is
  const image = process.env["APPIMAGE"];
  if (image !== undefined && image !== "") return [image];
  return packaged ? [process.execPath] : [process.execPath, ...process.execArgv, main];
}
