import { callAsync, PRINT } from "../native/library.ts";
import { runNative, type ScanContext } from "./scan-context.ts";
import type { Place, SizeClass } from "./size-class.ts";

/**
 * Fingerprints every place that lacks it from the checksum tree, in one pass:
 * no file data is read.
 */
export async function computeCsumPrints(context: ScanContext, classes: readonly SizeClass[]): Promise<void> {
  const missing = classes.flatMap((sizeClass) => sizeClass.places.filter((place) => place.status < 0));
  if (missing.length > 0) await printPlaces(context, missing);
}

async function printPlaces(context: ScanContext, places: readonly Place[]): Promise<void> {
  const fileBytes = places.reduce((sum, place) => sum + place.size, 0);
  const tasks = Buffer.allocUnsafeSlow(places.reduce((sum, { file }) => sum + 4 + file.extents.length, 0));
  const sizes = new Float64Array(places.length);
  let position = 0;
  places.forEach(({ file, size }, k) => {
    position = tasks.writeUInt32LE(file.extents.length, position);
    position += file.extents.copy(tasks, position);
    sizes[k] = size;
  });
  const prints = Buffer.alloc(16 * places.length);
  const bodies = Buffer.alloc(16 * places.length);
  const status = Buffer.alloc(places.length);
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
        places.length,
        prints,
        bodies,
        status,
        control.buffer,
      ),
  );
  places.forEach((place, k) => {
    place.status = status[k] ?? 0;
    place.csum = prints.subarray(16 * k, 16 * k + 16);
    // a last block that is filled in part may have the checksum of what was cut off
    const cut = place.size % context.sectorSize !== 0 && place.status === PRINT.plain;
    place.body = cut ? bodies.subarray(16 * k, 16 * k + 16) : null;
    place.changed = true;
  });
}
