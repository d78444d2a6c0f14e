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
import { DIFFERENCE_CAUSES, SKIP_REASONS } from "../engine/contract.ts";

// compiling schemas with eval is forbidden by the pages' content security policy
z.config({ jitless: true });

/** Raised with every change that an older side would misunderstand. */
export const PROTOCOL_VERSION = 2;
/** A longer message ends the connection. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** Rows in one answer. */
export const MAX_PAGE = 500;
/** Subvolumes named that hold what a fold let go of. */
export const MAX_HOLDERS = 20;
/** Globs and ids in one request. */
export const MAX_LIST = 1000;
const MAX_TEXT = 8192; // of a glob, a search, a path: PATH_MAX twice

export const uuidSchema = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const count = z.int().min(0);
const bytes = z.int().min(0);
const signedBytes = z.int();
const moment = z.int().min(0);
const text = z.string().max(MAX_TEXT);
/** Chosen by the client for a long call; progress, pause and cancel name it. */
const task = z.string().regex(/^[a-z0-9-]{1,40}$/);
/** "256:1234:77": subvolume, inode, generation. */
export const fileIdSchema = z.string().regex(/^\d{1,20}:\d{1,20}:\d{1,20}$/);
/** "range-" and a print of the files where it is of parts of them. */
const groupId = z.string().regex(/^(?:range-)?[0-9a-f-]{1,80}$/);
const globs = z.array(text.min(1)).max(MAX_LIST);
const offset = z.int().min(0);
const limit = z.int().min(1).max(MAX_PAGE);
const nothing = z.strictObject({});

export const skipReasonSchema = z.enum(SKIP_REASONS);
export const phaseSchema = z.enum([
  "sync",
  "walk",
  "checksums",
  "read",
  "groups",
  "names",
  "fold",
  "measure",
  "repair",
  "demo",
]);

/** To look for parts of files that occur more than once, and what freeing them may cost: engine/contract.ts. */
export const deepSchema = z.strictObject({
  /** Bytes that the search may take; with less it finds less. */
  memory: z
    .int()
    .min(2 ** 20)
    .max(2 ** 40),
  /** Most of what goes that may be written anew, 0 to 1. */
  maxRewrite: z.number().min(0).max(1),
  /** Data that is compressed, or has no checksums, is read and compared block by block; not for who only observes. */
  read: z.boolean().optional(),
});
export type Deep = z.infer<typeof deepSchema>;

/** What counts are of. */
export const countedSchema = z.strictObject({
  minSize: bytes,
  exclude: globs,
  /** Copies in read-only snapshots are folded too. */
  snapshots: z.boolean(),
  /** How parts of files are looked for; absent: they are not. */
  deep: deepSchema.optional(),
});
export type Counted = z.infer<typeof countedSchema>;

/** What parts of files come to, after whole files are folded. */
export const deepTotalsSchema = z.strictObject({
  /** Extents that go, and files of which parts are moved. */
  extents: count,
  files: count,
  /** What the filesystem gains; what is written anew is taken off. */
  reclaimableBytes: bytes,
  rewrittenBytes: bytes,
});

export const volumeInfoSchema = z.strictObject({
  uuid: uuidSchema,
  label: z.string(),
  devices: z.array(z.string()),
  mounts: z.array(z.strictObject({ path: z.string(), root: z.string(), readOnly: z.boolean() })),
  mountPath: z.string(),
  readOnly: z.boolean(),
  /** The mount has a compress option: "zstd:1"; null without. */
  compression: z.string().nullable(),
  /** Data profile as btrfs filesystem df names it: "single", "RAID1"; null without root. */
  dataProfile: z.string().nullable(),
  generation: count,
  checksum: z.enum(["crc32c", "xxhash64", "sha256", "blake2b"]),
  totalBytes: bytes,
  usedBytes: bytes,
  freeBytes: bytes,
  /** null without root. snapshots counts those of them that are snapshots. */
  subvolumes: count.nullable(),
  snapshots: count.nullable(),
  /** null: never scanned, or not told without root. */
  lastScan: z
    .strictObject({
      at: moment,
      files: count,
      groups: count,
      duplicateFiles: count,
      reclaimableBytes: bytes,
      /** More that would come back if copies in read-only snapshots were folded too; null: not known. */
      pinnedBytes: bytes.nullable(),
      /**
       * false: the counts are of everything that was compared and rules let be folded, not of the selection that was
       * asked for: to count that takes as long as a scan, and the next one with the same selection does it.
       */
      asSelected: z.boolean().optional(),
      /** More that parts of files give back, as of the last scan that looked for them. */
      ranges: deepTotalsSchema
        .extend({
          /** false: files have changed since, or they were looked for in another way than the selection says. */
          current: z.boolean(),
          /** Data was read for it, where checksums do not tell; absent: it was not. */
          read: z.boolean().optional(),
        })
        .optional(),
    })
    .nullable(),
  /** Files that a run may have left immutable, from the journal; null without root. */
  openIntents: count.nullable(),
  /** It is the demo volume. */
  demo: z.boolean(),
});
export type VolumeInfo = z.infer<typeof volumeInfoSchema>;

