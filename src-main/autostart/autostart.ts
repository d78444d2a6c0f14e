/** Starts with the desktop session: a file in $XDG_CONFIG_HOME/autostart, as Electron offers nothing on Linux. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execLine, readDesktopEntry } from "./desktop-entry.ts";

/** The app's id everywhere: desktop file, icons, metainfo, polkit actions, D-Bus. */
export const APP_ID = "org.refold.Refold";

/**
 * "off": there is no file. "disabled": there is one, and the person turned it
 * off in the desktop's own settings (Hidden=true or X-GNOME-Autostart-enabled=false).
 */
export type AutostartState = "on" | "off" | "disabled";

export interface Autostart {
  state(): AutostartState;
  /**
   * Writes or removes the file. An explicit choice, so it also turns a disabled one on again.
   * @throws the file's error, or RangeError for a command that no Exec line can carry;
   *   the file is as it was then
   */
  set(enabled: boolean): void;
  /**
   * At start: brings the file in line with the setting, e.g. after the program was moved.
   * What the person disabled in the desktop's settings stays disabled.
   * @returns whether the session starts the app
   */
  sync(enabled: boolean): boolean;
  /** Absolute path of the file. */
  readonly path: string;
}

/**
 * @param configHome $XDG_CONFIG_HOME or ~/.config, absolute
 * @param command program (absolute) and arguments that start the app; --hidden is added
 */
export function createAutostart({
  configHome,
  command,
}: {
  readonly configHome: string;
  readonly command: readonly string[];
}): Autostart {
  const path = join(configHome, "autostart", `${APP_ID}.desktop`);
  const makeContent = (): string =>
    [
      "[Desktop Entry]",
      "Type=Application",
      "Name=Refold",
      "Comment=Finds and folds duplicate data on btrfs",
      "Comment[de]=Findet und faltet doppelte Daten auf btrfs",
      `Icon=${APP_ID}`,
      `Exec=${execLine([...command, "--hidden"])}`,
      "Terminal=false",
      "StartupNotify=false",
      "X-GNOME-Autostart-enabled=true",
      "",
    ].join("\n");

  function read(): string | null {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  function state(): AutostartState {
    const text = read();
    if (text === null) return "off";
    const keys = readDesktopEntry(text);
    const disabled = keys.get("Hidden") === "true" || keys.get("X-GNOME-Autostart-enabled") === "false";
    return disabled ? "disabled" : "on";
  }

  function set(enabled: boolean): void {
    if (!enabled) {
      rmSync(path, { force: true });
      return;
    }
    const content = makeContent();
    if (read() === content) return;
    mkdirSync(dirname(path), { recursive: true });
    // renamed into place: a session that starts now must not read half of it
    const temporary = `${path}.${String(process.pid)}.new`;
    try {
      writeFileSync(temporary, content, { mode: 0o644, flag: "wx" });
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  return {
    path,
    state,
    set,
    sync: (enabled) => {
      if (state() === "disabled") return false;
      set(enabled);
      return enabled;
    },
  };
}
