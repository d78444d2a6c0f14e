import { callAsync, PRINT, TRAIT } from "../native/library.ts";
import type { IndexStore, PrintRow } from "../store/index-store.ts";
import { runNative, type ScanContext } from "./scan-context.ts";

/** Up to this size a file is read whole at once: a sample would cost the same. */
const SAMPLE_FROM = 128 * 1024;
/** Files read in one native call, and calls at a time. */
const READ_BATCH = 256;
const READERS = 2;
/** Sizes decided together; bounds the memory. */
const SIZE_BATCH = 2000;

/** A place on disk, one file that lies there, and what is known of it. */
interface Place extends PrintRow {
  readonly subvol: number;
  readonly ino: number;
  readonly gen: number;
  readonly traits: number;
}

interface Reading {
  readonly place: Place;
  readonly mode: "sample" | "whole";
}

const PLACES = `
  SELECT p.*, i.subvol, i.ino, i.gen, i.traits
  FROM print AS p JOIN inode AS i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.size = ? GROUP BY p.layout`;

/**
 * Decides which places of a size hold the same content, and writes it to
 * print.content. Prints of checksums decide wherever they can:
 *
 * - two plain prints are equal exactly when the contents are;
 * - equal prints of compressed files mean equal contents, unequal ones nothing:
 *   where such a file shares its size with anything else, it is read (a sample
 *   first, the whole only where samples agree);
 * - NOCOW and inline data has no checksums, and is read in the same way;
 * - where a file is so short that its checksums are less than 64 bits, chance
 *   could make two equal: what looks the same is read.
 *
 * @returns sizes of which something could not be read
 */
export async function decideContents(
  context: ScanContext,
  store: IndexStore,
  sizes: readonly number[],
): Promise<number[]> {
  const unread = new Set<number>();
  for (let at = 0; at < sizes.length; at += SIZE_BATCH) {
    const classes = sizes.slice(at, at + SIZE_BATCH).map((size) => new SizeClass(context, size, places(store, size)));
    for (;;) {
      const readings = classes.flatMap((sizeClass) => sizeClass.wanted());
      if (readings.length === 0) break;
      await readAll(context, store, readings, classes, unread);
    }
    const update = store.statement("UPDATE print SET content = ? WHERE size = ? AND layout = ?");
    for (const sizeClass of classes) {
      for (const { place, content } of sizeClass.contents()) {
        if (!equal(place.content, content)) update.run(content, place.size, place.layout);
      }
    }
  }
  return [...unread];
}

function places(store: IndexStore, size: number): Place[] {
  return store.all<Place>(PLACES, size);
}

