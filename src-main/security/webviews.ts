import type { WebContents } from "electron";

/**
 * No page inside the page.
 * https://www.electronjs.org/docs/latest/tutorial/security#12-verify-webview-options-before-creation
 */
export function forbidWebviews(contents: WebContents, refused: (what: string) => void): void {
  contents.on("will-attach-webview", (event) => {
    event.preventDefault();
    refused("a page wanted a webview");
  });
}
