/**
 * Who may call: the main frame of the app's own window, showing the app's own page.
 * https://www.electronjs.org/docs/latest/tutorial/security#17-validate-the-sender-of-all-ipc-messages
 */

/** What is looked at of an IpcMainInvokeEvent. */
export interface Caller {
  readonly sender: unknown;
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

/**
 * @param contents the web contents of the app's window; null while there is none
 * @param origin "app://refold"
 * @returns what is wrong with the sender; null if nothing is
 */
export function senderFault(caller: Caller, contents: unknown, origin: string): string | null {
  if (contents === null || caller.sender !== contents) return "it is not of the app's window";
  // null: the frame is gone, or went to another page since
  const frame = caller.senderFrame;
  if (frame === null) return "its frame is gone";
  if (frame.parent !== null) return "it is not of the main frame";
  // not `origin`: of a scheme Chromium does not know well it is "null"
  return frame.url === `${origin}/` || frame.url.startsWith(`${origin}/`)
    ? null
    : "its page is not the app's";
}
