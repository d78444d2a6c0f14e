import { callAsync, PRINT } from "../native/library.ts";
import { keyOf } from "./place-keys.ts";
import { runNative, type ScanContext } from "./scan-context.ts";
import type { Place } from "./size-class.ts";

/** What the checksum tree says of many places: of the k-th, 16 bytes of prints and of bodies, and a status. */
export interface CsumPrints {
  readonly prints: Buffer;
  readonly bodies: Buffer;
  readonly status: Uint8Array;
}

/**
 * Fingerprints places from the checksum tree, in one pass: no file data is read.
 *
 * @param tasks of each place the length of its packed extents (32 bits), and these
 * @param sizes of their files, in bytes
 */
export async function readCsumPrints(
  context: ScanContext,
  tasks: Buffer,
  sizes: Float64Array,
): Promise<CsumPrints> {
  const prints = Buffer.alloc(16 * sizes.length);
  const bodies = Buffer.alloc(16 * sizes.length);
  const status = Buffer.alloc(sizes.length);
  if (sizes.length === 0) return { prints, bodies, status };
  const fileBytes = sizes.reduce((sum, size) => sum + size, 0);
  await runNative(
    context,
    (done) => ({ phase: "checksums", done: Math.min(done, fileBytes), total: fileBytes, unit: "bytes" }),
    (control) =>
      callAsync(
        "rf_csum_prints",
        context.dir,
        context.sectorSize,
        context.csumSize,
        tasks,
        tasks.length,
        sizes,
        sizes.length,
        prints,
        bodies,
        status,
        control.buffer,
      ),
  );
  return { prints, bodies, status };
}

/** Fingerprints every place that lacks it. */
export async function computeCsumPrints(context: ScanContext, places: readonly Place[]): Promise<void> {
  const missing = places.filter((place) => place.status < 0);
  if (missing.length === 0) return;
  const tasks = Buffer.allocUnsafeSlow(missing.reduce((sum, { file }) => sum + 4 + file.extents.length, 0));
  const sizes = new Float64Array(missing.length);
  let position = 0;
  missing.forEach(({ file, size }, k) => {
    position = tasks.writeUInt32LE(file.extents.length, position);
    position += file.extents.copy(tasks, position);
    sizes[k] = size;
  });
  const found = await readCsumPrints(context, tasks, sizes);
  missing.forEach((place, k) => {
    setCsumPrint(context, place, found, k);
  });
}

/** Notes at a place what the checksum tree says of it. */
export function setCsumPrint(context: ScanContext, place: Place, found: CsumPrints, k: number): void {
  place.status = found.status[k] ?? 0;
  place.csum = found.prints.subarray(16 * k, 16 * k + 16);
  // a last block that is filled in part may have the checksum of what was cut off
  const cut = place.size % context.sectorSize !== 0 && place.status === PRINT.plain;
  place.body = cut ? found.bodies.subarray(16 * k, 16 * k + 16) : null;
  place.key = place.status === PRINT.plain ? keyOf(cut ? found.bodies : found.prints, 16 * k) : null;
  place.changed = true;
}