export const scanTotalsSchema = z.strictObject({
  uuid: uuidSchema,
  incremental: z.boolean(),
  files: count,
  bytes,
  groups: count,
  duplicateFiles: count,
  reclaimableBytes: bytes,
  bytesRead: bytes,
  elapsedMs: count,
  /** A live scan that had nothing to do: the totals are those of the one before. */
  unchanged: z.boolean().optional(),
  /** Where parts of files were asked for. */
  deep: deepTotalsSchema.optional(),
});

export type ScanTotalsInfo = z.infer<typeof scanTotalsSchema>;

/** Kinds of files by their name's ending; the lists are in engine/review/file-types.ts. */
export const FILE_TYPES = [
  "image",
  "video",
  "audio",
  "archive",
  "disk-image",
  "document",
  "code",
  "game",
  "other",
] as const;
export const fileTypeSchema = z.enum(FILE_TYPES);
export type FileType = (typeof FILE_TYPES)[number];

/**
 * What a review shows. A group is shown if at least one of its files fits all of it.
 * Each field null (or empty list) does not narrow.
 */
export const filterSchema = z.strictObject({
  /** Part of a path, any case; with * ? [ { it is a glob. */
  search: text,
  minSize: bytes.nullable(),
  maxSize: bytes.nullable(),
  subvolumes: z.array(count).max(MAX_LIST),
  types: z.array(fileTypeSchema),
  /** Modified at or after, and before. */
  modifiedFrom: moment.nullable(),
  modifiedTo: moment.nullable(),
  owners: z.array(count).max(MAX_LIST),
  /** Files in this folder or below; null for all. */
  folder: text.nullable(),
  ticked: z.enum(["any", "ticked", "unticked"]),
  /** Whole files, or parts of files; absent: both. */
  kind: z.enum(["file", "range"]).optional(),
});
export type Filter = z.infer<typeof filterSchema>;
export const NO_FILTER: Filter = {
  search: "",
  minSize: null,
  maxSize: null,
  subvolumes: [],
  types: [],
  modifiedFrom: null,
  modifiedTo: null,
  owners: [],
  folder: null,
  ticked: "any",
};

export const sortSchema = z.strictObject({
  by: z.enum(["frees", "size", "copies", "name", "modified"]),
  descending: z.boolean(),
});
export type Sort = z.infer<typeof sortSchema>;

export const tickSchema = z.enum(["all", "some", "none"]);

/** A group in the table. */
export const groupRowSchema = z.strictObject({
  id: groupId,
  /** The shown file's name, and the folder it is in. */
  name: z.string(),
  folder: z.string(),
  size: bytes,
  /** Files in the group, and how many of them a fold of everything moves. */
  copies: count,
  toFold: count,
  /** What folding the ticked ones gives back by itself; of all of them where none is ticked. */
  frees: bytes,
  tick: tickSchema,
  /** Latest modification of its files. */
  modified: moment,
  /** Has files in read-only snapshots, which stay as they are. */
  snapshotCopies: count,
  /**
   * Parts that the same files have in common; absent: whole files. size: bytes that are equal, in the file that has
   * most of them; copies: the files; toFold: those that are changed. Ticked as a whole or not at all.
   */
  range: z
    .strictObject({
      /** Parts: bytes that lie one after the other, in the file that has most of them. */
      parts: count,
      /** Bytes that are written anew so that the rest comes back; taken off in `frees`. */
      rewrittenBytes: bytes,
    })
    .optional(),
});
export type GroupRow = z.infer<typeof groupRowSchema>;

/** Parts of a file that one row names. */
export const MAX_PARTS = 50;

/** A file of a group. */
export const fileRowSchema = z.strictObject({
  id: fileIdSchema,
  path: z.string(),
  /** Can be reached under a mount of this filesystem. */
  reachable: z.boolean(),
  subvolume: z.string(),
  subvolumeId: count,
  /** "source": keeps its place, others are folded onto it; "fold": will be folded onto it;
   *  "shared": shares its data with the source already; "snapshot": in a read-only snapshot, left alone;
   *  "fixed": immutable or otherwise not to be moved; "left": unticked. */
  role: z.enum(["source", "fold", "shared", "snapshot", "fixed", "left"]),
  ticked: z.boolean(),
  modified: moment,
  owner: z.string(),
  /** Number of the place on disk within the group: equal for files that share all their data. */
  place: count,
  /** Files of the group at that place, itself included. */
  sharing: count,
  /** Of a row of parts: where in the file they are. */
  parts: z
    .strictObject({
      count,
      bytes,
      /** The first of them, ascending. */
      list: z.array(z.strictObject({ offset: bytes, length: bytes })).max(MAX_PARTS),
    })
    .optional(),
});
export type FileRow = z.infer<typeof fileRowSchema>;

