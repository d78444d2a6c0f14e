/** protocol, and the session that permissions and requests are asked of. */
import { registerScheme } from "./urls.ts";
import { NotImplementedError, strict } from "./strict.ts";
import type { WebContentsImpl } from "./web-contents.ts";

export type SchemeHandler = (request: Request) => Response | Promise<Response>;

export class ProtocolImpl implements Pick<
  Electron.Protocol,
  "registerSchemesAsPrivileged" | "handle" | "unhandle" | "isProtocolHandled"
> {
  private readonly handlers = new Map<string, SchemeHandler>();

  registerSchemesAsPrivileged(schemes: Electron.CustomScheme[]): void {
    if (ready) throw new Error("protocol.registerSchemesAsPrivileged should be called before app is ready");
    for (const { scheme, privileges } of schemes) {
      if (privileges?.standard !== true || privileges.secure !== true) {
        throw new NotImplementedError(`protocol: a scheme that is not standard and secure (${scheme})`);
      }
      registerScheme(scheme);
    }
  }
  handle(
    scheme: string,
    handler: (request: GlobalRequest) => GlobalResponse | Promise<GlobalResponse>,
  ): void {
    if (this.handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`);
    this.handlers.set(scheme, handler);
  }
  unhandle(scheme: string): void {
    if (!this.handlers.delete(scheme)) throw new Error(`Failed to unhandle protocol: ${scheme}`);
  }
  isProtocolHandled(scheme: string): boolean {
    return this.handlers.has(scheme);
  }
  /** For the stand-in itself. */
  _handler(scheme: string): SchemeHandler | null {
    return this.handlers.get(scheme) ?? null;
  }
}

let ready = false;
/** Called when the app is ready. */
export function closeSchemes(): void {
  ready = true;
}

type BeforeRequest = (
  details: { url: string; method: string; resourceType: string },
  answer: (response: { cancel?: boolean; redirectURL?: string }) => void,
) => void;
type HeadersReceived = (
  details: {
    url: string;
    method: string;
    resourceType: string;
    statusCode: number;
    responseHeaders: Record<string, string[]>;
  },
  answer: (response: { cancel?: boolean; responseHeaders?: Record<string, string | string[]> }) => void,
) => void;
type RequestHandler = (
  contents: WebContentsImpl,
  permission: string,
  answer: (granted: boolean) => void,
  details: { requestingUrl: string; isMainFrame: boolean },
) => void;
type CheckHandler = (
  contents: WebContentsImpl | null,
  permission: string,
  origin: string,
  details: { isMainFrame: boolean },
) => boolean;

/** One listener an event, for all URLs; a filter is refused rather than overlooked. */
class WebRequestImpl {
  _before: BeforeRequest | null = null;
  _headers: HeadersReceived | null = null;
  onBeforeRequest(listener: BeforeRequest | null): void {
    if (listener !== null && typeof listener !== "function") {
      throw new NotImplementedError("session.webRequest.onBeforeRequest with a filter");
    }
    this._before = listener;
  }
  onHeadersReceived(listener: HeadersReceived | null): void {
    if (listener !== null && typeof listener !== "function") {
      throw new NotImplementedError("session.webRequest.onHeadersReceived with a filter");
    }
    this._headers = listener;
  }
}

/** Permissions by Electron's names, and what the browser calls them. */
const PERMISSIONS: readonly (readonly [electron: string, browser: string])[] = [
  ["geolocation", "geolocation"],
  ["notifications", "notifications"],
  ["media", "camera"],
  ["media", "microphone"],
  ["midi", "midi"],
  ["clipboard-read", "clipboard-read"],
  ["clipboard-sanitized-write", "clipboard-write"],
  ["idle-detection", "idle-detection"],
];

export class SessionImpl {
  readonly webRequest = strict(new WebRequestImpl(), "session.webRequest");
  readonly protocol: ProtocolImpl;
  private request: RequestHandler | null = null;
  private check: CheckHandler | null = null;
  constructor(protocol: ProtocolImpl) {
    this.protocol = protocol;
  }
  setPermissionRequestHandler(handler: RequestHandler | null): void {
    this.request = handler;
  }
  setPermissionCheckHandler(handler: CheckHandler | null): void {
    this.check = handler;
  }
  /**
   * What the handlers say of each permission to a page, asked when it is
   * loaded: the browser lets nobody answer when the page asks. Electron grants
   * where there is no handler.
   */
  async _permissions(
    contents: WebContentsImpl,
    url: string,
    origin: string,
  ): Promise<[name: string, granted: boolean][]> {
    const answers: [string, boolean][] = [];
    for (const [electron, browser] of PERMISSIONS) {
      let granted = this.check?.(contents, electron, origin, { isMainFrame: true }) ?? true;
      if (granted && this.request !== null) {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        this.request(contents, electron, resolve, { requestingUrl: url, isMainFrame: true });
        granted = await promise;
      }
      answers.push([browser, granted]);
    }
    return answers;
  }
}

export const protocol = new ProtocolImpl();
export const defaultSession = strict(new SessionImpl(protocol), "session");
