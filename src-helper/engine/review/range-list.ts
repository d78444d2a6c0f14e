import { bytesToFold } from "../../deep/fold.ts";
import type { DeepPlan, Victim } from "../../deep/types.ts";
import { Victims } from "../../deep/victims.ts";
import { fileId } from "../../journal/store.ts";
import { sha256 } from "../../text/sha256.ts";
import { FileColumns, kindOf, momentOf } from "./columns.ts";
import type { Slices } from "./slices.ts";

/** Bytes of a file that lie one after the other. */
export interface Part {
  readonly offset: number;
  readonly length: number;
}

/**
 * What the same files have in common: every extent that goes by moving parts
 * of just these files. Extents that are chosen together have their files in
 * common, so a row is ticked as a whole or not at all.
 */
export interface RangeRow {
  /** "range-" and a print of the files: the same in the next plan. */
  readonly id: string;
  readonly victims: readonly Victim[];
  /** Rows of RangeList.files: first .. end - 1. */
  readonly first: number;
  readonly end: number;
  /** Equal bytes and in how many parts, in the file that has most of them. */
  readonly size: number;
  readonly parts: number;
  /** Files that are changed. */
  readonly toFold: number;
  /** Bytes that come back, less what is written anew; bytes that are; bytes that are compared. */
  readonly bytes: number;
  readonly rewrittenBytes: number;
  readonly foldBytes: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  readonly snapshots: number;
}

const NO_SETS = new Map<number, readonly number[]>();

/** The ranges of a plan as rows of a review. */
export class RangeList {
  readonly plan: DeepPlan;
  readonly rows: readonly RangeRow[];
  /** The files of each row; `group` is the row, `moves` says that it is changed. */
  readonly files: FileColumns;
  /** By row of `files`: which of plan.files it is. */
  readonly fileOf: Int32Array;
  readonly #byId: ReadonlyMap<string, number>;

  private constructor(
    plan: DeepPlan,
    rows: readonly RangeRow[],
    files: FileColumns,
    fileOf: Int32Array,
    byId: ReadonlyMap<string, number>,
  ) {
    this.plan = plan;
    this.rows = rows;
    this.files = files;
    this.fileOf = fileOf;
    this.#byId = byId;
  }

  static async of(plan: DeepPlan, slices: Slices): Promise<RangeList> {
    const byFiles = new Map<string, { files: readonly number[]; victims: Victim[] }>();
    for (const victims of bundlesOf(plan.victims)) {
      const files = [...filesOf(victims)].sort((a, b) => a - b);
      const key = files.join();
      const known = byFiles.get(key);
      if (known === undefined) byFiles.set(key, { files, victims: [...victims] });
      else known.victims.push(...victims);
      if (slices.over) await slices.next();
    }
    const found = [...byFiles.values()];
    const count = found.reduce((sum, { files }) => sum + files.length, 0);
    const [columns, fileOf] = [new FileColumns(count, NO_SETS), new Int32Array(count)];
    const rows: RangeRow[] = [];
    const byId = new Map<string, number>();
    let first = 0;
    for (const { files, victims } of found) {
      const row = describe(plan, victims, files, rows.length, first, columns, fileOf);
      byId.set(row.id, rows.length);
      rows.push(row);
      first += files.length;
      if (slices.over) await slices.next();
    }
    return new RangeList(plan, rows, columns, fileOf, byId);
  }

  /** The row of an id, -1 where there is none. */
  find(id: string): number {
    return this.#byId.get(id) ?? -1;
  }

  /** Where in its files a row's parts are, by plan.files: ascending. */
  parts(row: number): ReadonlyMap<number, readonly Part[]> {
    return partsOf(this.rows[row]?.victims ?? []);
  }

  /** The plan of some rows alone. */
  planOf(isChosen: (row: number) => boolean): DeepPlan {
    const chosen = this.rows.filter((_, row) => isChosen(row));
    const addresses = new Set(chosen.flatMap((row) => row.victims.map(({ bytenr }) => bytenr)));
    const victims = new Victims();
    // in the order of the plan: some count on what was written anew for others
    for (const victim of this.plan.victims) if (addresses.has(victim.bytenr)) victims.add(victim);
    const sum = (field: "bytes" | "rewrittenBytes"): number =>
      chosen.reduce((total, row) => total + row[field], 0);
    return {
      ...this.plan,
      victims,
      predictedBytes: sum("bytes"),
      rewrittenBytes: sum("rewrittenBytes"),
    };
  }
}

