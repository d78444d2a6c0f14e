import { FILE, type FileColumns, type GroupColumns } from "./columns.ts";

/**
 * Which files of a group a fold moves: what dedupe/plan.ts says, from the
 * columns alone. A tick on a folder asks it of thousands of groups, and a
 * plan's objects would take twenty times as long.
 */
export class Moves {
  readonly #groups: GroupColumns;
  readonly #files: FileColumns;
  readonly #snapshots: boolean;
  /** Rows that move: the first `count`; the files that they stand for. */
  rows = new Int32Array(16);
  count = 0;
  toFold = 0;
  /** A row whose data stays, of files with checksums and of those without; -1 where none does. */
  source = -1;
  sourceNocow = -1;
  // what follows is by kin: rows that share all their data
  #first = new Int32Array(16).fill(-1);
  #copies = new Int32Array(16);
  #fixed = new Int32Array(16);
  #holes = new Uint8Array(16);
  /** Kin that were met, and rows. */
  #kin = new Int32Array(16);
  #taken = new Int32Array(16);

  /** @param snapshots fold copies in read-only snapshots too */
  constructor(groups: GroupColumns, files: FileColumns, snapshots: boolean) {
    this.#groups = groups;
    this.#files = files;
    this.#snapshots = snapshots;
  }

  /** Works it out for those files of a group that `takes` says yes to. */
  of(group: number, takes: (row: number) => boolean): void {
    const start = this.#groups.first[group] ?? 0;
    const end = this.#groups.first[group + 1] ?? 0;
    if (end - start > this.rows.length) this.#grow(end - start);
    const { kind, kin, copies } = this.#files;
    const [first, taken] = [this.#first, this.#taken];
    let [rows, kins] = [0, 0];
    for (let row = start; row < end; row++) {
      const how = kind[row] ?? 0;
      // inline data is in the metadata: it can neither be shared nor given back
      if ((how & FILE.inline) !== 0 || !takes(row)) continue;
      taken[rows++] = row;
      const of = (kin[row] ?? row) - start;
      const files = copies[row] ?? 1;
      const fixed = this.#isMovable(how) ? 0 : files;
      const hole = (how & FILE.disk) === 0 ? 1 : 0;
      if (first[of] === -1) {
        first[of] = row;
        this.#kin[kins++] = of;
        this.#copies[of] = files;
        this.#fixed[of] = fixed;
        this.#holes[of] = hole;
        continue;
      }
      this.#copies[of] = (this.#copies[of] ?? 0) + files;
      this.#fixed[of] = (this.#fixed[of] ?? 0) + fixed;
      if (hole === 1) this.#holes[of] = 1;
    }
    const [cow, nocow] = this.#sources(kins);
    this.source = cow < 0 ? -1 : (first[cow] ?? -1);
    this.sourceNocow = nocow < 0 ? -1 : (first[nocow] ?? -1);
    this.#collect(rows, start, cow, nocow);
    for (let k = 0; k < kins; k++) first[this.#kin[k] ?? 0] = -1;
  }

  #isMovable(how: number): boolean {
    return (how & FILE.immutable) === 0 && ((how & FILE.readOnly) === 0 || this.#snapshots);
  }

  /** The kin that others are folded onto: of files with checksums, and of those without. */
  #sources(kins: number): [number, number] {
    let [cow, nocow] = [-1, -1];
    for (let k = 0; k < kins; k++) {
      const of = this.#kin[k] ?? 0;
      const isNocow = ((this.#files.kind[this.#first[of] ?? 0] ?? 0) & FILE.nodatasum) !== 0;
      const best = isNocow ? nocow : cow;
      if (best >= 0 && !this.#isBetter(of, best)) continue;
      if (isNocow) nocow = of;
      else cow = of;
    }
    return [cow, nocow];
  }

  /** As compareSources of dedupe/plan.ts. */
  #isBetter(a: number, b: number): boolean {
    const files = this.#files;
    const [x, y] = [this.#first[a] ?? 0, this.#first[b] ?? 0];
    const order =
      (this.#holes[b] ?? 0) - (this.#holes[a] ?? 0) ||
      (this.#fixed[b] ?? 0) - (this.#fixed[a] ?? 0) ||
      (this.#copies[b] ?? 0) - (this.#copies[a] ?? 0) ||
      (files.extentBytes[x] ?? 0) - (files.extentBytes[y] ?? 0) ||
      (files.subvolume[x] ?? 0) - (files.subvolume[y] ?? 0) ||
      (files.inode[x] ?? 0) - (files.inode[y] ?? 0);
    return order < 0;
  }

  #collect(taken: number, start: number, cow: number, nocow: number): void {
    const { kind, kin, copies } = this.#files;
    let [count, toFold] = [0, 0];
    for (let k = 0; k < taken; k++) {
      const row = this.#taken[k] ?? 0;
      const how = kind[row] ?? 0;
      const source = (how & FILE.nodatasum) === 0 ? cow : nocow;
      if ((kin[row] ?? row) - start === source || (how & FILE.disk) === 0 || !this.#isMovable(how)) continue;
      this.rows[count++] = row;
      toFold += copies[row] ?? 1;
    }
    this.count = count;
    this.toFold = toFold;
  }

  #grow(rows: number): void {
    const room = 2 * rows;
    this.rows = new Int32Array(room);
    this.#first = new Int32Array(room).fill(-1);
    this.#copies = new Int32Array(room);
    this.#fixed = new Int32Array(room);
    this.#holes = new Uint8Array(room);
    this.#kin = new Int32Array(room);
    this.#taken = new Int32Array(room);
  }
}
