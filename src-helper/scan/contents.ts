import { callAsync, PRINT, TRAIT } from "../native/library.ts";
import { runNative, type ScanContext } from "./scan-context.ts";
import type { Place, SizeClass } from "./size-class.ts";

/** Up to this size a file is read whole at once: a sample would cost the same. */
const SAMPLE_FROM = 128 * 1024;
/** Files read in one native call, and calls at a time. */
const READ_BATCH = 256;
const READERS = 2;

interface Reading {
  readonly place: Place;
  readonly mode: ReadMode;
}

/** enum rf_read_mode */
const READ_MODES = { sample: 0, whole: 1, tail: 2 } as const;
type ReadMode = keyof typeof READ_MODES;

/**
 * Decides which places of each size hold the same content (Place.content).
 * Prints of checksums decide wherever they can:
 *
 * - two plain prints are equal exactly when the contents are;
 * - equal prints of compressed files mean equal contents, unequal ones nothing:
 *   where such a file shares its size with anything else, it is read (a sample
 *   first, the whole only where samples agree);
 * - NOCOW and inline data has no checksums, and is read in the same way;
 * - a last block that a file fills in part may carry the checksum of what was
 *   cut off: where all but such a block is the same, that block is read;
 * - where a file is so short that its checksums are less than 64 bits, chance
 *   could make two equal: what looks the same is read. So is a size in which the
 *   kernel once found differing bytes under equal checksums.
 *
 * @returns sizes of which something could not be read
 */
export async function decideContents(context: ScanContext, classes: readonly SizeClass[]): Promise<number[]> {
  const unread = new Set<number>();
  const deciders = classes.map((sizeClass) => new Decider(context, sizeClass));
  for (;;) {
    const readings = deciders.flatMap((decider) => decider.wanted().map((reading) => ({ decider, reading })));
    if (readings.length === 0) break;
    await readAll(context, readings, unread);
  }
  for (const decider of deciders) decider.decide();
  return [...unread];
}

/** Tells the places of one size apart. */
class Decider {
  readonly #places: readonly Place[];
  readonly #plainIsReadable: boolean;
  readonly #tiny: boolean;
  readonly #sampled: boolean;
  readonly #failed = new Set<Place>();

  constructor(context: ScanContext, { size, places, suspect }: SizeClass) {
    this.#places = places;
    // a plain print of a crc32c volume is what reading would give
    this.#plainIsReadable = context.csumSize === 4;
    this.#tiny = suspect || checksumBits(size, context) < 64;
    this.#sampled = size > SAMPLE_FROM;
  }

  record({ place, mode }: Reading, read: ReadPrint | null): void {
    if (read === null) {
      this.#failed.add(place);
      return;
    }
    place.changed = true;
    if (mode === "sample") place.sample = read.print;
    else if (mode === "tail") {
      place.csum = read.print;
      place.body = null;
    } else {
      place.whole = read.print;
      place.strong = read.strong;
    }
  }

