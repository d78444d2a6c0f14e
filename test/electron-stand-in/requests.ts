/** Requests of a page: the app's scheme is answered by its handler, navigation is asked for, the rest passes. */
import type { CdpSession, Params } from "./cdp/connection.ts";
import { defaultSession, protocol } from "./session.ts";
import { policyToBrowser, toApp, toBrowser } from "./urls.ts";

interface Paused {
  readonly requestId: string;
  readonly frameId: string;
  readonly resourceType: string;
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly postDataEntries?: readonly { readonly bytes?: string }[];
  };
}

export interface RequestAsker {
  /** Whether the main frame may go there. */
  mayNavigate(url: string): boolean;
  isMainFrame(frameId: string): boolean;
  /** A failure of the app's own handler, or of what Chromium took of it. */
  failed(url: string, error: unknown): void;
}

/** Electron's names of what the browser requests. */
const TYPES: Readonly<Record<string, string>> = {
  Document: "mainFrame",
  Stylesheet: "stylesheet",
  Script: "script",
  Image: "image",
  Font: "font",
  XHR: "xhr",
  Fetch: "xhr",
  Ping: "ping",
  Media: "media",
  WebSocket: "webSocket",
};

function headerList(
  headers: Readonly<Record<string, string | readonly string[]>>,
): { name: string; value: string }[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => ({
      name,
      value: /^content-security-policy(-report-only)?$/i.test(name)
        ? policyToBrowser(value)
        : name.toLowerCase() === "location"
          ? toBrowser(value)
          : value,
    })),
  );
}

function resourceType(paused: Paused, asker: RequestAsker): string {
  if (paused.resourceType === "Document") return asker.isMainFrame(paused.frameId) ? "mainFrame" : "subFrame";
  return TYPES[paused.resourceType] ?? "other";
}

/** Asks webRequest.onBeforeRequest. @returns whether the request may go on, or where to instead */
async function before(url: string, method: string, type: string): Promise<boolean | string> {
  const listener = defaultSession.webRequest._before;
  if (listener === null) return true;
  const { promise, resolve } = Promise.withResolvers<{ cancel?: boolean; redirectURL?: string }>();
  listener({ url, method, resourceType: type }, resolve);
  const { cancel, redirectURL } = await promise;
  return cancel === true ? false : (redirectURL ?? true);
}

async function afterHeaders(
  details: { url: string; method: string; resourceType: string; statusCode: number },
  headers: Record<string, string[]>,
): Promise<Record<string, string | readonly string[]> | null> {
  const listener = defaultSession.webRequest._headers;
  if (listener === null) return headers;
  const { promise, resolve } = Promise.withResolvers<{
    cancel?: boolean;
    responseHeaders?: Record<string, string | string[]>;
  }>();
  listener({ ...details, responseHeaders: headers }, resolve);
  const { cancel, responseHeaders } = await promise;
  return cancel === true ? null : (responseHeaders ?? headers);
}

/** Answers a request for the app's own scheme from its handler. */
async function serve(session: CdpSession, paused: Paused, url: string, type: string): Promise<void> {
  const { requestId, request } = paused;
  const scheme = new URL(url).protocol.slice(0, -1);
  const handler = protocol._handler(scheme);
  if (handler === null) {
    await session.send("Fetch.failRequest", { requestId, errorReason: "AddressUnreachable" });
    return;
  }
  const body = request.postDataEntries?.map(({ bytes }) => Buffer.from(bytes ?? "", "base64"));
  const response = await handler(
    new Request(url, {
      method: request.method,
      headers: request.headers,
      ...(body === undefined || body.length === 0 ? {} : { body: Buffer.concat(body) }),
    }),
  );
  const received: Record<string, string[]> = {};
  response.headers.forEach((value, name) => (received[name] ??= []).push(value));
  const headers = await afterHeaders(
    { url, method: request.method, resourceType: type, statusCode: response.status },
    received,
  );
  if (headers === null) {
    await session.send("Fetch.failRequest", { requestId, errorReason: "BlockedByClient" });
    return;
  }
  const bytes = Buffer.from(await response.arrayBuffer());
  await session.send("Fetch.fulfillRequest", {
    requestId,
    responseCode: response.status,
    responseHeaders: headerList(headers),
    body: bytes.toString("base64"),
  });
}

/** Takes every request of a target. */
export async function interceptRequests(session: CdpSession, asker: RequestAsker): Promise<void> {
  async function handle(paused: Paused): Promise<void> {
    const { requestId, request } = paused;
    const url = toApp(request.url);
    const type = resourceType(paused, asker);
    const fail = (errorReason: string): Promise<Params> =>
      session.send("Fetch.failRequest", { requestId, errorReason });
    if (type === "mainFrame" && !asker.mayNavigate(url)) {
      // Aborted: the page that is shown stays
      await fail("Aborted");
      return;
    }
    const verdict = await before(url, request.method, type);
    if (verdict === false) await fail("BlockedByClient");
    else if (typeof verdict === "string") {
      await session.send("Fetch.fulfillRequest", {
        requestId,
        responseCode: 307,
        responseHeaders: headerList({ location: verdict }),
      });
    } else if (url !== request.url) await serve(session, paused, url, type);
    else await session.send("Fetch.continueRequest", { requestId });
  }
  session.on("Fetch.requestPaused", (params) => {
    const paused = params as unknown as Paused;
    handle(paused).catch((error: unknown) => {
      asker.failed(paused.request.url, error);
      session.post("Fetch.failRequest", { requestId: paused.requestId, errorReason: "Failed" });
    });
  });
  await session.send("Fetch.enable", { patterns: [{ urlPattern: "*" }] });
}
