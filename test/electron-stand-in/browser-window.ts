/** BrowserWindow: a Chromium of its own for each window, since an app's window cannot be asked for over the protocol. */
import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { app } from "./app.ts";
import { startChromium, type Chromium } from "./cdp/chromium.ts";
import { PreventableEvent } from "./prevent.ts";
import { strict } from "./strict.ts";
import { WebContentsImpl } from "./web-contents.ts";
import { checkedPreferences } from "./window-options.ts";
import { findSurface, type Surface } from "./x11/surface.ts";

type Options = Electron.BrowserWindowConstructorOptions;
type Rectangle = Electron.Rectangle;

const windows = new Set<BrowserWindowImpl>();
app._windows = () => [...windows];
let nextId = 1;
/** Of the window that was opened last; Playwright is connected to that one. */
let latest: Chromium | null = null;
export const latestChromium = (): Chromium | null => latest;

export class BrowserWindowImpl extends EventEmitter {
  readonly id = nextId++;
  readonly webContents: WebContentsImpl;
  private bounds: Rectangle;
  private title: string;
  private readonly backgroundColor: string;
  private chromium: Chromium | null = null;
  private target = "";
  private windowId = 0;
  private visible: boolean;
  private focused = false;
  private minimized = false;
  private destroyed = false;
  private surface: Surface | null = null;
  private minimum: readonly [number, number];
  /** Shows, hides and what else goes to the browser, one after the other. */
  private queue: Promise<unknown> = Promise.resolve();
  private ready = false;

  constructor(options: Options = {}) {
    super();
    if (!app.isReady()) throw new Error("Cannot create BrowserWindow before app is ready");
    const preferences = checkedPreferences(options);
    this.minimum = [options.minWidth ?? 0, options.minHeight ?? 0];
    this.bounds = {
      x: options.x ?? 0,
      y: options.y ?? 0,
      width: options.width ?? 800,
      height: options.height ?? 600,
    };
    this.title = options.title ?? app.getName();
    this.backgroundColor = options.backgroundColor ?? "#ffffff";
    this.visible = options.show ?? true;
    this.webContents = new WebContentsImpl(preferences);
    this.webContents._focused = (focused) => {
      this.setFocused(focused);
    };
    this.webContents.once("did-finish-load", () => {
      this.ready = true;
      this.emit("ready-to-show");
    });
    const guarded = strict(this, "BrowserWindow");
    windows.add(guarded);
    app.emit("browser-window-created", {}, guarded);
    app.emit("web-contents-created", {}, this.webContents);
    this.enqueue(() => guarded.start());
    return guarded;
  }

  static getAllWindows(): BrowserWindowImpl[] {
    return [...windows];
  }
  static getFocusedWindow(): BrowserWindowImpl | null {
    return [...windows].find((window) => window.focused) ?? null;
  }
  static fromWebContents(contents: WebContentsImpl): BrowserWindowImpl | null {
    return [...windows].find((window) => window.webContents === contents) ?? null;
  }
  static fromId(id: number): BrowserWindowImpl | null {
    return [...windows].find((window) => window.id === id) ?? null;
  }

  private enqueue(work: () => unknown): void {
    this.queue = this.queue.then(work).catch((error: unknown) => {
      if (!this.destroyed) console.error(`electron-stand-in: the window: ${String(error)}`);
    });
  }

