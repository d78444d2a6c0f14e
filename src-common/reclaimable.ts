/** What a search for parts of files came to. */
interface KnownRanges {
  readonly reclaimableBytes: number;
  /** Nothing has changed since. */
  readonly current?: boolean;
  /** Data was read for it. */
  readonly read?: boolean | undefined;
}

/** What a volume's last scan found, as far as its sum goes. Bytes. */
interface Scanned {
  readonly reclaimableBytes: number;
  /** What parts of files give back besides; absent where they are not looked for. */
  readonly ranges?: KnownRanges | undefined;
}

/** Bytes that a volume can give back, parts of files included; 0 where it was never scanned. */
export function reclaimableOf(scan: Scanned | null): number {
  return scan === null ? 0 : scan.reclaimableBytes + rangesOf(scan);
}

/** The share that parts of files have in it. */
export function rangesOf(scan: Scanned | null): number {
  return scan?.ranges?.reclaimableBytes ?? 0;
}

/**
 * How far the share of parts of files is to be trusted. "old": files have changed since; "least": they are to be
 * looked for by reading, and nothing was read for it.
 */
export function rangesTrust(
  scan: Scanned | null,
  { rangesRead }: { readonly rangesRead: boolean },
): "exact" | "old" | "least" {
  if (scan?.ranges?.current === false) return "old";
  return rangesRead && scan?.ranges?.read !== true ? "least" : "exact";
}

/** Groups that a review of the last scan has something to fold in: those left when all is shared are not. */
export function groupsToFold(
  scan: (Scanned & { readonly groups: number; readonly pinnedBytes: number | null }) | null,
  { snapshots }: { readonly snapshots: boolean },
): number {
  if (scan === null) return 0;
  // a fold lets go of something that comes back, or of something that is kept elsewhere
  const folds = scan.reclaimableBytes > 0 || scan.pinnedBytes !== 0 || snapshots;
  return folds ? scan.groups : 0;
}
