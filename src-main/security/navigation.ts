import type { WebContents } from "electron";

/** Where a link of the app may lead, in the person's own browser. */
const EXTERNAL_ORIGINS: readonly string[] = ["https://btrfs.readthedocs.io", "https://github.com"];

/** Whether a link may be opened in the browser: https, and one of the sites the app names. */
export function isAllowedExternal(url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    parsed.protocol === "https:" &&
    parsed.username === "" &&
    parsed.password === "" &&
    EXTERNAL_ORIGINS.includes(parsed.origin)
  );
}

/**
 * The window stays on the app's page: its views are in the fragment, which is no navigation.
 * https://www.electronjs.org/docs/latest/tutorial/security#13-disable-or-limit-navigation
 */
export function forbidNavigation(contents: WebContents, refused: (what: string) => void): void {
  contents.on("will-navigate", (event) => {
    event.preventDefault();
    refused("a page wanted to navigate");
  });
}

/**
 * No window but the app's own. A link to one of the known sites opens in the browser.
 * https://www.electronjs.org/docs/latest/tutorial/security#14-disable-or-limit-creation-of-new-windows
 * https://www.electronjs.org/docs/latest/tutorial/security#15-do-not-use-shellopenexternal-with-untrusted-content
 */
export function forbidNewWindows(
  contents: WebContents,
  openExternal: (url: string) => void,
  refused: (what: string) => void,
): void {
  contents.setWindowOpenHandler(({ url }) => {
    if (isAllowedExternal(url)) openExternal(url);
    else refused("a page wanted a new window");
    return { action: "deny" };
  });
}
