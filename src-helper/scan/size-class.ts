import type { IndexStore, PrintRow } from "../store/index-store.ts";

/** What a row of the index says of a file of a size, without the size. */
export interface FileRow {
  readonly holder: number;
  /** One of the subvolumes of its set. */
  subvol: number;
  readonly ino: number;
  readonly gen: number;
  readonly flags: number;
  readonly layout: number;
  readonly traits: number;
  readonly extents: Buffer;
}

/** A place on disk that one file or several lie at, and what is known of the content there. */
export interface Place {
  readonly size: number;
  readonly layout: number;
  /** One of the files that lie there. */
  readonly file: FileRow;
  /** -1: not asked of the checksum tree yet. */
  status: number;
  csum: Buffer | null;
  /** csum without the last block; null where csum is known to be that of the content. */
  body: Buffer | null;
  sample: Buffer | null;
  whole: Buffer | null;
  strong: Buffer | null;
  content: Buffer | null;
  /** See PlaceKeys; null where this scan did not ask the checksum tree, or that does not say. */
  key: number | null;
  /** To be stored. */
  changed: boolean;
}

/** All rows of files of one size, by the places where they lie. */
export interface SizeClass {
  readonly size: number;
  readonly files: readonly FileRow[];
  readonly places: readonly Place[];
  /** The kernel found differing bytes under equal checksums: these prove nothing here. */
  readonly suspect: boolean;
}

const COLUMNS = "holder, 0 AS subvol, ino, gen, flags, layout, traits, extents";
const FILES = `SELECT ${COLUMNS} FROM inode WHERE size = ? AND kind = 1`;
const FILES_THERE = `SELECT ${COLUMNS} FROM inode WHERE size = ? AND layout = ? AND kind = 1`;
const FILES_OF_LIST = `${FILES} AND layout IN (SELECT value FROM json_each(?))`;
const FILES_COUNTED = "SELECT COUNT(*) AS files FROM inode WHERE size = ? AND kind = 1";
/** What is known of a size; what its checksums alone would not tell again. */
const KNOWN = "SELECT 1 FROM print WHERE size = ? LIMIT 1";
const READ = "SELECT 1 FROM print WHERE size = ? AND (status <> 0 OR whole IS NOT NULL) LIMIT 1";
const PRINTS = "SELECT * FROM print WHERE size = ?";
const PRINT_THERE = "SELECT * FROM print WHERE size = ? AND layout = ?";
const STORE = "INSERT OR REPLACE INTO print VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const DELETE = "DELETE FROM print WHERE size = ? AND layout = ?";
const DELETE_ALL = "DELETE FROM print WHERE size = ?";

/** Up to so many places are asked for one by one. */
const ONE_BY_ONE = 8;

/** All rows of a size, and what is known of their places. @param fresh no print is stored yet: saves the look-up */
export function loadSizeClass(store: IndexStore, size: number, fresh: boolean): SizeClass {
  const files = withSubvolumes(store, store.all<FileRow>(FILES, size));
  const prints = new Map(fresh ? [] : store.all<PrintRow>(PRINTS, size).map((row) => [row.layout, row]));
  const places = new Map<number, Place>();
  for (const file of files) {
    const { layout } = file;
    if (!places.has(layout)) places.set(layout, placeOf(size, file, prints.get(layout)));
  }
  const suspect = !fresh && isSuspect(store, size);
  return { size, files, places: [...places.values()], suspect };
}

/** How many files have a size. */
export function countFiles(store: IndexStore, size: number): number {
  const found = store.get(FILES_COUNTED, size) as { files: number } | undefined;
  return found?.files ?? 0;
}

/** Whether more is stored of a size than its keys would tell again. @param keyed whether it can have keys */
export function isKnown(store: IndexStore, size: number, keyed: boolean): boolean {
  return store.get(keyed ? READ : KNOWN, size) !== undefined;
}

/** Sizes in which the kernel found differing bytes under equal checksums. */
export function suspects(store: IndexStore): ReadonlySet<number> {
  return new Set(store.all<{ size: number }>("SELECT size FROM suspect").map(({ size }) => size));
}

export function isSuspect(store: IndexStore, size: number): boolean {
  return store.get("SELECT 1 FROM suspect WHERE size = ?", size) !== undefined;
}

/** The rows of a size at some layouts. */
export function loadFiles(store: IndexStore, size: number, layouts: readonly number[]): FileRow[] {
  if (layouts.length <= ONE_BY_ONE) {
    const rows = layouts.flatMap((layout) => store.all<FileRow>(FILES_THERE, size, layout));
    return withSubvolumes(store, rows);
  }
  return withSubvolumes(store, store.all<FileRow>(FILES_OF_LIST, size, JSON.stringify(layouts)));
}

/** What is stored of the place at a layout. */
export function loadPrint(store: IndexStore, size: number, layout: number): PrintRow | undefined {
  return store.get(PRINT_THERE, size, layout) as PrintRow | undefined;
}

/** @param file one of those that lie there; known: what is stored of it */
export function placeOf(size: number, file: FileRow, known: PrintRow | undefined): Place {
  return {
    size,
    layout: file.layout,
    file,
    status: known?.status ?? -1,
    csum: known?.csum ?? null,
    body: known?.body ?? null,
    sample: known?.sample ?? null,
    whole: known?.whole ?? null,
    strong: known?.strong ?? null,
    content: known?.content ?? null,
    key: null,
    changed: false,
  };
}

/** The places of files, of which nothing is stored. */
export function placesOf(size: number, files: readonly FileRow[]): Place[] {
  const places = new Map<number, Place>();
  for (const file of files) {
    if (!places.has(file.layout)) places.set(file.layout, placeOf(size, file, undefined));
  }
  return [...places.values()];
}

function withSubvolumes(store: IndexStore, files: FileRow[]): FileRow[] {
  const { holders } = store;
  for (const file of files) file.subvol = holders.subvolumes(file.holder)[0] ?? 0;
  return files;
}

export function storePlaces(store: IndexStore, places: readonly Place[]): void {
  const statement = store.statement(STORE);
  for (const place of places) {
    if (!place.changed) continue;
    const { size, layout, status, csum, body, sample, whole, strong, content } = place;
    statement.run(size, layout, status, csum, body, sample, whole, strong, content);
    place.changed = false;
  }
}

export function deletePrints(store: IndexStore, size: number): void {
  store.run(DELETE_ALL, size);
}

export function deletePrint(store: IndexStore, size: number, layout: number): void {
  store.run(DELETE, size, layout);
}
