/**
 * What the root helper and the app say to each other: JSON-RPC 2.0 (LSP
 * framing, vscode-jsonrpc) over the helper's stdin and stdout. Both sides check
 * every message against these schemas; nothing else is understood.
 *
 * Sizes are bytes, moments are milliseconds since the epoch. Paths are bytes on
 * btrfs and text here: a byte 0xNN outside valid UTF-8 is the lone surrogate
 * U+DCNN (src-helper/text/path-text.ts). The app acts on ids of what the helper
 * itself found, never on a path it sends.
 */
import { z } from "zod";
import {
  bytes,
  count,
  fileIdSchema,
  globs,
  groupId,
  limit,
  MAX_LIST,
  MAX_PAGE,
  nothing,
  offset,
  phaseSchema,
  task,
  text,
  uuidSchema,
} from "./schema/basics.ts";
import { foldOptionsSchema, foldResultSchema, skipCountsSchema } from "./schema/fold.ts";
import {
  folderRuleSchema,
  historyFileSchema,
  historyRunSchema,
  repairResultSchema,
  stuckFileSchema,
} from "./schema/records.ts";
import {
  comparisonSchema,
  facetsSchema,
  fileRowSchema,
  filterSchema,
  folderNodeSchema,
  groupRowSchema,
  pinnedRangesSchema,
  pinnedSchema,
  reviewInfoSchema,
  sortSchema,
  sumSchema,
  tickSchema,
  tickTargetSchema,
} from "./schema/review.ts";
import { countedSchema, deepSchema, scanTotalsSchema, volumeInfoSchema } from "./schema/volumes.ts";

export {
  MAX_MESSAGE_BYTES,
  MAX_PAGE,
  MAX_HOLDERS,
  MAX_LIST,
  uuidSchema,
  fileIdSchema,
  skipReasonSchema,
  phaseSchema,
} from "./schema/basics.ts";
export * from "./schema/fold.ts";
export * from "./schema/records.ts";
export * from "./schema/review.ts";
export * from "./schema/volumes.ts";

/** Raised with every change that an older side would misunderstand. */
export const PROTOCOL_VERSION = 2;

