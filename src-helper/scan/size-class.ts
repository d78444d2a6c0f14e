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

const FILES =
  "SELECT holder, 0 AS subvol, ino, gen, flags, layout, traits, extents FROM inode WHERE size = ? AND kind = 1";
const PRINTS = "SELECT * FROM print WHERE size = ?";
const STORE = "INSERT OR REPLACE INTO print VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

/** @param fresh no print is stored yet: saves the look-up */
export function loadSizeClass(store: IndexStore, size: number, fresh: boolean): SizeClass {
  const { holders } = store;
  const files = store.all<FileRow>(FILES, size);
  for (const file of files) file.subvol = holders.subvolumes(file.holder)[0] ?? 0;
  const prints = new Map(fresh ? [] : store.all<PrintRow>(PRINTS, size).map((row) => [row.layout, row]));
  const places = new Map<number, Place>();
  for (const file of files) {
    const { layout } = file;
    if (places.has(layout)) continue;
    const known = prints.get(layout);
    places.set(layout, {
      size,
      layout,
      file,
      status: known?.status ?? -1,
      csum: known?.csum ?? null,
      body: known?.body ?? null,
      sample: known?.sample ?? null,
      whole: known?.whole ?? null,
      strong: known?.strong ?? null,
      content: known?.content ?? null,
      changed: false,
    });
  }
  const suspect = !fresh && store.get("SELECT 1 FROM suspect WHERE size = ?", size) !== undefined;
  return { size, files, places: [...places.values()], suspect };
}

export function storePlaces(store: IndexStore, { places }: SizeClass): void {
  const statement = store.statement(STORE);
  for (const place of places) {
    if (!place.changed) continue;
    const { size, layout, status, csum, body, sample, whole, strong, content } = place;
    statement.run(size, layout, status, csum, body, sample, whole, strong, content);
    place.changed = false;
  }
}
