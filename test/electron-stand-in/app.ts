/** app: the life of the program. */
import { EventEmitter } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PreventableEvent } from "./prevent.ts";
import { closeSchemes } from "./session.ts";
import { SingleInstance } from "./single-instance.ts";
import { NotImplementedError } from "./strict.ts";

interface Closable {
  isDestroyed(): boolean;
  close(): void;
  destroy(): void;
}

class CommandLineImpl implements Pick<
  Electron.CommandLine,
  "appendSwitch" | "hasSwitch" | "getSwitchValue" | "removeSwitch"
> {
  private readonly switches = new Map<string, string>();
  constructor() {
    for (const word of process.argv.slice(2)) {
      const match = /^--([^=]+)(?:=(.*))?$/s.exec(word);
      if (match !== null) this.switches.set(match[1] ?? "", match[2] ?? "");
    }
    this.own = new Set();
  }
  private readonly own: Set<string>;
  appendSwitch(name: string, value = ""): void {
    this.switches.set(name, value);
    this.own.add(name);
  }
  hasSwitch(name: string): boolean {
    return this.switches.has(name);
  }
  getSwitchValue(name: string): string {
    return this.switches.get(name) ?? "";
  }
  removeSwitch(name: string): void {
    this.switches.delete(name);
    this.own.delete(name);
  }
  /** For the stand-in: what the app appended, as Chromium takes it. */
  _list(): string[] {
    return [...this.own].map((name) => {
      const value = this.getSwitchValue(name);
      return value === "" ? `--${name}` : `--${name}=${value}`;
    });
  }
}

/** The directory above a file that has a package.json. */
function packageDirectory(file: string): string {
  for (let at = dirname(file); ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (at === dirname(at)) return dirname(file);
  }
}

type PathName = Parameters<Electron.App["getPath"]>[0];

