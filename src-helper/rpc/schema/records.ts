/** What is kept: files that are stuck, rules of folders, past runs. */
import { z } from "zod";
import { SKIP_REASONS } from "../../engine/contract.ts";
import { differenceSchema } from "./fold.ts";
import { bytes, count, fileIdSchema, moment, signedBytes, uuidSchema } from "./basics.ts";

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
