/** WebContents: one page of the app, over as many browser processes as its window has had. */
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import type { Chromium } from "./cdp/chromium.ts";
import type { CdpSession, Params } from "./cdp/connection.ts";
import { Frames, type FrameImpl } from "./frames.ts";
import { ipcMain } from "./ipc-main.ts";
import { decode } from "./page/wire.ts";
import type { FromPage } from "./page/preload-world.ts";
import { BINDING, makeScripts, WORLD, type Scripts } from "./page/scripts.ts";
import { mediaFeatures, onColorScheme } from "./native-theme.ts";
import { PreventableEvent } from "./prevent.ts";
import { interceptRequests } from "./requests.ts";
import { defaultSession, type SessionImpl } from "./session.ts";
import { NotImplementedError, strict } from "./strict.ts";
import { originOf, toApp, toBrowser } from "./urls.ts";

export interface PagePreferences {
  readonly preload?: string;
  readonly nodeIntegrationInSubFrames?: boolean;
  readonly zoomFactor?: number;
  readonly additionalArguments?: readonly string[];
}
type OpenHandler = (details: { url: string; frameName: string; disposition: string }) => {
  action: "allow" | "deny";
};

let nextId = 1;

export class WebContentsImpl extends EventEmitter {
  readonly id = nextId++;
  readonly session: SessionImpl = defaultSession;
  readonly _frames = new Frames();
  _focused: (focused: boolean) => void = () => undefined;
  private readonly preferences: PagePreferences;
  private readonly scripts: Scripts;
  private page: CdpSession | null = null;
  private browser: CdpSession | null = null;
  private zoom: number;
  private open: OpenHandler | null = null;
  private destroyed = false;
  private loading = 0;
  /** What the app itself asked to load: needs no leave. */
  private expected: string | null = null;
  private permitted: string | null = null;
  private readonly attached = Promise.withResolvers<undefined>();

  constructor(preferences: PagePreferences) {
    super();
    this.preferences = preferences;
    this.zoom = preferences.zoomFactor ?? 1;
    const { preload } = preferences;
    this.scripts = makeScripts(
      {
        path: preload ?? "",
        inSubFrames: preferences.nodeIntegrationInSubFrames ?? false,
        versions: { ...process.versions },
        platform: process.platform,
        arch: process.arch,
        argv: [process.execPath, ...(preferences.additionalArguments ?? [])],
      },
      preload === undefined ? null : readFileSync(preload, "utf8"),
    );
    this._frames.onNavigated = (inPage) => {
      this.emit(
        inPage ? "did-navigate-in-page" : "did-navigate",
        {},
        this.getURL(),
        ...(inPage ? [true] : []),
      );
    };
    onColorScheme(() => {
      this.page?.post("Emulation.setEmulatedMedia", { features: mediaFeatures() });
    });
    return strict(this, "webContents");
  }

