/** What the schemas of the protocol are put together from: limits, ids, sizes and moments. */
import { z } from "zod";
import { SKIP_REASONS } from "../../engine/contract.ts";

// compiling schemas with eval is forbidden by the pages' content security policy
z.config({ jitless: true });

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
export const count = z.int().min(0);
export const bytes = z.int().min(0);
export const signedBytes = z.int();
export const moment = z.int().min(0);
export const text = z.string().max(MAX_TEXT);
/** Chosen by the client for a long call; progress, pause and cancel name it. */
export const task = z.string().regex(/^[a-z0-9-]{1,40}$/);
/** "256:1234:77": subvolume, inode, generation. */
export const fileIdSchema = z.string().regex(/^\d{1,20}:\d{1,20}:\d{1,20}$/);
/** "range-" and a print of the files where it is of parts of them. */
export const groupId = z.string().regex(/^(?:range-)?[0-9a-f-]{1,80}$/);
export const globs = z.array(text.min(1)).max(MAX_LIST);
export const offset = z.int().min(0);
export const limit = z.int().min(1).max(MAX_PAGE);
export const nothing = z.strictObject({});

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
