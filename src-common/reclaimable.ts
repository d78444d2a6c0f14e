/** What a volume's last scan found, as far as its sum goes. Bytes. */
interface Scanned {
  readonly reclaimableBytes: number;
  /** What parts of files give back besides; absent where they are not looked for. */
  readonly ranges?: { readonly reclaimableBytes: number } | undefined;
}

/** Bytes that a volume can give back, parts of files included; 0 where it was never scanned. */
export function reclaimableOf(scan: Scanned | null): number {
  return scan === null ? 0 : scan.reclaimableBytes + rangesOf(scan);
}

/** The share that parts of files have in it. */
export function rangesOf(scan: Scanned | null): number {
  return scan?.ranges?.reclaimableBytes ?? 0;
}
