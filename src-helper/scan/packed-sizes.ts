import type { Holders } from "../store/holders.ts";
import type { IndexStore } from "../store/index-store.ts";
import { BUCKETS } from "./crowded-sizes.ts";
import { readCsumPrints, type CsumPrints } from "./csum-prints.ts";
import type { ScanContext } from "./scan-context.ts";
import type { FileRow } from "./size-class.ts";

/**
 * All files of some sizes, a row a size and a text a file: a row a file costs
 * three times as much. In a first scan there is no index yet: the table is run
 * through once and sorted on the way, which costs less than a search a file.
 */
const packed = (part: string): string => `
  SELECT size,
    group_concat(printf('%016llx %x %x %x %x %x %s', layout, holder & 0xffffffff, ino, gen, flags, traits, hex(extents))),
    part
  FROM (
    SELECT size, ${part} AS part, layout, holder, ino, gen, flags, traits, extents FROM inode
    WHERE kind = 1 AND size >= ? AND size < ? ORDER BY size, ${part === "NULL" ? "" : "part, "}layout
  )
  GROUP BY size${part === "NULL" ? "" : ", part"} HAVING MIN(layout) <> MAX(layout) OR part IS NOT NULL`;
/** Bits of a layout that the files of one row may differ in, of a size with very many: one in some thousands. */
const PART_BITS = 42;
const LAYOUT_DIGITS = 16;

/** part: null where it is all of a size. */
type PackedRow = readonly [size: number, files: string, part: number | null];

/** The places of one size, or a part of them. */
export class PackedSize {
  readonly size: number;
  readonly isPart: boolean;
  readonly layouts: Float64Array;
  /** Of the first place in the answer for its batch. */
  readonly first: number;
  readonly #packed: string;

  constructor(size: number, isPart: boolean, packed: string, layouts: Float64Array, first: number) {
    this.size = size;
    this.isPart = isPart;
    this.layouts = layouts;
    this.first = first;
    this.#packed = packed;
  }

  /** The files at some layouts; null: all. */
  files(holders: Holders, layouts: ReadonlySet<number> | null): FileRow[] {
    const rows: FileRow[] = [];
    for (const file of filesOf(this.#packed)) {
      const layout = layoutOf(file);
      if (layouts !== null && !layouts.has(layout)) continue;
      const [, holder = "", ino = "", gen = "", flags = "", traits = "", extents = ""] = file.split(" ");
      const set = parseInt(holder, 16) | 0;
      rows.push({
        holder: set,
        subvol: holders.subvolumes(set)[0] ?? 0,
        ino: parseInt(ino, 16),
        gen: parseInt(gen, 16),
        flags: parseInt(flags, 16),
        layout,
        traits: parseInt(traits, 16),
        extents: Buffer.from(extents, "hex"),
      });
    }
    return rows;
  }
}

/** Some sizes, of which the checksum tree is asked at once. */
export class PackedBatch {
  readonly sizes: PackedSize[] = [];
  /** Places so far. */
  count = 0;
  #tasks = Buffer.allocUnsafeSlow(1 << 16);
  #used = 0;

  add([size, packed, part]: PackedRow): void {
    const layouts: number[] = [];
    for (const file of filesOf(packed)) {
      const layout = layoutOf(file);
      if (layout === layouts.at(-1)) continue;
      layouts.push(layout);
      this.#addTask(file.slice(file.lastIndexOf(" ") + 1));
    }
    const isPart = part !== null;
    this.sizes.push(
      new PackedSize(size, isPart, isPart ? "" : packed, Float64Array.from(layouts), this.count),
    );
    this.count += layouts.length;
  }

  /** What the checksum tree says of all places. */
  read(context: ScanContext): Promise<CsumPrints> {
    const sizes = new Float64Array(this.count);
    for (const { size, layouts, first } of this.sizes) sizes.fill(size, first, first + layouts.length);
    return readCsumPrints(context, this.#tasks.subarray(0, this.#used), sizes);
  }

  #addTask(hex: string): void {
    const length = hex.length / 2;
    if (this.#used + 4 + length > this.#tasks.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#tasks.length + length));
      this.#tasks.copy(larger, 0, 0, this.#used);
      this.#tasks = larger;
    }
    this.#used = this.#tasks.writeUInt32LE(length, this.#used);
    this.#used += this.#tasks.write(hex, this.#used, "hex");
  }
}

/**
 * Sizes from `from` to less than `below` bytes that files at several places have, so many files at a time.
 * @param crowded buckets of sizes that come in parts, and without their files: see crowded-sizes.ts
 */
export function* packedBatches(
  store: IndexStore,
  from: number,
  below: number,
  crowded: readonly number[],
  files: number,
): Generator<PackedBatch> {
  const part = `CASE WHEN size % ${BUCKETS} IN (${crowded.join()}) THEN layout >> ${PART_BITS} END`;
  const sql = packed(crowded.length === 0 ? "NULL" : part);
  // the rows are sorted before the first comes: what is written meanwhile, to other tables, changes none
  store.db.unsafeMode(true);
  // while rows are read another thread sorts those before: of a million files a second less
  store.db.pragma("threads = 1");
  try {
    let batch = new PackedBatch();
    for (const row of store.db.prepare(sql).raw(true).iterate(from, below) as Iterable<PackedRow>) {
      batch.add(row);
      if (batch.count < files) continue;
      yield batch;
      batch = new PackedBatch();
    }
    if (batch.count > 0) yield batch;
  } finally {
    store.db.pragma("threads = 0");
    store.db.unsafeMode(false);
  }
}

/** One after the other, by layout: all at once would take as much memory again as the text. */
function* filesOf(packed: string): Generator<string> {
  let start = 0;
  for (;;) {
    const end = packed.indexOf(",", start);
    if (end < 0) break;
    yield packed.slice(start, end);
    start = end + 1;
  }
  yield packed.slice(start);
}

function layoutOf(packed: string): number {
  const hex = packed.slice(0, LAYOUT_DIGITS);
  return hex.startsWith("f") ? Number(BigInt.asIntN(64, BigInt(`0x${hex}`))) : parseInt(hex, 16);
}
