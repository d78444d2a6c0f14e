/** nativeTheme: what the app chose, or what the desktop says, and how pages see it. */
import { EventEmitter } from "node:events";

type Source = "system" | "light" | "dark";
const changed = new EventEmitter();
changed.setMaxListeners(0);

class NativeThemeImpl
  extends EventEmitter
  implements
    Pick<
      Electron.NativeTheme,
      "themeSource" | "shouldUseDarkColors" | "shouldUseHighContrastColors" | "prefersReducedTransparency"
    >
{
  private source: Source = "system";
  /** What the desktop prefers: GTK_THEME names it, or a test. */
  _system: "light" | "dark" = /dark$/i.test(process.env["GTK_THEME"] ?? "") ? "dark" : "light";
  readonly shouldUseHighContrastColors = false;
  readonly prefersReducedTransparency = false;

  get themeSource(): Source {
    return this.source;
  }
  set themeSource(source: Source) {
    if (!["system", "light", "dark"].includes(source))
      throw new TypeError(`Error processing argument: ${source}`);
    if (source === this.source) return;
    this.source = source;
    this._changed();
  }
  get shouldUseDarkColors(): boolean {
    return (this.source === "system" ? this._system : this.source) === "dark";
  }
  /** For the stand-in: tells pages and the app. */
  _changed(): void {
    changed.emit("scheme");
    this.emit("updated");
  }
}

export const nativeTheme = new NativeThemeImpl();

/** For Emulation.setEmulatedMedia. */
export function mediaFeatures(): { name: string; value: string }[] {
  return [{ name: "prefers-color-scheme", value: nativeTheme.shouldUseDarkColors ? "dark" : "light" }];
}
export function onColorScheme(listener: () => void): void {
  changed.on("scheme", listener);
}
