import { PRINT } from "../native/library.ts";
import { planGroup } from "../dedupe/plan.ts";
import { Prediction } from "../dedupe/predict.ts";
import type { ExtentRefs } from "../store/extent-refs.ts";
import type { IndexStore } from "../store/index-store.ts";
import { checksumBits, decideContents } from "./contents.ts";
import { BUCKETS, byKey, CrowdedKeys } from "./crowded-sizes.ts";
import { computeCsumPrints, setCsumPrint, type CsumPrints } from "./csum-prints.ts";
import {
  contentsOf,
  contentsOfSize,
  deleteGroups,
  groupId,
  insertGroups,
  NO_GROUPS,
  type Content,
  type GroupSums,
} from "./groups.ts";
import { KeyedSize } from "./keyed-size.ts";
import { packedBatches, type PackedBatch, type PackedSize } from "./packed-sizes.ts";
import { dropKeys, keyOf, PlaceKeys, storeKeys } from "./place-keys.ts";
import { breathe, reportPhase, type ScanContext } from "./scan-context.ts";
import {
  countFiles,
  deletePrint,
  deletePrints,
  isKnown,
  isSuspect,
  loadFiles,
  loadSizeClass,
  placesOf,
  storePlaces,
  suspects,
  type Place,
  type SizeClass,
} from "./size-class.ts";
import type { TouchedSize } from "./touched.ts";

/** Files whose rows are in memory at a time. */
const BATCH_FILES = 16_384;
/** The same in a first scan, which has two batches under way. */
const FIRST_BATCH_FILES = 8192;
/** Sizes whose groups are made without a pause: some ten milliseconds. */
const SIZES_AT_ONCE = 1000;

const JOINT_GROUPS = "SELECT size, content FROM grp WHERE joint = 1 ORDER BY size, content";

/** Bytes that groups give back, or pin, only together with others. */
export interface JointBytes {
  readonly crossingBytes: number;
  readonly pinnedBytes: number;
}

/** A batch of which the checksums are being read. */
interface ReadBatch {
  readonly batch: PackedBatch;
  readonly found: Promise<CsumPrints>;
}

/**
 * Decides contents and writes groups, a bounded number of files at a time.
 *
 * A size is compared in one of two ways. Where checksums alone decide, its
 * places have keys (PlaceKeys): only what shares its key with something is
 * looked at, and a change concerns the places of its own keys. Everywhere else
 * all places of the size are compared with one another.
 */
export class Grouping {
  /** Some group that was written or taken out hangs on others: see ofJoint. */
  crossed = false;
  /** What was written, less what was taken out. */
  readonly difference: GroupSums = { ...NO_GROUPS };
  readonly #context: ScanContext;
  readonly #store: IndexStore;
  readonly #refs: ExtentRefs;
  readonly #readOnly: ReadonlySet<number>;
  readonly #crowd: number;
  readonly #crowdedKeys = new CrowdedKeys();
  #joint: Prediction;

  /** @param crowd a size that more files have is compared some of them at a time */
  constructor(
    context: ScanContext,
    store: IndexStore,
    refs: ExtentRefs,
    readOnly: ReadonlySet<number>,
    crowd: number,
  ) {
    this.#crowd = crowd;
    this.#context = context;
    this.#store = store;
    this.#refs = refs;
    this.#readOnly = readOnly;
    this.#joint = this.#newPrediction();
  }