/** What the ticked parts of files come to. */
export const rangeSumSchema = z.strictObject({
  /**
   * "working": worked out anew, since it hangs on what whole files are ticked; nothing is counted meanwhile, and a
   * fold is refused. "failed": they could not be worked out, and are not folded.
   */
  state: z.enum(["working", "ready", "failed"]),
  /** Rows, ticked or not. */
  total: count,
  /** Rows that are ticked, and files that are changed by them. */
  rows: count,
  files: count,
  predictedBytes: bytes,
  rewrittenBytes: bytes,
});
export type RangeSum = z.infer<typeof rangeSumSchema>;

/** The sum at the bottom. */
export const sumSchema = z.strictObject({
  /** Rises with every change of ticks or excludes; an answer with an older one is out of date. */
  revision: count,
  /** Groups of which something is ticked to fold, and the files to fold. */
  groups: count,
  files: count,
  /** Bytes the kernel will compare, parts of files included. */
  foldBytes: bytes,
  /** What btrfs filesystem usage will gain for exactly what is ticked, parts of files included. */
  predictedBytes: bytes,
  /** Kept by others, read-only snapshots say, although a fold lets go of it. */
  pinnedBytes: bytes,
  /** The share of parts of files in it, where the review was opened with them. */
  ranges: rangeSumSchema.optional(),
});
export type Sum = z.infer<typeof sumSchema>;

const holdersSchema = z.array(z.strictObject({ path: z.string(), bytes, aloneBytes: bytes })).max(MAX_PAGE);

/** What read-only snapshots keep in parts of files, of everything that was found: engine/contract.ts PinnedRanges. */
export const pinnedRangesSchema = z.strictObject({
  bytes,
  /** How many snapshots hold any of it, and those that hold most. */
  total: count,
  snapshots: holdersSchema,
  /** What parts of files would give back more if those in read-only snapshots were moved too. */
  foldedBytes: signedBytes,
});
export type PinnedRangesInfo = z.infer<typeof pinnedRangesSchema>;

/** What keeps the extents that a fold lets go of in part: engine/contract.ts Pinned. The three sums are of different extents. */
export const pinnedSchema = z.strictObject({
  /** Held by one read-only snapshot each; by several and nothing else; by files that are not folded, too. */
  aloneBytes: bytes,
  sharedBytes: bytes,
  otherBytes: bytes,
  /** How many snapshots hold any of it, and those that hold most. */
  total: count,
  snapshots: holdersSchema,
  /** What a fold of everything would give back more if copies in read-only snapshots were folded too; 0 where they are. */
  foldedBytes: bytes,
  /** Metadata that folding them takes at most: of what is ticked where they are folded, else of everything. */
  metadataBytes: bytes,
});
export type PinnedInfo = z.infer<typeof pinnedSchema>;

export const reviewInfoSchema = z.strictObject({
  review: z.string(),
  volume: uuidSchema,
  scannedAt: moment,
  /** All groups and files of the review, whatever the filter. */
  groups: count,
  files: count,
  sum: sumSchema,
  /** Names are still being read: search, path filters, types, folders and sort by name wait for it. */
  namesReady: z.boolean(),
});
export type ReviewInfo = z.infer<typeof reviewInfoSchema>;

export const folderNodeSchema = z.strictObject({
  path: z.string(),
  name: z.string(),
  /** Bytes that come back below it, each group's shared out over its files to fold. */
  reclaimableBytes: bytes,
  files: count,
  /** Has folders below that are worth a look. */
  deeper: z.boolean(),
});
export type FolderNode = z.infer<typeof folderNodeSchema>;

const facet = z.strictObject({ groups: count, reclaimableBytes: bytes });
export const facetsSchema = z.strictObject({
  types: z.array(facet.extend({ type: fileTypeSchema })),
  owners: z.array(facet.extend({ uid: count, name: z.string() })),
  subvolumes: z.array(facet.extend({ id: count, path: z.string(), snapshot: z.boolean() })),
});
export type Facets = z.infer<typeof facetsSchema>;

