/** Volumes, what a scan of one came to, and what it was asked for. */
import { z } from "zod";
import { bytes, count, globs, moment, uuidSchema } from "./basics.ts";

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