  /** What the groups written so far give back, or pin, only together. */
  get joint(): JointBytes {
    return { crossingBytes: this.#joint.crossingBytes(), pinnedBytes: this.#joint.pinnedBytes() };
  }

  /**
   * Sizes from `from` to less than `below` bytes, of which nothing is stored yet.
   * @param crowded buckets of sizes of which only keys are looked up, and the rest is left to crowded()
   */
  async first(from: number, below: number, crowded: readonly number[]): Promise<void> {
    let before: ReadBatch | null = null;
    try {
      for (const batch of packedBatches(this.#store, from, below, crowded, FIRST_BATCH_FILES)) {
        // while the checksums of one batch are read, the one before is compared and the next put together
        const found = batch.read(this.#context);
        found.catch(() => undefined); // looked at when its turn comes
        const last: ReadBatch | null = before;
        before = { batch, found };
        if (last !== null) await this.#firstBatch(last.batch, await last.found);
      }
      if (before !== null) await this.#firstBatch(before.batch, await before.found);
    } finally {
      // native code writes to its buffers until then
      await before?.found.catch(() => undefined);
    }
  }

  /** Ends what first() began. The indexes are to be there. */
  async crowded(): Promise<void> {
    await this.#whole(this.#crowdedKeys.sizes);
  }

  /** Sizes of which something came, went or changed. */
  async changes(sizes: ReadonlyMap<number, TouchedSize>): Promise<void> {
    const keyed: KeyedSize[] = [];
    const whole: number[] = [];
    const suspect = suspects(this.#store);
    for (const [size, touched] of sizes) {
      const keys = touched.layouts === null || suspect.has(size) ? null : PlaceKeys.load(this.#store, size);
      if (keys === null || touched.layouts === null) whole.push(size);
      else keyed.push(new KeyedSize(this.#store, size, keys, touched));
    }
    whole.push(...(await this.#keyed(keyed)));
    await this.#whole(whole);
  }

  /** Counts those together that hang on one another; of the others nothing changed. */
  async ofJoint(): Promise<JointBytes> {
    const groups = this.#store.all<{ size: number; content: Buffer }>(JOINT_GROUPS);
    this.#joint = this.#newPrediction();
    for (const [k, { size, content }] of groups.entries()) {
      if (k % SIZES_AT_ONCE === 0) {
        reportPhase(this.#context, "groups", k, groups.length);
        await breathe(this.#context);
      }
      for (const { members } of contentsOfSize(this.#store, size, this.#readOnly, true, content)) {
        this.#joint.addWhole(planGroup(groupId(size, content), members, { snapshots: false }), members);
      }
    }
    return this.joint;
  }

  /** Writes all groups anew, from what is stored, and counts them together. */
  async all(): Promise<JointBytes> {
    const sizes = this.#store.all<{ size: number }>("SELECT DISTINCT size FROM grp").map((row) => row.size);
    this.#joint = this.#newPrediction();
    for (const [k, size] of sizes.entries()) {
      if (k % SIZES_AT_ONCE === 0) {
        reportPhase(this.#context, "groups", k, sizes.length);
        await breathe(this.#context);
      }
      this.#write(size, null, contentsOfSize(this.#store, size, this.#readOnly, true));
    }
    return this.joint;
  }

  /** @returns sizes in which checksums do not decide any more */
  async #keyed(sizes: readonly KeyedSize[]): Promise<number[]> {
    await computeCsumPrints(
      this.#context,
      sizes.flatMap((size) => size.findNew()),
    );
    const plain = sizes.filter((size) => size.addKeys());
    await computeCsumPrints(
      this.#context,
      plain.flatMap((size) => size.findCompany()),
    );
    const decided = plain.filter((size) => size.isPlain());
    await this.#decide(decided.map((size) => size.sizeClass()));
    for (const [k, size] of decided.entries()) {
      if (k % SIZES_AT_ONCE === SIZES_AT_ONCE - 1) await breathe(this.#context);
      const sizeClass = size.sizeClass();
      storePlaces(this.#store, sizeClass.places);
      this.#write(size.size, size.before, this.#contentsOf(sizeClass));
      size.save();
    }
    const done = new Set(decided);
    return sizes.filter((size) => !done.has(size)).map(({ size }) => size);
  }

  async #whole(sizes: readonly number[]): Promise<void> {
    let batch: SizeClass[] = [];
    let files = 0;
    for (const size of sizes) {
      if (await this.#crowdedSize(size)) continue;
      const sizeClass = loadSizeClass(this.#store, size, false);
      batch.push(sizeClass);
      files += sizeClass.files.length;
      if (files < BATCH_FILES) continue;
      await this.#wholeBatch(batch);
      batch = [];
      files = 0;
    }
    await this.#wholeBatch(batch);
  }

  /** Compares a size with very many files anew. @returns false where it is to be compared as a whole */
  async #crowdedSize(size: number): Promise<boolean> {
    const store = this.#store;
    if (!this.#crowdedKeys.has(size)) {
      // what had to be read once is not read again for the sake of memory
      if (countFiles(store, size) <= this.#crowd || isSuspect(store, size)) return false;
      if (isKnown(store, size, this.#canBeKeyed(size))) return false;
      await this.first(size, size + 1, [size % BUCKETS]);
    }
    const pairs = this.#crowdedKeys.take(size);
    if (pairs === null) return false;
    await this.#byKey(size, pairs);
    return true;
  }

  /** Compares the places of one size, those of equal keys together, some at a time. */
  async #byKey(size: number, pairs: Float64Array): Promise<void> {
    const store = this.#store;
    const keyed = this.#canBeKeyed(size);
    if (deleteGroups(store, size, null, this.difference)) this.crossed = true;
    deletePrints(store, size);
    const several = pairs.length > 2;
    if (keyed && several) storeKeys(store, size, pairs);
    else dropKeys(store, size);
    if (!several) return;
    for (const layouts of byKey(pairs, !keyed, this.#crowd)) {
      const some = loadFiles(store, size, layouts);
      const places = placesOf(size, some);
      await computeCsumPrints(this.#context, places);
      const sizeClass = { size, files: some, places, suspect: false };
      await this.#decide([sizeClass]);
      storePlaces(store, places);
      this.#insert(size, this.#contentsOf(sizeClass));
      await breathe(this.#context);
    }
  }

  async #wholeBatch(batch: readonly SizeClass[]): Promise<void> {
    // one place on disk, or none: nothing to compare, but there may have been a group before
    const several = batch.filter(({ places }) => places.length > 1);
    await computeCsumPrints(
      this.#context,
      several.flatMap(({ places }) => places),
    );
    await this.#decide(several);
    for (const [k, sizeClass] of batch.entries()) {
      if (k % SIZES_AT_ONCE === SIZES_AT_ONCE - 1) await breathe(this.#context);
      const { size, places } = sizeClass;
      this.#write(size, null, this.#contentsOf(sizeClass));
      if (places.length > 1 && !sizeClass.suspect && this.#isKeyed(size, places))
        this.#storeKeyed(size, places);
      else {
        storePlaces(this.#store, places);
        dropKeys(this.#store, size);
      }
    }
  }

  /** From now on the size has keys. */
  #storeKeyed(size: number, places: readonly Place[]): void {
    const pairs = new Float64Array(2 * places.length);
    const seen = new Map<number, number>();
    const sorted = places.toSorted((a, b) => a.layout - b.layout);
    sorted.forEach((place, k) => {
      const key = place.key ?? 0;
      pairs[2 * k] = place.layout;
      pairs[2 * k + 1] = key;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    });
    storeKeys(this.#store, size, pairs);
    const isAlone = (place: Place): boolean => seen.get(place.key ?? 0) === 1;
    storePlaces(
      this.#store,
      places.filter((place) => !isAlone(place)),
    );
    for (const place of places) if (isAlone(place)) deletePrint(this.#store, size, place.layout);
  }

  async #firstBatch(batch: PackedBatch, found: CsumPrints): Promise<void> {
    const classes: SizeClass[] = [];
    for (const packed of batch.sizes) {
      const { size, layouts, first } = packed;
      const end = first + layouts.length;
      const plain = found.status.subarray(first, end).every((status) => status === PRINT.plain);
      let looked: ReadonlySet<number> | null = null;
      if (packed.isPart) {
        this.#crowdedKeys.add(size, plain ? this.#pairsOf(packed, found) : null);
        continue;
      }
      if (plain && this.#canBeKeyed(size)) {
        const pairs = this.#pairsOf(packed, found);
        storeKeys(this.#store, size, pairs);
        looked = layoutsWithCompany(pairs);
        if (looked.size === 0) continue;
      }
      const files = packed.files(this.#store.holders, looked);
      const places = placesOf(size, files);
      const byLayout = new Map(places.map((place) => [place.layout, place]));
      layouts.forEach((layout, k) => {
        const place = byLayout.get(layout);
        if (place !== undefined) setCsumPrint(this.#context, place, found, first + k);
      });
      classes.push({ size, files, places, suspect: false });
    }
    await this.#decide(classes);
    for (const [k, sizeClass] of classes.entries()) {
      if (k % SIZES_AT_ONCE === SIZES_AT_ONCE - 1) await breathe(this.#context);
      storePlaces(this.#store, sizeClass.places);
      this.#insert(sizeClass.size, this.#contentsOf(sizeClass));
    }
  }

  #pairsOf({ size, layouts, first }: PackedSize, found: CsumPrints): Float64Array {
    const source = size % this.#context.sectorSize === 0 ? found.prints : found.bodies;
    const pairs = new Float64Array(2 * layouts.length);
    layouts.forEach((layout, k) => {
      pairs[2 * k] = layout;
      pairs[2 * k + 1] = keyOf(source, 16 * (first + k));
    });
    return pairs;
  }

  async #decide(classes: readonly SizeClass[]): Promise<void> {
    for (const size of await decideContents(this.#context, classes)) {
      this.#store.run("INSERT OR IGNORE INTO pending VALUES (?)", size);
    }
  }

  #contentsOf(sizeClass: SizeClass): Content[] {
    return contentsOf(sizeClass, this.#readOnly, this.#store.holders, true);
  }

  /** @param before contents of which the groups are written anew; null: all of the size */
  #write(size: number, before: readonly Buffer[] | null, contents: readonly Content[]): void {
    if (deleteGroups(this.#store, size, before, this.difference)) this.crossed = true;
    this.#insert(size, contents);
  }

  #insert(size: number, contents: readonly Content[]): void {
    if (insertGroups(this.#store, size, contents, this.#joint, this.difference)) this.crossed = true;
  }

  #isKeyed(size: number, places: readonly Place[]): boolean {
    return this.#canBeKeyed(size) && places.every(({ key }) => key !== null);
  }

  /** Of crc32c checksums it is known what zeros have, and reading gives the same; of few, chance could make equal ones. */
  #canBeKeyed(size: number): boolean {
    return this.#context.csumSize === 4 && checksumBits(size, this.#context) >= 64;
  }

  #newPrediction(): Prediction {
    return new Prediction((bytenr) => this.#refs.count(bytenr), this.#context.sectorSize);
  }
}

/** Layouts whose key another has too. @param pairs layout, key, layout, key, ... */
function layoutsWithCompany(pairs: Float64Array): Set<number> {
  const keys = new Float64Array(pairs.length / 2);
  for (let k = 0; k < keys.length; k++) keys[k] = pairs[2 * k + 1] ?? 0;
  keys.sort();
  const shared = new Set<number>();
  for (let k = 1; k < keys.length; k++) if (keys[k] === keys[k - 1]) shared.add(keys[k] ?? 0);
  const layouts = new Set<number>();
  if (shared.size === 0) return layouts;
  for (let k = 0; k < pairs.length; k += 2) if (shared.has(pairs[k + 1] ?? 0)) layouts.add(pairs[k] ?? 0);
  return layouts;
}
