import { callAsync } from "../native/library.ts";
import type { IndexStore } from "../store/index-store.ts";
import { runNative, type ScanContext } from "./scan-context.ts";

/** A batch is one pass over the checksum tree: large, but bounded. */
const BATCH_BYTES = 8 * 2 ** 20;
const BATCH_FILES = 100_000;

interface Candidate {
  readonly size: number;
  readonly layout: number;
  readonly extents: Buffer;
}

/** One file for each place on disk of a size that several places share, where no print is known yet. */
const CANDIDATES = `
  SELECT size, layout, extents FROM inode AS i
  WHERE size = ? AND kind = 1
    AND NOT EXISTS (SELECT 1 FROM print AS p WHERE p.size = i.size AND p.layout = i.layout)
  GROUP BY layout`;

const INSERT = "INSERT INTO print (size, layout, status, csum) VALUES (?, ?, ?, ?)";

/**
 * Fingerprints all files of the given sizes that lack it, from the checksum
 * tree: no file data is read.
 */
export async function computeCsumPrints(
  context: ScanContext,
  store: IndexStore,
  sizes: readonly number[],
): Promise<void> {
  let batch: Candidate[] = [];
  let bytes = 0;
  let fileBytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await printBatch(context, store, batch, fileBytes);
    batch = [];
    bytes = 0;
    fileBytes = 0;
  };
  for (const size of sizes) {
    for (const candidate of store.all<Candidate>(CANDIDATES, size)) {
      batch.push(candidate);
      bytes += candidate.extents.length;
      fileBytes += size;
    }
    if (bytes > BATCH_BYTES || batch.length > BATCH_FILES) await flush();
  }
  await flush();
}

async function printBatch(
  context: ScanContext,
  store: IndexStore,
  batch: readonly Candidate[],
  fileBytes: number,
): Promise<void> {
  const tasks = Buffer.allocUnsafeSlow(batch.reduce((sum, candidate) => sum + 4 + candidate.extents.length, 0));
  const sizes = new Float64Array(batch.length);
  let position = 0;
  batch.forEach((candidate, k) => {
    position = tasks.writeUInt32LE(candidate.extents.length, position);
    position += candidate.extents.copy(tasks, position);
    sizes[k] = candidate.size;
  });
  const prints = Buffer.alloc(16 * batch.length);
  const status = Buffer.alloc(batch.length);
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
        batch.length,
        prints,
        status,
        control.buffer,
      ),
  );
  const insert = store.statement(INSERT);
  batch.forEach((candidate, k) => {
    insert.run(candidate.size, candidate.layout, status[k], prints.subarray(16 * k, 16 * k + 16));
  });
}
