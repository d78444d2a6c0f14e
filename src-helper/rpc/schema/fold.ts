/** A fold: how it is asked for, what it came to, and why it came to less. */
import { z } from "zod";
import { DIFFERENCE_CAUSES } from "../../engine/contract.ts";
import { bytes, count, MAX_HOLDERS, MAX_PAGE, signedBytes, skipReasonSchema, uuidSchema } from "./basics.ts";

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
