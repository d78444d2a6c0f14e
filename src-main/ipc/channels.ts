/**
 * Names only, for the preload: it must stay small, and the schemas would bring
 * all of zod with them. A test holds this list to INVOKE.
 */
import type { InvokeName, NotifyName } from "./schema.ts";

export const INVOKE_NAMES = [
  "app.state",
  "helper.start",
  "app.quit",
  "window.close",
  "scan.start",
  "task.pause",
  "task.cancel",
  "task.dismiss",
  "review.open",
  "review.names",
  "review.ranges",
  "review.pinned",
  "review.pinned-ranges",
  "review.rows",
  "review.files",
  "review.tick",
  "review.folders",
  "review.facets",
  "review.compare",
  "review.skip",
  "review.show",
  "review.fold",
  "stuck.list",
  "stuck.repair",
  "history.list",
  "history.files",
  "history.export",
  "rules.list",
  "rules.set",
  "rules.remove",
  "rules.choose",
  "settings.set",
  "logs.show",
  "demo.create",
  "demo.remove",
] as const satisfies readonly InvokeName[];

export const NOTIFY_NAMES = ["state", "task", "navigate"] as const satisfies readonly NotifyName[];

/** The one channel of calls: a name and its arguments go over it. */
export const INVOKE_CHANNEL = "refold:invoke";
/** What the main process tells comes over one channel a name. */
export const notifyChannel = (name: NotifyName): string => `refold:${name}`;
