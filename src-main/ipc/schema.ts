/**
 * What a page may ask of the main process, and what it is told: one value, from
 * which the main process's handlers, the preload's functions and the page's
 * types are derived. Arguments are checked against these schemas; results are
 * tagged (see `Answer`), never thrown.
 */
import { z } from "zod";
import { METHODS, uuidSchema, type ErrorData, type Result } from "../../src-helper/rpc/protocol.ts";
import { settingsPatchSchema } from "../settings/schema.ts";
import type { Settings } from "../settings/schema.ts";
import type { AppState, Task } from "./state.ts";

/** A value or what went wrong. */
export type Answer<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: ErrorData };

/** Declares a call: what it takes is checked, what it returns is typed. */
interface Call<Schema extends z.ZodType, Value> {
  readonly args: Schema;
  /** Only its type is meant. */
  readonly value?: Value;
}
function call<Value>(): <Schema extends z.ZodType>(args: Schema) => Call<Schema, Value> {
  return (args) => ({ args });
}

const none = z.undefined();
const volume = z.strictObject({ volume: uuidSchema });

export const INVOKE = {
  /** The whole state, then changes come as "state". */
  "app.state": call<AppState>()(none),
  /** Starts the helper with root's rights; asks for a password where it must. Also after it died. */
  "helper.start": call<null>()(none),
  "app.quit": call<null>()(none),
  /** Closes the window; the app stays in the tray where there is one. */
  "window.close": call<null>()(none),

  /** Begins a scan; its progress is in the state. */
  "scan.start": call<null>()(volume),
  "task.pause": call<null>()(z.strictObject({ task: z.string().max(40), paused: z.boolean() })),
  "task.cancel": call<null>()(z.strictObject({ task: z.string().max(40) })),
  /** Takes a finished task's result off the screen. */
  "task.dismiss": call<null>()(z.strictObject({ task: z.string().max(40) })),

  /** Minimum size, excludes, snapshots and whether parts of files are looked for come from the settings. */
  "review.open": call<Result<"review.open">>()(volume),
  "review.names": call<null>()(METHODS["review.names"].params.omit({ task: true })),
  "review.ranges": call<Result<"review.ranges">>()(METHODS["review.ranges"].params.omit({ task: true })),
  "review.pinned": call<Result<"review.pinned">>()(METHODS["review.pinned"].params.omit({ task: true })),
  "review.pinned-ranges": call<Result<"review.pinned-ranges">>()(
    METHODS["review.pinned-ranges"].params.omit({ task: true }),
  ),
  "review.rows": call<Result<"review.rows">>()(METHODS["review.rows"].params),
  "review.files": call<Result<"review.files">>()(METHODS["review.files"].params),
  "review.tick": call<Result<"review.tick">>()(METHODS["review.tick"].params),
  "review.folders": call<Result<"review.folders">>()(METHODS["review.folders"].params),
  "review.facets": call<Result<"review.facets">>()(METHODS["review.facets"].params),
  "review.compare": call<Result<"review.compare">>()(METHODS["review.compare"].params),
  /** Adds a glob to the settings' excludes, and leaves out of the review what it matches. */
  "review.skip": call<Result<"review.exclude">>()(
    z.strictObject({ review: z.string().max(40), glob: z.string().min(1).max(8192) }),
  ),
  /** Shows the file in the desktop's file manager. The path is asked of the helper. */
  "review.show": call<null>()(
    z.strictObject({ review: z.string().max(40), group: z.string().max(80), file: z.string().max(70) }),
  ),
  /** Begins to fold what is ticked; lock mode and priority come from the settings. */
  "review.fold": call<null>()(z.strictObject({ review: z.string().max(40), revision: z.int().min(0) })),

  "stuck.list": call<Result<"stuck">>()(volume),
  /** Mends ours on the volume, and the unknown ones that are named. */
  "stuck.repair": call<Result<"repair">>()(
    z.strictObject({ volume: uuidSchema, ids: METHODS.repair.params.shape.ids }),
  ),

  "history.list": call<Result<"history">>()(volume),
  "history.files": call<Result<"history.files">>()(METHODS["history.files"].params),
  /** Asks where to save. null: not saved, the person changed their mind. */
  "history.export": call<{ readonly path: string } | null>()(
    z.strictObject({ volume: uuidSchema, format: z.enum(["json", "csv"]) }),
  ),

  /** Rules of folders, which hold for the whole machine: to list them takes root's rights, too. */
  "rules.list": call<Result<"rules">>()(none),
  "rules.set": call<Result<"rules">>()(METHODS["rules.set"].params),
  "rules.remove": call<Result<"rules">>()(METHODS["rules.remove"].params),
  /** Asks for a folder. null: the person changed their mind. */
  "rules.choose": call<{ readonly path: string } | null>()(none),

  "settings.set": call<Settings>()(settingsPatchSchema),
  "logs.show": call<null>()(none),

  "demo.create": call<null>()(none),
  "demo.remove": call<null>()(none),
} as const;

export type InvokeName = keyof typeof INVOKE;
export type Args<N extends InvokeName> = z.infer<(typeof INVOKE)[N]["args"]>;
export type Value<N extends InvokeName> = (typeof INVOKE)[N] extends Call<z.ZodType, infer V> ? V : never;

/** Views of the window, by the names in its address: #/review */
export const VIEWS = ["volumes", "review", "history", "stuck", "settings"] as const;
export type View = (typeof VIEWS)[number];

/** What the page is told: payload types by name. */
export interface Notify {
  /** The state after a change; tasks' progress at most ten times a second. */
  readonly state: AppState;
  /** One task's progress alone, between states. */
  readonly task: Task;
  /** Chosen in the tray or by a notification. */
  readonly navigate: { readonly view: View; readonly volume: string | null };
}
export const NOTIFY = ["state", "task", "navigate"] as const satisfies readonly (keyof Notify)[];
export type NotifyName = keyof Notify;

/** `window.refold`, as the preload makes it. */
export interface RefoldBridge {
  invoke<N extends InvokeName>(
    name: N,
    ...args: undefined extends Args<N> ? [] : [Args<N>]
  ): Promise<Answer<Value<N>>>;
  /** @returns what ends the subscription */
  on<N extends NotifyName>(name: N, listener: (payload: Notify[N]) => void): () => void;
}
