/**
 * The app's own pages under app://refold/. Not file://, where a page may read
 * every file of the person's.
 * https://www.electronjs.org/docs/latest/tutorial/security#18-avoid-usage-of-the-file-protocol-and-prefer-usage-of-custom-protocols
 */
import { readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { CONTENT_SECURITY_POLICY } from "./content-security-policy.ts";

export const APP_SCHEME = "app";
export const APP_ORIGIN = `${APP_SCHEME}://refold`;

/** Types by a file's ending; what is not among them is not served. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
};

const HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-cache",
} as const;

const refuse = (status: number): Response =>
  new Response(null, { status, headers: { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" } });

/**
 * The file that a URL of the app means.
 *
 * @param root absolute directory of the pages
 * @returns an absolute path below root; null where the URL means none
 */
export function appFile(root: string, url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== `${APP_SCHEME}:` || parsed.host !== "refold") return null;
  let path: string;
  try {
    path = decodeURIComponent(parsed.pathname);
  } catch {
    return null;
  }
  if (/[\\\0]/.test(path)) return null;
  // the URL parser has resolved "..", but not an encoded one, and not below an encoded slash
  if (path.split("/").includes("..")) return null;
  const file = join(root, path === "/" || path === "" ? "index.html" : path);
  return file.startsWith(root + sep) ? file : null;
}

/** Answers a request for app://. Only GET and HEAD, only files below root, only known types. */
export async function serveAppFile(
  root: string,
  request: { url: string; method: string },
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  const file = appFile(root, request.url);
  const type = file === null ? undefined : TYPES[extname(file)];
  if (file === null || type === undefined) return refuse(404);
  try {
    const body = new Uint8Array(await readFile(file));
    return new Response(request.method === "HEAD" ? null : body, {
      headers: { ...HEADERS, "Content-Type": type },
    });
  } catch {
    return refuse(404);
  }
}
