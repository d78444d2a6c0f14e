import type { Protocol } from "electron";
import { APP_SCHEME, serveAppFile } from "./app-files.ts";

/**
 * Makes app:// a scheme like https: an origin of its own, a secure context.
 * Before the app is ready.
 * https://www.electronjs.org/docs/latest/api/protocol#protocolregisterschemesasprivilegedcustomschemes
 */
export function registerAppScheme(protocol: Pick<Protocol, "registerSchemesAsPrivileged">): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the pages below `root`. After the app is ready. */
export function handleAppScheme(protocol: Pick<Protocol, "handle">, root: string): void {
  protocol.handle(APP_SCHEME, (request) => serveAppFile(root, request));
}
