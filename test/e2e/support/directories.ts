import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** The directories that a session gives a program, all below one. */
export function sessionDirectories(home: string): Record<string, string> {
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "state"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_RUNTIME_DIR: join(home, "run"),
  };
  for (const path of Object.values(env)) mkdirSync(path, { recursive: true, mode: 0o700 });
  return env;
}
