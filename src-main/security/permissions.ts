import type { Session } from "electron";

/** What the page may do: "copy path" writes to the clipboard. */
const ALLOWED: readonly string[] = ["clipboard-sanitized-write"];

/**
 * No camera, no location, no notifications of the page's own: everything that is
 * not on the list is denied without a question.
 * https://www.electronjs.org/docs/latest/tutorial/security#5-handle-session-permission-requests-from-remote-content
 */
export function denyPermissions(
  session: Pick<Session, "setPermissionRequestHandler" | "setPermissionCheckHandler">,
  refused: (what: string) => void,
): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => {
    const allowed = ALLOWED.includes(permission);
    if (!allowed) refused(`a page asked for the permission "${permission}"`);
    answer(allowed);
  });
  session.setPermissionCheckHandler((_contents, permission) => ALLOWED.includes(permission));
}
