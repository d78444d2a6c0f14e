/** What the index of a volume says, in a form in which two of them can be compared. */
import Database from "better-sqlite3";
import { KIND, unpackExtents } from "../../src-helper/btrfs/extents.ts";

interface Row {
  readonly family: number;
  readonly ino: number;
  readonly holder: number;
  readonly layout: number;
  readonly extents: Buffer | null;
  readonly kind: number;
  readonly size: number;
  readonly flags: number;
  readonly traits: number;
  readonly transid: number;
}

/** Its data can change in place: NOCOW, inline. */
function isVolatile({ flags, traits }: Row): boolean {
  return (flags & 2) !== 0 || (traits & 2) !== 0;
}

interface Holder {
  readonly id: number;
  readonly family: number;
  readonly subvolumes: string;
  readonly inodes: number;
  readonly files: number;
  readonly bytes: number;
}

export interface IndexRows {
  /** One line for each inode of each subvolume, sorted. */
  readonly lines: readonly string[];
  /** Rows of inode. */
  readonly rows: number;
  readonly sets: number;
  readonly bySubvolume: ReadonlyMap<number, number>;
  /** What does not fit together; empty where all is well. */
  readonly faults: readonly string[];
}

const SECTOR = 4096;
/** Of disk, a row of extent_refs. */
const CHUNK_BYTES = 2 ** 26;

/** Reads an index, and counts anew what it keeps counts of. */
export function readIndex(path: string): IndexRows {
  const db = new Database(path, { readonly: true });
  try {
    const holders = db.prepare("SELECT * FROM holder").all() as Holder[];
    const sets = new Map(
      holders.map((holder) => [holder.id, { ...holder, members: JSON.parse(holder.subvolumes) as number[] }]),
    );
    const rows = db.prepare("SELECT * FROM inode").all() as Row[];
    const faults: string[] = [];
    const lines: string[] = [];
    const seen = new Set<string>();
    const bySubvolume = new Map<number, number>();
    const counted = new Map<number, { inodes: number; files: number; bytes: number }>();
    const refs = new Map<number, number>();
    for (const row of rows) {
      const { family, ino, holder, layout, extents, transid, ...state } = row;
      const set = sets.get(holder);
      if (set?.family !== family) faults.push(`inode ${ino}: no set ${holder} in family ${family}`);
      const count = counted.get(holder) ?? { inodes: 0, files: 0, bytes: 0 };
      count.inodes++;
      if (row.kind === 1) {
        count.files++;
        count.bytes += row.size;
      }
      counted.set(holder, count);
      for (const subvolume of set?.members ?? []) {
        const key = `${subvolume}:${ino}`;
        if (seen.has(key)) faults.push(`${key} has two rows`);
        seen.add(key);
        bySubvolume.set(subvolume, (bySubvolume.get(subvolume) ?? 0) + 1);
        // inline files get a layout each, in the order in which they are found
        const place = layout < 0 ? "inline" : layout;
        // of others it says when a row was made, which is no state of the inode
        const changed = isVolatile(row) ? transid : null;
        lines.push(JSON.stringify([subvolume, ino, state, changed, place, extents?.toString("hex") ?? null]));
      }
      for (const extent of unpackExtents(extents ?? Buffer.alloc(0), SECTOR)) {
        if (extent.kind !== KIND.inline) refs.set(extent.bytenr, (refs.get(extent.bytenr) ?? 0) + 1);
      }
    }
    for (const set of sets.values()) {
      const { id, members } = set;
      const { inodes, files, bytes } = set;
      const truth = counted.get(id) ?? { inodes: 0, files: 0, bytes: 0 };
      if (JSON.stringify({ inodes, files, bytes }) !== JSON.stringify(truth)) {
        faults.push(
          `set ${id} says ${JSON.stringify({ inodes, files, bytes })}, has ${JSON.stringify(truth)}`,
        );
      }
      if (members.length === 0) faults.push(`set ${id} is empty`);
    }
    const contents = new Set(holders.map(({ family, subvolumes }) => `${family} ${subvolumes}`));
    if (contents.size < holders.length) faults.push("two sets are the same");
    faults.push(...compareRefs(db, refs));
    return { lines: lines.sort(), rows: rows.length, sets: sets.size, bySubvolume, faults };
  } finally {
    db.close();
  }
}

function compareRefs(db: Database.Database, truth: ReadonlyMap<number, number>): string[] {
  const faults: string[] = [];
  const stored = new Map<number, number>();
  const chunks = db.prepare("SELECT chunk, data FROM extent_refs").all() as { chunk: number; data: Buffer }[];
  for (const { chunk, data } of chunks) {
    const add = (sector: number, count: number): void => {
      const bytenr = chunk * CHUNK_BYTES + sector * SECTOR;
      stored.set(bytenr, (stored.get(bytenr) ?? 0) + count);
    };
    let at = 0;
    const word = (): number => data.readUInt16LE(2 * at++);
    for (let pairs = word(); pairs > 0; pairs--) add(word(), word());
    const isList = data.length / 2 - at < CHUNK_BYTES / SECTOR / 16;
    for (let sector = 0; 2 * at < data.length; sector += 16) {
      const some = word();
      if (isList) add(some, 1);
      else for (let k = 0; k < 16; k++) if ((some & (1 << k)) !== 0) add(sector + k, 1);
    }
  }
  for (const bytenr of new Set([...stored.keys(), ...truth.keys()])) {
    const [said, is] = [stored.get(bytenr) ?? 0, truth.get(bytenr) ?? 0];
    if (said !== is) faults.push(`extent ${bytenr}: ${said} references, are ${is}`);
  }
  return faults;
}
