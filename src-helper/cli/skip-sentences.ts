import type { SkipReason } from "../engine/contract.ts";

/** What a person reads over the files skipped for a reason; the details stand beside each file. */
export const SKIP_SENTENCES: Readonly<Record<SkipReason, string>> = {
  "in-use": "in use: a program may write to them; close it and run again",
  changed: "changed since the scan; the next run looks at them anew",
  differs: "not identical: the kernel compared every byte and found a difference",
  immutable: "were immutable before Refold came, so they were left alone (chattr -i to allow it)",
  nocow: "copy-on-write is off on one side only (chattr +C), and btrfs shares no data across that",
  "swap-file": "active swap files, which cannot share data",
  "read-only": "in a read-only subvolume or mount",
  "no-space": "no space left for the metadata that sharing needs; free some and run again",
  "io-error": "could not be read: the disk or a checksum failed; run btrfs scrub",
  "not-permitted": "the kernel did not permit it",
  "send-running": "a btrfs send holds the snapshot; run again when it is done",
  "ruled-out": "left alone: a rule of their folder, or an attribute, says never",
  cancelled: "not reached before the run was cancelled",
  other: "failed for another reason",
};