function equal(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** The places of one size, and what has to be read to tell them apart. */
class SizeClass {
  readonly places: readonly Place[];
  readonly #plainIsReadable: boolean;
  readonly #tiny: boolean;
  readonly #sampled: boolean;
  /** What reading gave, beyond what the rows had. */
  readonly #sample = new Map<Place, Buffer>();
  readonly #whole = new Map<Place, Buffer>();
  readonly #failed = new Set<Place>();

  constructor(context: ScanContext, size: number, found: readonly Place[]) {
    this.places = found;
    // a plain print of a crc32c volume is what reading would give
    this.#plainIsReadable = context.csumSize === 4;
    this.#tiny = checksumBits(size, context) < 64;
    this.#sampled = size > SAMPLE_FROM;
    for (const place of found) {
      if (place.sample !== null) this.#sample.set(place, place.sample);
      const whole = this.#tiny ? place.strong : place.whole;
      if (whole !== null) this.#whole.set(place, whole);
    }
  }

  record(reading: Reading, print: Buffer | null): void {
    if (print === null) this.#failed.add(reading.place);
    else (reading.mode === "sample" ? this.#sample : this.#whole).set(reading.place, print);
  }

  get tiny(): boolean {
    return this.#tiny;
  }

  /** What has to be read next; empty when everything is decided. */
  wanted(): Reading[] {
    const classes = this.#classes();
    if (!this.#needsReading(classes)) return [];
    const representatives = classes
      .map((members) => this.#representative(members))
      .filter((place) => place !== undefined);
    if (this.#sampled) {
      const unsampled = representatives.filter((place) => !this.#sample.has(place));
      if (unsampled.length > 0) return unsampled.map((place) => ({ place, mode: "sample" }));
    }
    return [...groupBy(representatives, (place) => this.#sampleOf(place)).values()]
      .filter((alike) => alike.length > 1)
      .flatMap((alike) => (alike.every((place) => this.#comparable(place)) ? [] : alike))
      .filter((place) => !this.#comparable(place))
      .map((place) => ({ place, mode: "whole" }));
  }

  /** The content of each place, null where it is like no other's. */
  contents(): { place: Place; content: Buffer | null }[] {
    const classes = this.#classes();
    const decided = classes.map((members) => {
      const known = members.map((place) => this.#wholeOf(place)).find((whole) => whole !== undefined);
      const [first] = members;
      return { members, content: known ?? (this.#tiny ? null : (this.#classPrint(first) ?? null)) };
    });
    return decided.flatMap(({ members, content }) => members.map((place) => ({ place, content })));
  }

  /** Places whose checksums say that they are the same. */
  #classes(): Place[][] {
    // short files: checksums only say what may be the same, so each stands for itself
    const key = (place: Place, k: number): string =>
      this.#tiny ? `${k}` : (this.#classPrint(place)?.toString("latin1") ?? `${k}`);
    return [...groupBy(this.places, key).values()];
  }

  #needsReading(classes: readonly Place[][]): boolean {
    if (classes.length < 2) return false;
    // data in the metadata alone gives nothing back: not worth a read
    if (!this.places.some((place) => (place.traits & TRAIT.disk) !== 0)) return false;
    if (!this.#tiny) return !this.places.every((place) => place.status === PRINT.plain);
    const plain = this.places.filter((place) => place.status === PRINT.plain);
    if (plain.length < this.places.length) return true;
    return groupBy(plain, (place) => place.csum?.toString("latin1") ?? "").size < plain.length;
  }

  #classPrint(place: Place | undefined): Buffer | undefined {
    if (place === undefined || place.status === PRINT.unknown) return undefined;
    return place.csum ?? undefined;
  }

  #wholeOf(place: Place): Buffer | undefined {
    const read = this.#whole.get(place);
    if (read !== undefined || this.#tiny) return read;
    return place.status === PRINT.plain && this.#plainIsReadable ? (place.csum ?? undefined) : undefined;
  }

  /** The member of a class that needs the least reading; undefined where none could be read. */
  #representative(members: readonly Place[]): Place | undefined {
    return (
      members.find((place) => this.#comparable(place)) ??
      members.find((place) => this.#sample.has(place) && !this.#failed.has(place)) ??
      members.find((place) => !this.#failed.has(place))
    );
  }

  /** Whether its whole print is at hand without reading. */
  #comparable(place: Place): boolean {
    return this.#wholeOf(place) !== undefined;
  }

  #sampleOf(place: Place): string {
    if (!this.#sampled) {
      // tiny and all plain: those of different checksums differ
      const all = this.places.every((other) => other.status === PRINT.plain);
      return this.#tiny && all ? (place.csum?.toString("latin1") ?? "") : "";
    }
    return this.#sample.get(place)?.toString("latin1") ?? "";
  }
}

/** How many bits of checksum stand for the content of a file of this size. */
function checksumBits(size: number, context: ScanContext): number {
  const blocks = Math.floor(size / context.sectorSize);
  const tail = size % context.sectorSize;
  const perBlock = context.csumSize * 8;
  return blocks * perBlock + Math.min(perBlock, tail * 8);
}

async function readAll(
  context: ScanContext,
  store: IndexStore,
  readings: readonly Reading[],
  classes: readonly SizeClass[],
  unread: Set<number>,
): Promise<void> {
  const owner = new Map<Place, SizeClass>();
  for (const sizeClass of classes) for (const place of sizeClass.places) owner.set(place, sizeClass);
  const total = readings.reduce((sum, reading) => sum + (reading.mode === "whole" ? reading.place.size : 0), 0);
  const batches: Reading[][] = [];
  for (const mode of ["sample", "whole"] as const) {
    const some = readings.filter((reading) => reading.mode === mode);
    for (let at = 0; at < some.length; at += READ_BATCH) batches.push(some.slice(at, at + READ_BATCH));
  }
  let done = 0;
  const reader = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const prints = await readBatch(context, batch, (now) => ({ done: done + now, total }));
      batch.forEach((reading, k) => {
        const print = prints[k] ?? null;
        if (reading.mode === "whole") done += reading.place.size;
        owner.get(reading.place)?.record(reading, print === null ? null : keep(store, owner, reading, print));
        if (print === null) unread.add(reading.place.size);
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: READERS }, reader));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

interface ReadPrint {
  readonly print: Buffer;
  readonly strong: Buffer;
}

/** Stores a print that was read; returns the one by which its class compares. */
function keep(store: IndexStore, owner: Map<Place, SizeClass>, reading: Reading, read: ReadPrint): Buffer {
  const { size, layout } = reading.place;
  if (reading.mode === "sample") {
    store.run("UPDATE print SET sample = ? WHERE size = ? AND layout = ?", read.print, size, layout);
    return read.print;
  }
  store.run("UPDATE print SET whole = ?, strong = ? WHERE size = ? AND layout = ?", read.print, read.strong, size, layout);
  return owner.get(reading.place)?.tiny === true ? read.strong : read.print;
}

/** null for a file that could not be read as it was scanned. */
async function readBatch(
  context: ScanContext,
  batch: readonly Reading[],
  progress: (bytes: number) => { done: number; total: number },
): Promise<(ReadPrint | null)[]> {
  const files = Float64Array.from(batch.flatMap(({ place }) => [place.subvol, place.ino, place.gen, place.size]));
  const prints = Buffer.alloc(16 * batch.length);
  const strong = Buffer.alloc(16 * batch.length);
  const errors = new Int32Array(batch.length);
  const whole = batch[0]?.mode === "whole";
  await runNative(
    context,
    (done) => ({ phase: "read", ...progress(done), unit: "bytes" }),
    (control) =>
      callAsync(
        "rf_read_prints",
        context.dir,
        context.sectorSize,
        files,
        batch.length,
        whole ? 1 : 0,
        prints,
        whole ? strong : null,
        errors,
        control.buffer,
      ),
  );
  return batch.map((_, k) =>
    errors[k] === 0
      ? {
          print: Buffer.from(prints.subarray(16 * k, 16 * k + 16)),
          strong: Buffer.from(strong.subarray(16 * k, 16 * k + 16)),
        }
      : null,
  );
}

function groupBy<Item>(items: readonly Item[], key: (item: Item, k: number) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  items.forEach((item, k) => {
    const name = key(item, k);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  });
  return groups;
}