const volume = uuidSchema;
const folderPath = text.regex(/^\//);
const review = z.string().regex(/^[a-z0-9-]{1,40}$/);

/** Every request: its parameters and its result. Long ones carry a task. */
export const METHODS = {
  /** First, once; anything before it, and a second one, ends the connection. */
  hello: {
    params: z.strictObject({ protocol: z.int(), client: z.string().max(200) }),
    result: z.strictObject({
      protocol: z.int(),
      version: z.string(),
      pid: count,
      /** Runs with the rights to read trees and to fold. Without, only hello and volumes work. */
      privileged: z.boolean(),
      /** What it answers besides: MODE_METHODS. Said at its start, and not to be changed by a client. */
      mode: z.enum(["observe", "manage"]),
    }),
  },
  volumes: {
    params: z.strictObject({
      /** What `lastScan` is to count; absent: everything that the last scan compared and rules let be folded. */
      selection: countedSchema.optional(),
    }),
    result: z.array(volumeInfoSchema),
  },
  scan: {
    params: z.strictObject({
      ...{ task, volume, minSize: bytes, exclude: globs, flush: z.boolean() },
      /** Copies in read-only snapshots are counted as if they were to be folded too. */
      snapshots: z.boolean().optional(),
      /**
       * Nobody asked for it, and it may come again soon: done at idle I/O priority, and only where something is
       * new since the last one of this helper; else nothing is written and the totals of that one are told.
       */
      live: z.boolean().optional(),
      /** Parts of files too. */
      deep: deepSchema.optional(),
    }),
    result: scanTotalsSchema,
  },
  pause: { params: z.strictObject({ task, paused: z.boolean() }), result: nothing },
  /** The call itself then ends: a fold with cancelled = true, the others with the error "cancelled". */
  cancel: { params: z.strictObject({ task }), result: nothing },

  /** Opens the groups of the last scan; the same review while the scan, minSize, snapshots and deep stay the same. */
  "review.open": {
    params: z.strictObject({
      volume,
      minSize: bytes,
      exclude: globs,
      snapshots: z.boolean(),
      /** Parts of files too. */
      deep: deepSchema.optional(),
    }),
    result: reviewInfoSchema,
  },
  /** Answers when every name is known (progress: phase "names"). */
  "review.names": { params: z.strictObject({ review, task }), result: nothing },
  /** Answers with the sum when parts of files are not being worked out any more (at once where none were asked for). */
  "review.ranges": { params: z.strictObject({ review, task }), result: sumSchema },
  /** Who keeps sum.pinnedBytes, as of the ticks when it begins. Reads the whole index: seconds on large volumes. */
  "review.pinned": { params: z.strictObject({ review, task }), result: pinnedSchema },
  /**
   * What snapshots keep in parts of files; null where the review has none, or folds in snapshots, too. Two searches for
   * them: as long as a scan of a large volume that looks for them, twice.
   */
  "review.pinned-ranges": { params: z.strictObject({ review, task }), result: pinnedRangesSchema.nullable() },
  "review.rows": {
    params: z.strictObject({ review, filter: filterSchema, sort: sortSchema, offset, limit }),
    result: z.strictObject({
      revision: count,
      /** Groups that the filter shows, their files to fold and what they give back, ticked or not. */
      total: count,
      reclaimableBytes: bytes,
      /** Of all groups shown. */
      tick: tickSchema,
      rows: z.array(groupRowSchema).max(MAX_PAGE),
    }),
  },
  "review.files": {
    params: z.strictObject({ review, group: groupId, offset, limit }),
    result: z.strictObject({ total: count, files: z.array(fileRowSchema).max(MAX_PAGE) }),
  },
  "review.tick": {
    params: z.strictObject({ review, target: tickTargetSchema, ticked: z.boolean() }),
    result: sumSchema,
  },
  /** Leaves out what matches any of the globs, and nothing else. */
  "review.exclude": { params: z.strictObject({ review, exclude: globs }), result: reviewInfoSchema },
  "review.folders": {
    params: z.strictObject({ review, filter: filterSchema, folder: text.nullable() }),
    /** At most 40, largest first; the rest is one node with an empty path. */
    result: z.array(folderNodeSchema).max(41),
  },
  "review.facets": { params: z.strictObject({ review }), result: facetsSchema },
  "review.compare": {
    params: z.strictObject({ review, group: groupId, a: fileIdSchema, b: fileIdSchema }),
    result: comparisonSchema,
  },
  /** Folds what is ticked in the review, if the revision is still the one that was shown. */
  "review.fold": {
    params: z.strictObject({ review, task, revision: count, options: foldOptionsSchema }),
    result: foldResultSchema,
  },
  "review.close": { params: z.strictObject({ review }), result: nothing },

  stuck: { params: z.strictObject({ task, volume }), result: z.array(stuckFileSchema).max(10_000) },
  /** Mends what Refold left, and those of unknown origin that are named. */
  repair: {
    params: z.strictObject({ task, volume, ids: z.array(fileIdSchema).max(10_000) }),
    result: repairResultSchema,
  },

  /** Rules of folders, which hold for the whole machine. Every open review is out of date when they change. */
  rules: { params: nothing, result: z.array(folderRuleSchema).max(MAX_LIST) },
  "rules.set": {
    params: z.strictObject({ path: folderPath, fold: z.enum(["always", "never"]) }),
    result: z.array(folderRuleSchema).max(MAX_LIST),
  },
  "rules.remove": {
    params: z.strictObject({ path: folderPath }),
    result: z.array(folderRuleSchema).max(MAX_LIST),
  },

  history: { params: z.strictObject({ volume }), result: z.array(historyRunSchema).max(10_000) },
  "history.files": {
    params: z.strictObject({ volume, run: count, offset, limit }),
    result: z.strictObject({ total: count, files: z.array(historyFileSchema).max(MAX_PAGE) }),
  },

  /** Makes and mounts a volume in a file, with duplicates in it; there is at most one. */
  "demo.create": { params: z.strictObject({ task }), result: z.strictObject({ volume: uuidSchema }) },
  "demo.remove": { params: nothing, result: nothing },
} as const;

export type Method = keyof typeof METHODS;
export type Mode = Result<"hello">["mode"];

/** What a helper that only observes takes, besides hello; its answers have no path and no name in them. */
export const OBSERVE_METHODS = ["volumes", "scan", "pause", "cancel"] as const satisfies Method[];
/** Most memory for a search of parts of files: bytes. */
export const OBSERVED_MEMORY = 2 ** 28;
/** The only scan that it does: globs could ask for names, and a flush makes others wait. With parts of files or without. */
export const OBSERVED_SCAN = { minSize: 4096, exclude: [], flush: false } as const;

export type Params<M extends Method> = z.infer<(typeof METHODS)[M]["params"]>;
export type Result<M extends Method> = z.infer<(typeof METHODS)[M]["result"]>;

/** What the helper says of its own accord; at most ten progress messages a second and task. */
export const NOTIFICATIONS = {
  progress: z.strictObject({
    task,
    phase: phaseSchema,
    done: count,
    /** null while it is not known. */
    total: count.nullable(),
    unit: z.enum(["files", "bytes", "extents"]),
    /** What is worked on just now; null where it has no name. */
    item: z.string().nullable(),
    /** Skipped so far, by reason. */
    skipped: skipCountsSchema,
    paused: z.boolean(),
  }),
  log: z.strictObject({ task: task.nullable(), level: z.enum(["warning", "note"]), message: z.string() }),
} as const;
export type NotificationName = keyof typeof NOTIFICATIONS;
export type Notification<N extends NotificationName> = z.infer<(typeof NOTIFICATIONS)[N]>;
export type TaskProgress = Notification<"progress">;

/** `data` of a JSON-RPC error. code: engine/errors.ts, and what only this boundary knows. */
export const errorDataSchema = z.strictObject({
  code: z.enum([
    "usage",
    "permission",
    "no-volume",
    "busy",
    "cancelled",
    "failed",
    "stale", // the review or its revision is out of date: open it anew
    "refused", // the request is not one this helper takes
  ]),
  message: z.string(),
  kept: z.string(),
  next: z.string(),
});
export type ErrorData = z.infer<typeof errorDataSchema>;
/** JSON-RPC code of every error above (server errors: -32000 to -32099). */
export const RPC_ERROR = -32000;