/** Those of one bundle stand together in a plan. */
function* bundlesOf(victims: Iterable<Victim>): Generator<Victim[]> {
  let some: Victim[] = [];
  for (const victim of victims) {
    const [first] = some;
    if (first !== undefined && first.bundle !== victim.bundle) {
      yield some;
      some = [];
    }
    some.push(victim);
  }
  if (some.length > 0) yield some;
}

/** Every file that is changed, or shared with. */
function filesOf(victims: readonly Victim[]): Set<number> {
  const files = changedBy(victims);
  for (const { moves } of victims) for (const { from } of moves) files.add(from.file);
  return files;
}

function changedBy(victims: readonly Victim[]): Set<number> {
  const files = new Set<number>();
  for (const { moves, rewrites } of victims) {
    for (const { to } of moves) files.add(to.file);
    for (const { to } of rewrites) files.add(to.file);
  }
  return files;
}

function describe(
  plan: DeepPlan,
  victims: readonly Victim[],
  files: readonly number[],
  row: number,
  first: number,
  columns: FileColumns,
  fileOf: Int32Array,
): RangeRow {
  const changed = changedBy(victims);
  const hash = sha256();
  let [modified, snapshots] = [0, 0];
  files.forEach((index, k) => {
    const file = plan.files.at(index);
    if (file === undefined) throw new Error(`no file ${index}`);
    hash.update(`${fileId(file)}\n`);
    const at = first + k;
    fileOf[at] = index;
    columns.group[at] = row;
    columns.subvolume[at] = file.subvolume;
    columns.inode[at] = file.inode;
    columns.generation[at] = file.generation;
    columns.layout[at] = file.layout;
    columns.mtime[at] = file.mtime;
    columns.uid[at] = file.uid;
    columns.kind[at] = kindOf(file.flags, file.traits, file.readOnly);
    columns.moves[at] = changed.has(index) ? 1 : 0;
    modified = Math.max(modified, momentOf(file.mtime));
    if (file.readOnly) snapshots++;
  });
  const [most = { parts: 0, bytes: 0 }] = [...partsOf(victims).values()]
    .map((parts) => ({ parts: parts.length, bytes: parts.reduce((sum, { length }) => sum + length, 0) }))
    .sort((a, b) => b.bytes - a.bytes || a.parts - b.parts);
  const sum = (field: "diskBytes" | "rewrittenBytes"): number =>
    victims.reduce((total, victim) => total + victim[field], 0);
  const rewrittenBytes = sum("rewrittenBytes");
  return {
    id: `range-${hash.digest("hex").slice(0, 32)}`,
    victims,
    first,
    end: first + files.length,
    size: most.bytes,
    parts: most.parts,
    toFold: changed.size,
    bytes: sum("diskBytes") - rewrittenBytes,
    rewrittenBytes,
    foldBytes: bytesToFold(victims),
    modified,
    snapshots,
  };
}

/** Parts that come to be shared; of a file of which something is only written anew, that. */
function partsOf(victims: readonly Victim[]): Map<number, Part[]> {
  const parts = new Map<number, Part[]>();
  const add = (file: number, offset: number, length: number): void => {
    const list = parts.get(file);
    if (list === undefined) parts.set(file, [{ offset, length }]);
    else list.push({ offset, length });
  };
  for (const { moves } of victims) {
    for (const { to, from, length } of moves) {
      add(to.file, to.fileOffset, length);
      add(from.file, from.fileOffset, length);
    }
  }
  const rewrites = victims.flatMap((victim) => victim.rewrites.map((rewrite) => ({ victim, rewrite })));
  const byTarget = Map.groupBy(rewrites, ({ victim, rewrite }) => `${victim.bundle}:${rewrite.target}`);
  for (const same of byTarget.values()) {
    if (same.length < 2) continue;
    for (const { rewrite } of same) add(rewrite.to.file, rewrite.to.fileOffset, rewrite.length);
  }
  const alone = new Set(rewrites.map(({ rewrite }) => rewrite.to.file).filter((file) => !parts.has(file)));
  for (const { rewrite } of rewrites) {
    if (alone.has(rewrite.to.file)) add(rewrite.to.file, rewrite.to.fileOffset, rewrite.length);
  }
  for (const [file, list] of parts) parts.set(file, merged(list));
  return parts;
}

function merged(parts: readonly Part[]): Part[] {
  const joined: { offset: number; length: number }[] = [];
  for (const { offset, length } of parts.toSorted((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last === undefined || last.offset + last.length < offset) joined.push({ offset, length });
    else last.length = Math.max(last.length, offset + length - last.offset);
  }
  return joined;
}
