/** What the table, its menu and the dialogs ask of each other. */
import type { TableLine } from "./model/table-model.ts";

/** The menu of a line. */
export interface MenuRequest {
  readonly line: TableLine;
  /** Where it opens, in the window. */
  readonly x: number;
  readonly y: number;
}

/** A file to be compared with its group's source. */
export interface CompareRequest {
  readonly group: string;
  readonly file: string;
}

/** Why there is no review to look at. */
export type EmptyReview =
  "no-volume" | "lost" | "rights" | "scanning" | "not-scanned" | "failed" | "opening" | "nothing";