  private async start(): Promise<void> {
    if (this.destroyed) return;
    const profile = join(app.getPath("userData"), `stand-in-profile${this.id === 1 ? "" : `-${this.id}`}`);
    mkdirSync(profile, { recursive: true });
    const chromium = startChromium({
      profile,
      bounds: this.bounds,
      backgroundColor: this.backgroundColor,
      title: this.title,
      switches: app.commandLine._list(),
    });
    this.chromium = chromium;
    latest = chromium;
    const { browser } = chromium.connection;
    const found = Promise.withResolvers<{ sessionId: string; targetId: string }>();
    browser.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      const { type, targetId } = targetInfo as { type: string; targetId: string };
      const child = chromium.connection.session(sessionId as string);
      if (type !== "page") child.post("Runtime.runIfWaitingForDebugger");
      else if (this.target === "") {
        this.target = targetId;
        found.resolve({ sessionId: sessionId as string, targetId });
      } else {
        // a window that a page opened: setWindowOpenHandler was asked, and nothing of it is shown
        // it may share the main thread with its opener, which stands still as long as it waits
        void child
          .send("Runtime.runIfWaitingForDebugger")
          .catch(() => undefined)
          .then(() => {
            browser.post("Target.closeTarget", { targetId });
          });
      }
    });
    browser.on("Target.detachedFromTarget", ({ targetId }) => {
      if (targetId === this.target) this.lost(chromium);
    });
    void chromium.exited.then(({ code, signal }) => {
      if (signal !== null && this.chromium === chromium) {
        this.webContents.emit("render-process-gone", {}, { reason: "killed", exitCode: code ?? 0 });
      }
      this.lost(chromium);
      found.resolve({ sessionId: "", targetId: "" });
    });
    await browser.send("Target.setAutoAttach", {
      autoAttach: true,
      waitForDebuggerOnStart: true,
      flatten: true,
    });
    const { sessionId, targetId } = await found.promise;
    if (sessionId === "") throw new Error("Chromium ended before it showed a window (is there a display?)");
    const { windowId } = await browser.send("Browser.getWindowForTarget", { targetId });
    this.windowId = windowId as number;
    this.surface = await findSurface(chromium.process.pid ?? 0);
    if (!this.visible) this.surface?.hide();
    await this.webContents._attach(chromium, chromium.connection.session(sessionId));
  }

  /** The browser closed the window, or is gone. */
  private lost(chromium: Chromium): void {
    if (this.chromium !== chromium) return;
    this.chromium = null;
    this.target = "";
    this.surface = null;
    this.webContents._detach();
    chromium.process.kill();
    if (this.destroyed) return;
    const event = new PreventableEvent();
    this.emit("close", event);
    // Electron's window would still be there and only be hidden: the next show() opens it again, at its address
    if (event.defaultPrevented) this.setVisible(false);
    else this.destroy();
  }

  private setVisible(visible: boolean): void {
    if (this.visible === visible) return;
    this.visible = visible;
    this.emit(visible ? "show" : "hide");
    if (!visible) this.setFocused(false);
  }
  private setFocused(focused: boolean): void {
    if (this.focused === focused || (focused && !this.visible)) return;
    this.focused = focused;
    this.emit(focused ? "focus" : "blur");
    app.emit(focused ? "browser-window-focus" : "browser-window-blur", {}, this);
  }

  async loadURL(url: string): Promise<void> {
    await this.webContents.loadURL(url);
  }
  show(): void {
    this.reveal();
    this.focus();
  }
  showInactive(): void {
    this.reveal();
  }
  private reveal(): void {
    const address = this.webContents.getURL();
    this.enqueue(async () => {
      if (this.destroyed) return;
      if (this.chromium === null) {
        await this.start();
        if (address !== "") await this.webContents.loadURL(address);
      }
      if (this.surface === null) this.setWindowBounds({ windowState: "normal" });
      else this.surface.show();
    });
    this.setVisible(true);
  }
  hide(): void {
    this.enqueue(() => {
      if (this.surface === null) this.setWindowBounds({ windowState: "minimized" });
      else this.surface.hide();
    });
    this.setVisible(false);
  }
  focus(): void {
    this.enqueue(() => {
      this.webContents._page?.post("Page.bringToFront");
      this.surface?.focus();
    });
    this.setFocused(true);
  }
  blur(): void {
    this.setFocused(false);
  }
  minimize(): void {
    this.minimized = true;
    this.setWindowBounds({ windowState: "minimized" });
    this.emit("minimize");
    this.setFocused(false);
  }
  restore(): void {
    if (!this.minimized) return;
    this.minimized = false;
    this.setWindowBounds({ windowState: "normal" });
    this.emit("restore");
  }
  isVisible(): boolean {
    return this.visible;
  }
  isFocused(): boolean {
    return this.focused;
  }
  isMinimized(): boolean {
    return this.minimized;
  }
  isMaximized(): boolean {
    return false;
  }
  isFullScreen(): boolean {
    return false;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  getBounds(): Rectangle {
    return { ...this.bounds };
  }
  setBounds(bounds: Partial<Rectangle>): void {
    const merged = { ...this.bounds, ...bounds };
    const [width, height] = [
      Math.max(merged.width, this.minimum[0]),
      Math.max(merged.height, this.minimum[1]),
    ];
    this.bounds = { ...merged, width, height };
    this.setWindowBounds({ left: merged.x, top: merged.y, width, height });
    this.emit("resize");
  }
  getSize(): number[] {
    return [this.bounds.width, this.bounds.height];
  }
  setSize(width: number, height: number): void {
    this.setBounds({ width, height });
  }
  setMinimumSize(width: number, height: number): void {
    this.minimum = [width, height];
  }
  getMinimumSize(): number[] {
    return [...this.minimum];
  }
  getTitle(): string {
    return this.title;
  }
  setTitle(title: string): void {
    this.title = title;
  }
  setMenu(): void {
    // Linux: a menu bar in the window, which the app's windows hide
  }
  setMenuBarVisibility(): void {
    // as above
  }
  setBackgroundColor(): void {
    // seen only before the page is there
  }
  private setWindowBounds(bounds: object): void {
    this.enqueue(() =>
      this.chromium?.connection.browser.send("Browser.setWindowBounds", { windowId: this.windowId, bounds }),
    );
  }
  close(): void {
    if (this.destroyed) return;
    const event = new PreventableEvent();
    this.emit("close", event);
    if (!event.defaultPrevented) this.destroy();
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    windows.delete(this);
    const { chromium } = this;
    this.chromium = null;
    if (chromium !== null) {
      chromium.connection.browser.post("Browser.close");
      app._closing(chromium.exited, () => chromium.process.kill("SIGKILL"));
    }
    this.webContents._destroy();
    this.emit("closed");
    if (windows.size === 0) app._allClosed();
  }
  /** For tests: whether the page has been shown once. */
  get _ready(): boolean {
    return this.ready;
  }
}