/** What a tick or untick is about. */
export const tickTargetSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("groups"), ids: z.array(groupId).min(1).max(MAX_LIST) }),
  z.strictObject({
    kind: z.literal("files"),
    group: groupId,
    ids: z.array(fileIdSchema).min(1).max(MAX_LIST),
  }),
  /** Every file of the shown groups that is in the folder or below. */
  z.strictObject({ kind: z.literal("folder"), path: text.min(1) }),
  /** All files of every group that the filter shows. */
  z.strictObject({ kind: z.literal("filter"), filter: filterSchema }),
]);
export type TickTarget = z.infer<typeof tickTargetSchema>;

export const comparedFileSchema = z.strictObject({
  path: z.string(),
  size: bytes,
  modified: moment,
  /** The first bytes, base64, at most 4096. */
  head: z.base64(),
});
export const comparisonSchema = z.strictObject({
  a: comparedFileSchema,
  b: comparedFileSchema,
  /** Compared from the beginning, byte by byte: this many bytes, and whether all of them were equal. */
  comparedBytes: bytes,
  equal: z.boolean(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const foldOptionsSchema = z.strictObject({
  lock: z.enum(["immutable", "lease"]),
  defrag: z.boolean(),
  priority: z.enum(["idle", "normal"]),
});

export const skippedSchema = z.strictObject({
  path: z.string(),
  reason: skipReasonSchema,
  detail: z.string(),
});
export const skipCountsSchema = z.partialRecord(skipReasonSchema, count);

/** Why bytes that were promised did not come back; negative where more came back. */
export const differenceSchema = z.strictObject({
  cause: z.enum(DIFFERENCE_CAUSES),
  bytes: signedBytes,
  /** Of "pinned": who holds the data, from the top level; the first of them. */
  subvolumes: z
    .array(z.strictObject({ path: z.string(), bytes }))
    .max(MAX_HOLDERS)
    .optional(),
});
export type DifferenceInfo = z.infer<typeof differenceSchema>;

export const foldResultSchema = z.strictObject({
  uuid: uuidSchema,
  runId: count,
  groups: count,
  files: count,
  predictedBytes: bytes,
  /** Measured; with defrag it can be negative. */
  freedBytes: signedBytes,
  /** What the two differ by: the sum of these. */
  differences: z.array(differenceSchema).optional(),
  elapsedMs: count,
  skippedCounts: skipCountsSchema,
  /** The first MAX_PAGE of them; all are in the history. */
  skipped: z.array(skippedSchema).max(MAX_PAGE),
  cancelled: z.boolean(),
  /** Where parts of files were folded: extents that went by it, and what was written anew for that. */
  ranges: z.strictObject({ extents: count, rewrittenBytes: bytes }).optional(),
});
export type FoldResultInfo = z.infer<typeof foldResultSchema>;

export const stuckFileSchema = z.strictObject({
  id: fileIdSchema,
  volume: uuidSchema,
  path: z.string(),
  origin: z.enum(["refold", "unknown"]),
  since: moment.nullable(),
});
export type StuckFileInfo = z.infer<typeof stuckFileSchema>;

export const repairResultSchema = z.strictObject({
  repaired: z.array(fileIdSchema),
  failed: z.array(z.strictObject({ id: fileIdSchema, path: z.string(), reason: z.string() })),
});
export type RepairResultInfo = z.infer<typeof repairResultSchema>;

/** What is said of a folder and all below it: engine/contract.ts FolderRule. */
export const folderRuleSchema = z.strictObject({
  path: z.string(),
  fold: z.enum(["always", "never"]),
  /** Mounted filesystems that it finds something on. */
  volumes: z.array(uuidSchema),
});
export type FolderRuleInfo = z.infer<typeof folderRuleSchema>;
const folderPath = text.regex(/^\//);

export const historyRunSchema = z.strictObject({
  id: count,
  volume: uuidSchema,
  startedAt: moment,
  finishedAt: moment.nullable(),
  state: z.enum(["done", "cancelled", "interrupted"]),
  groups: count,
  files: count,
  predictedBytes: bytes,
  freedBytes: signedBytes.nullable(),
  /** What the two differ by: the sum of these; not known of runs of earlier versions. */
  differences: z.array(differenceSchema).optional(),
  skipped: count,
  /** Extents that went by moving parts of files, and what was written anew for it; absent: none. */
  ranges: z.strictObject({ extents: count, rewrittenBytes: bytes }).optional(),
});
export type HistoryRunInfo = z.infer<typeof historyRunSchema>;

export const historyFileSchema = z.strictObject({
  path: z.string(),
  outcome: z.enum(["folded", ...SKIP_REASONS]),
  detail: z.string(),
});
export type HistoryFileInfo = z.infer<typeof historyFileSchema>;

const volume = uuidSchema;
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