class AppImpl
  extends EventEmitter
  implements
    Pick<
      Electron.App,
      | "whenReady"
      | "isReady"
      | "quit"
      | "exit"
      | "getPath"
      | "setPath"
      | "getName"
      | "setName"
      | "getVersion"
      | "getLocale"
      | "getPreferredSystemLanguages"
      | "getAppPath"
      | "isPackaged"
      | "enableSandbox"
      | "requestSingleInstanceLock"
      | "hasSingleInstanceLock"
      | "releaseSingleInstanceLock"
      | "focus"
      | "setDesktopName"
      | "disableHardwareAcceleration"
    >
{
  readonly isPackaged = false;
  readonly commandLine = new CommandLineImpl();
  name: string;
  private readonly root = packageDirectory(process.argv[1] ?? process.cwd());
  private readonly paths = new Map<string, string>();
  private readonly instance = new SingleInstance();
  private readonly readiness = Promise.withResolvers<undefined>();
  private ready = false;
  private quitting = false;
  private exiting = false;
  private readonly endings = new Set<Promise<unknown>>();
  private readonly killers = new Set<() => unknown>();
  /** Set by the windows' module, which needs this one. */
  _windows: () => readonly Closable[] = () => [];

  constructor() {
    super();
    this.name = this.packageField("productName") ?? this.packageField("name") ?? "Electron";
    const home = homedir();
    const config = process.env["XDG_CONFIG_HOME"];
    const appData = config === undefined || config === "" ? join(home, ".config") : config;
    for (const [name, path] of Object.entries({ home, appData, temp: tmpdir(), exe: process.execPath })) {
      this.paths.set(name, path);
    }
    for (const name of ["desktop", "documents", "downloads", "music", "pictures", "videos"]) {
      this.paths.set(name, join(home, `${name.charAt(0).toUpperCase()}${name.slice(1)}`));
    }
  }

  private packageField(field: string): string | null {
    try {
      const data = JSON.parse(readFileSync(join(this.root, "package.json"), "utf8")) as Record<
        string,
        unknown
      >;
      const value = data[field];
      return typeof value === "string" ? value : null;
    } catch {
      return null;
    }
  }

  whenReady(): Promise<void> {
    return this.readiness.promise;
  }
  isReady(): boolean {
    return this.ready;
  }
  getPath(name: PathName): string {
    const known = this.paths.get(name);
    if (known !== undefined) return known;
    if (name === "userData" || name === "sessionData") return join(this.getPath("appData"), this.name);
    if (name === "logs") return join(this.getPath("userData"), "logs");
    if (name === "crashDumps") return join(this.getPath("userData"), "Crashpad");
    throw new Error(`Failed to get '${name}' path`);
  }
  setPath(name: string, path: string): void {
    this.paths.set(name, path);
  }
  getName(): string {
    return this.name;
  }
  setName(name: string): void {
    this.name = name;
  }
  getVersion(): string {
    return this.packageField("version") ?? process.versions["electron"];
  }
  getAppPath(): string {
    return this.root;
  }
  getLocale(): string {
    return this.getPreferredSystemLanguages().at(0) ?? "en-US";
  }
  getSystemLocale(): string {
    return this.getLocale();
  }
  /** As GLib and Chromium read them: LANGUAGE where the locale is not C, then LC_ALL, LC_MESSAGES, LANG. */
  getPreferredSystemLanguages(): string[] {
    const { env } = process;
    const first = [env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]].find(
      (value) => value !== undefined && value !== "",
    );
    const isC = first === undefined || /^(C|POSIX)(\.|$)/.test(first);
    const list = isC ? [] : (env["LANGUAGE"] ?? "").split(":").filter((word) => word !== "");
    const names = [...list, ...(isC ? [] : [first])].map((name) =>
      name.replace(/[.@].*$/s, "").replaceAll("_", "-"),
    );
    return names.length === 0 ? ["en-US"] : [...new Set(names)];
  }
  enableSandbox(): void {
    if (this.ready) throw new Error("app.enableSandbox() can only be called before app is ready");
  }
  disableHardwareAcceleration(): void {
    this.commandLine.appendSwitch("disable-gpu");
  }
  setDesktopName(): void {
    // the window's class is given when it is made
  }
  focus(): void {
    // on Linux: the first window, which the app does itself
  }

  requestSingleInstanceLock(data: Record<string, unknown> = {}): boolean {
    return this.instance.request(this.getPath("userData"), data, (greeting) => {
      void this.readiness.promise.then(() => {
        this.emit("second-instance", {}, greeting.argv, greeting.cwd, greeting.data);
      });
    });
  }
  hasSingleInstanceLock(): boolean {
    return this.instance.held;
  }
  releaseSingleInstanceLock(): void {
    this.instance.release();
  }

  quit(): void {
    if (this.quitting || this.exiting) return;
    const before = new PreventableEvent();
    this.emit("before-quit", before);
    if (before.defaultPrevented) return;
    this.quitting = true;
    for (const window of this._windows()) window.close();
    if (this._windows().length > 0) {
      // one of them stays, and so does the app
      this.quitting = false;
      return;
    }
    this.finish(0);
  }
  exit(code = 0): void {
    if (this.exiting) return;
    for (const window of this._windows()) window.destroy();
    this.end(code);
  }
  relaunch(): never {
    throw new NotImplementedError("app.relaunch");
  }

  private finish(code: number): void {
    const will = new PreventableEvent();
    this.emit("will-quit", will);
    this.quitting = false;
    if (!will.defaultPrevented) this.end(code);
  }
  private end(code: number): void {
    if (this.exiting) return;
    this.exiting = true;
    this.emit("quit", {}, code);
    this.instance.release();
    // a browser that does not answer must not keep the app
    const late = setTimeout(() => {
      for (const kill of this.killers) kill();
    }, 2000);
    void Promise.all([this.instance.greeting, ...this.endings]).finally(() => {
      clearTimeout(late);
      process.exit(code);
    });
  }

  /** For the stand-in: something that ends by itself, and how it is ended when it does not. */
  _closing(ended: Promise<unknown>, kill: () => unknown): void {
    this.endings.add(ended);
    this.killers.add(kill);
    void ended.then(() => {
      this.endings.delete(ended);
      this.killers.delete(kill);
    });
  }
  _allClosed(): void {
    if (this.quitting || this.exiting) return;
    if (this.listenerCount("window-all-closed") > 0) this.emit("window-all-closed");
    else this.quit();
  }
  /** The entry has run to its end. */
  _loaded(): void {
    setImmediate(() => {
      if (this.exiting || this.ready) return;
      this.ready = true;
      closeSchemes();
      this.emit("will-finish-launching");
      this.emit("ready", {}, {});
      this.readiness.resolve(undefined);
    });
  }
}

export const app = new AppImpl();

// Electron's message loop goes on though nothing is open
const alive = setInterval(() => undefined, 2 ** 30);
process.once("exit", () => {
  clearInterval(alive);
  app.releaseSingleInstanceLock();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  const quit = (): void => {
    // an app that listens itself decides itself
    if (process.listenerCount(signal) === 1) app.quit();
  };
  process.on(signal, quit);
}
Object.defineProperty(globalThis, Symbol.for("electron-stand-in.loaded"), {
  value: () => {
    app._loaded();
  },
});
