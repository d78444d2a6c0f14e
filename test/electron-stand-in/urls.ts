/**
 * Chromium knows no scheme of the app's own, so app://refold/x is shown as
 * https://refold.app.stand-in.invalid/x. The name is reserved (RFC 2606), and
 * every request for it is answered before it gets to the network. The main
 * process only ever sees app://.
 */
const SUFFIX = ".stand-in.invalid";

const schemes = new Set<string>();

/** A scheme with an origin and a secure context. */
export function registerScheme(scheme: string): void {
  schemes.add(scheme);
}

/** As Chromium is to know it. */
export function toBrowser(url: string): string {
  const parsed = URL.parse(url);
  const scheme = parsed?.protocol.slice(0, -1) ?? "";
  if (parsed === null || !schemes.has(scheme)) return url;
  // by the text: of a scheme it does not know, URL does not resolve "..", which Chromium then does
  return `https://${parsed.host}.${scheme}${SUFFIX}${url.slice(`${scheme}://${parsed.host}`.length) || "/"}`;
}

/** As the app knows it. */
export function toApp(url: string): string {
  const match = /^(https|blob:https):\/\/([^/?#]+)\.([a-z][a-z0-9+-]*)\.stand-in\.invalid(?=[/?#]|$)/.exec(
    url,
  );
  if (match === null) return url;
  const [whole, start, host, scheme] = match as unknown as [string, string, string, string];
  return `${start === "https" ? "" : "blob:"}${scheme}://${host}${url.slice(whole.length)}`;
}

/** The origin of a URL in the app's words: "app://refold", or "null". */
export function originOf(url: string): string {
  const shown = toApp(url);
  const parsed = URL.parse(shown);
  if (parsed === null) return "null";
  return schemes.has(parsed.protocol.slice(0, -1)) ? `${parsed.protocol}//${parsed.host}` : parsed.origin;
}

/** A policy that names the app's scheme, in Chromium's words. */
export function policyToBrowser(policy: string): string {
  let text = policy;
  for (const scheme of schemes) {
    text = text
      .replaceAll(new RegExp(`(?<=^|[\\s;])${scheme}://([^\\s;/]+)`, "g"), `https://$1.${scheme}${SUFFIX}`)
      .replaceAll(new RegExp(`(?<=^|[\\s;])${scheme}:(?=$|[\\s;])`, "g"), `https://*.${scheme}${SUFFIX}`);
  }
  return text;
}