  /** What has to be read next; empty when everything is decided. */
  wanted(): Reading[] {
    const tails = this.#tails();
    if (tails.length > 0) return tails.map((place) => ({ place, mode: "tail" }));
    const classes = this.#classes();
    if (!this.#needsReading(classes)) return [];
    const representatives = classes
      .map((members) => this.#representative(members))
      .filter((place) => place !== undefined);
    if (this.#sampled) {
      const unsampled = representatives.filter((place) => place.sample === null && !this.#failed.has(place));
      if (unsampled.length > 0) return unsampled.map((place) => ({ place, mode: "sample" }));
    }
    return [...groupBy(representatives, (place) => this.#sampleOf(place)).values()]
      .filter((alike) => alike.length > 1)
      .flatMap((alike) => (alike.every((place) => this.#comparable(place)) ? [] : alike))
      .filter((place) => !this.#comparable(place))
      .map((place) => ({ place, mode: "whole" }));
  }

  /** Places of which the last block has to be read before their checksums can be compared. */
  #tails(): Place[] {
    if (this.#tiny) return []; // read whole in any case
    const open = this.#places.filter((place) => place.body !== null && !this.#failed.has(place));
    if (open.length === 0) return [];
    if (!this.#plainIsReadable) {
      // what reading gives cannot be put together with such a checksum: read the whole of what may be the same
      for (const place of this.#sameButForTheTail(open)) {
        place.status = PRINT.unknown;
        place.body = null;
        place.changed = true;
      }
      return [];
    }
    const mixed = this.#places.some((place) => place.status !== PRINT.plain);
    return mixed ? open : this.#sameButForTheTail(open);
  }

  #sameButForTheTail(open: readonly Place[]): Place[] {
    return [...groupBy(open, (place) => latin1(place.body)).values()]
      .filter((alike) => new Set(alike.map((place) => latin1(place.csum))).size > 1)
      .flat();
  }

  /** The member of a class that needs the least reading; undefined where none could be read. */
  #representative(members: readonly Place[]): Place | undefined {
    return (
      members.find((place) => this.#comparable(place)) ??
      members.find((place) => place.sample !== null && !this.#failed.has(place)) ??
      members.find((place) => !this.#failed.has(place))
    );
  }

  /** Sets the content of each place, null where it is like no other's. */
  decide(): void {
    for (const members of this.#classes()) {
      const known = members.map((place) => this.#wholeOf(place)).find((whole) => whole !== null) ?? null;
      const content = known ?? (this.#tiny ? null : this.#classPrint(members[0]));
      for (const place of members) {
        if (equal(place.content, content)) continue;
        place.content = content;
        place.changed = true;
      }
    }
  }

  /** Places whose checksums say that they are the same. */
  #classes(): Place[][] {
    // short files: checksums only say what may be the same, so each stands for itself
    const key = (place: Place, k: number): string =>
      this.#tiny ? `${k}` : (this.#classPrint(place)?.toString("latin1") ?? `${k}`);
    return [...groupBy(this.#places, key).values()];
  }

  #needsReading(classes: readonly Place[][]): boolean {
    if (classes.length < 2) return false;
    // data in the metadata alone gives nothing back: not worth a read
    if (!this.#places.some((place) => (place.file.traits & TRAIT.disk) !== 0)) return false;
    if (!this.#tiny) return !this.#places.every((place) => place.status === PRINT.plain);
    const plain = this.#places.filter((place) => place.status === PRINT.plain);
    if (plain.length < this.#places.length) return true;
    return groupBy(plain, (place) => latin1(place.body ?? place.csum)).size < plain.length;
  }

  #classPrint(place: Place | undefined): Buffer | null {
    return place === undefined || place.status === PRINT.unknown ? null : place.csum;
  }

  #wholeOf(place: Place): Buffer | null {
    // where all that is compared was read, it is compared by the stronger hash
    if (this.#tiny || !this.#plainIsReadable) return place.strong;
    if (place.whole !== null) return place.whole;
    return place.status === PRINT.plain ? place.csum : null;
  }

  /** Whether its whole print is at hand without reading. */
  #comparable(place: Place): boolean {
    return this.#wholeOf(place) !== null;
  }

  #sampleOf(place: Place): string {
    if (!this.#sampled) {
      // tiny and all plain: those of different checksums before the tail differ
      const all = this.#places.every((other) => other.status === PRINT.plain);
      return this.#tiny && all ? latin1(place.body ?? place.csum) : "";
    }
    return latin1(place.sample);
  }
}

/** How many bits of checksum stand for the content of a file of this size. */
export function checksumBits(size: number, context: ScanContext): number {
  const blocks = Math.floor(size / context.sectorSize);
  const tail = size % context.sectorSize;
  const perBlock = context.csumSize * 8;
  return blocks * perBlock + Math.min(perBlock, tail * 8);
}

interface ReadPrint {
  readonly print: Buffer;
  readonly strong: Buffer;
}

async function readAll(
  context: ScanContext,
  readings: readonly { decider: Decider; reading: Reading }[],
  unread: Set<number>,
): Promise<void> {
  const total = readings.reduce(
    (sum, { reading }) => sum + (reading.mode === "whole" ? reading.place.size : 0),
    0,
  );
  const batches: (typeof readings)[] = [];
  for (const mode of ["tail", "sample", "whole"] as const) {
    const some = readings.filter(({ reading }) => reading.mode === mode);
    for (let at = 0; at < some.length; at += READ_BATCH) batches.push(some.slice(at, at + READ_BATCH));
  }
  let done = 0;
  const reader = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const wanted = batch.map(({ reading }) => reading);
      const prints = await readBatch(context, wanted, (now) => ({ done: done + now, total }));
      batch.forEach(({ decider, reading }, k) => {
        const print = prints[k] ?? null;
        if (reading.mode === "whole") done += reading.place.size;
        decider.record(reading, print);
        if (print === null) unread.add(reading.place.size);
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: READERS }, reader));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** null for a file that could not be read as it was scanned. */
async function readBatch(
  context: ScanContext,
  batch: readonly Reading[],
  progress: (bytes: number) => { done: number; total: number },
): Promise<(ReadPrint | null)[]> {
  const files = Float64Array.from(
    batch.flatMap(({ place: { file, size } }) => [file.subvol, file.ino, file.gen, size]),
  );
  const prints = Buffer.alloc(16 * batch.length);
  const strong = Buffer.alloc(16 * batch.length);
  const errors = new Int32Array(batch.length);
  const mode = batch[0]?.mode ?? "sample";
  const whole = mode === "whole";
  const [first] = batch;
  if (first !== undefined) {
    const { subvol, ino } = first.place.file;
    context.run.working?.(() => context.pathOf(subvol, ino));
  }
  if (mode === "tail") batch.forEach(({ place }, k) => place.body?.copy(prints, 16 * k));
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
        READ_MODES[mode],
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

function latin1(bytes: Buffer | null): string {
  return bytes?.toString("latin1") ?? "";
}

function equal(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
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
