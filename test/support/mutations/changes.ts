/** Everything that can happen to files, folders and subvolumes between two scans. */
import type { Change } from "./change.ts";
import { CONTENT_CHANGES } from "./content-changes.ts";
import { NAME_CHANGES } from "./name-changes.ts";
import { RANGE_CHANGES } from "./range-changes.ts";
import { SUBVOLUME_CHANGES } from "./subvolume-changes.ts";
import { VOLUME_CHANGES } from "./volume-changes.ts";

export const CHANGES: readonly Change[] = [
  ...CONTENT_CHANGES,
  ...RANGE_CHANGES,
  ...NAME_CHANGES,
  ...SUBVOLUME_CHANGES,
  ...VOLUME_CHANGES,
];
