/** Groups and files as a person looks through them: rows, filters, ticks, sums. */
import { z } from "zod";
import {
  bytes,
  count,
  fileIdSchema,
  groupId,
  MAX_LIST,
  MAX_PAGE,
  moment,
  signedBytes,
  text,
  uuidSchema,
} from "./basics.ts";

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