  get mainFrame(): FrameImpl {
    const { main } = this._frames;
    if (main === null) throw new Error("the page is not there");
    return main;
  }
  getURL(): string {
    const url = this._frames.main?.url ?? "";
    return url.startsWith("data:") ? "" : url;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  isLoading(): boolean {
    return this.loading > 0;
  }
  send(channel: string, ...args: unknown[]): void {
    this._frames.main?._tell({ kind: "event", channel, args });
  }
  setWindowOpenHandler(handler: OpenHandler): void {
    this.open = handler;
  }
  openDevTools(): void {
    // the browser's own are not for a window of an app
  }
  closeDevTools(): void {
    // as above
  }
  setZoomFactor(factor: number): void {
    if (!(factor > 0)) throw new Error("'zoomFactor' must be a double greater than 0.0");
    this.zoom = factor;
    this.applyZoom();
  }
  getZoomFactor(): number {
    return this.zoom;
  }
  reload(): void {
    this.expected = this.getURL();
    this.page?.post("Page.reload");
  }
  async loadURL(url: string): Promise<void> {
    await this.attached.promise;
    const { page } = this;
    if (page === null) throw new Error(`ERR_FAILED (-2) loading '${url}'`);
    this.loading++;
    this.expected = url;
    await this.permit(url);
    const loaded = new Promise<void>((resolve) => {
      this.once("did-finish-load", resolve);
    });
    try {
      const { errorText } = await page.send("Page.navigate", { url: toBrowser(url) });
      if (typeof errorText === "string" && errorText !== "") {
        this.emit("did-fail-load", {}, -2, errorText, url, true);
        throw new Error(`${errorText.replace("net::", "")} (-2) loading '${url}'`);
      }
      await Promise.race([loaded, this.gone.promise]);
    } finally {
      this.loading--;
    }
  }
  private gone = Promise.withResolvers<undefined>();

  private applyZoom(): void {
    const scale = this.zoom;
    // CSS zoom of the root is what is nearest to Electron's page zoom that the protocol offers
    this.page?.post("Runtime.evaluate", {
      expression: `document.documentElement.style.zoom = ${scale === 1 ? '""' : String(scale)}`,
    });
  }

  /** For the stand-in: the page is in this browser from now on. */
  async _attach(chromium: Chromium, page: CdpSession): Promise<void> {
    this.page = page;
    this.browser = chromium.connection.browser;
    this.permitted = null;
    this.gone = Promise.withResolvers<undefined>();
    page.on("Page.loadEventFired", () => {
      if (this.getURL() === "") return;
      if (this.zoom !== 1) this.applyZoom();
      this.emit("dom-ready", {});
      this.emit("did-finish-load", {});
    });
    page.on("Inspector.targetCrashed", () => {
      this.emit("render-process-gone", {}, { reason: "crashed", exitCode: 139 });
    });
    page.on("Page.windowOpen", ({ url, windowName }) => {
      this.openWindow(toApp(url as string), windowName as string);
    });
    page.on("Page.frameRequestedNavigation", ({ frameId, url, disposition }) => {
      const shown = toApp(url as string);
      if (disposition !== "currentTab" || /^https?:/.test(url as string)) return;
      // requests are not made for these, so that they are stopped here if at all
      if (this._frames.get(frameId as string) === this._frames.main && !this.mayNavigate(shown)) {
        page.post("Page.stopLoading");
      }
    });
    await this.follow(page, chromium);
    await page.send("Emulation.setEmulatedMedia", { features: mediaFeatures() });
    await page.send("Runtime.runIfWaitingForDebugger");
    this.attached.resolve(undefined);
  }

  /** The page itself, or a frame of it that has a process of its own. */
  private async follow(session: CdpSession, chromium: Chromium): Promise<void> {
    session.on("Runtime.bindingCalled", (params) => {
      this.receive(session, params);
    });
    session.on("Runtime.consoleAPICalled", (params) => {
      this.console(params);
    });
    session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      const child = chromium.connection.session(sessionId as string);
      const { type } = targetInfo as { type: string };
      const followed = type === "iframe" ? this.follow(child, chromium) : Promise.resolve();
      followed
        .catch(() => undefined)
        .finally(() => {
          child.post("Runtime.runIfWaitingForDebugger");
        });
    });
    const ready = [
      session.send("Runtime.addBinding", { name: BINDING, executionContextName: WORLD }),
      session.send("Page.addScriptToEvaluateOnNewDocument", { source: this.scripts.page }),
      session.send("Page.addScriptToEvaluateOnNewDocument", {
        source: this.scripts.preload,
        worldName: WORLD,
      }),
      session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
      this._frames.follow(session),
      interceptRequests(session, {
        mayNavigate: (url) => this.mayNavigate(url),
        isMainFrame: (id) => this._frames.main?._id === id,
        failed: (url, error) => {
          if (!this.destroyed) console.error(`electron-stand-in: ${url}: ${String(error)}`);
        },
      }),
    ];
    await Promise.all(ready);
  }

  private receive(session: CdpSession, { name, payload, executionContextId }: Params): void {
    const frame = this._frames.ofContext(session, executionContextId as number);
    if (name !== BINDING || frame === undefined) return;
    let message: FromPage;
    try {
      message = decode(payload as string) as FromPage;
    } catch (error) {
      console.error(`electron-stand-in: a page's message is of no known form: ${String(error)}`);
      return;
    }
    if (message.kind === "focus") this._focused(message.focused);
    else void ipcMain._receive(message, this, frame);
  }

  private console({ type, args, stackTrace }: Params): void {
    const text = (args as { value?: string | number | boolean | null; description?: string }[])
      .map(({ value, description }) => (value === undefined ? (description ?? "undefined") : String(value)))
      .join(" ");
    const frame = (stackTrace as { callFrames?: { url: string; lineNumber: number }[] } | undefined)
      ?.callFrames?.[0];
    const level = type === "error" || type === "warning" ? type : type === "debug" ? "debug" : "info";
    this.emit("console-message", {
      level,
      message: text,
      lineNumber: (frame?.lineNumber ?? 0) + 1,
      sourceId: toApp(frame?.url ?? ""),
      frame: this._frames.main,
    });
  }

  private mayNavigate(url: string): boolean {
    if (this.expected !== null && sameDocument(this.expected, url)) {
      this.expected = null;
      return true;
    }
    // a reload, which a page may do
    if (sameDocument(this.getURL(), url)) return true;
    const event = new PreventableEvent({
      url,
      isMainFrame: true,
      isSameDocument: false,
      frame: this._frames.main,
    });
    this.emit("will-navigate", event, url);
    return !event.defaultPrevented;
  }

  private openWindow(url: string, frameName: string): void {
    const answer = this.open?.({ url, frameName, disposition: "new-window" }) ?? { action: "allow" };
    // the window that the browser made is closed by _popup in any case
    if (answer.action === "allow")
      throw new NotImplementedError("webContents.setWindowOpenHandler that allows");
  }

  /** Before the app's page is first loaded, what it may do is settled. */
  private async permit(url: string): Promise<void> {
    const origin = originOf(url);
    if (origin === "null" || this.permitted === origin) return;
    this.permitted = origin;
    const browserOrigin = new URL(toBrowser(url)).origin;
    for (const [name, granted] of await defaultSession._permissions(this, url, origin)) {
      this.browser?.post("Browser.setPermission", {
        permission: { name },
        setting: granted ? "granted" : "denied",
        origin: browserOrigin,
      });
    }
  }

  /** For the stand-in: the browser is gone. */
  _detach(): void {
    this.page = null;
    this.gone.resolve(undefined);
    this._frames.clear();
  }
  /** For the stand-in: so is the window. */
  _destroy(): void {
    this._detach();
    this.destroyed = true;
    this.attached.resolve(undefined);
    this.emit("destroyed");
  }
  /** For the stand-in: whatever a test wants of the page. */
  get _page(): CdpSession | null {
    return this.page;
  }
}

function sameDocument(one: string, other: string): boolean {
  const bare = (url: string): string => url.replace(/#.*$/s, "");
  return bare(one) === bare(other);
}
