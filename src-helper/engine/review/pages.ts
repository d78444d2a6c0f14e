import { MAX_PARTS, type FileRow, type GroupRow, type Params, type Result } from "../../rpc/protocol.ts";
import type { Choice } from "./choice.ts";
import { momentOf, type FileColumns, type GroupColumns } from "./columns.ts";
import type { Early } from "./early.ts";
import { earlyFiles } from "./early-files.ts";
import type { Loaded } from "./loading.ts";
import type { Owners } from "./owners.ts";
import type { RangeTicks } from "./range-ticks.ts";
import {
  factsOfFiles,
  fileRow,
  groupRow,
  NamesLocator,
  TreeLocator,
  type FileFacts,
  type GroupFacts,
  type Locator,
  type Place,
} from "./rows.ts";
import type { Slices } from "./slices.ts";
import type { ReviewSource } from "./source.ts";
import { Views, type ViewedRanges } from "./view.ts";
import type { VolumeHandle } from "../../volumes/volume-handle.ts";

/** A file of a group. */
interface Copy {
  readonly facts: FileFacts;
  readonly subvolume: number;
}

type RowsAsked = Omit<Params<"review.rows">, "review">;

/** Ranges of a page, and what of them is ticked. */
export interface PagedRanges extends ViewedRanges {
  readonly ticks: RangeTicks;
}

/** The pages of a review: before its files are loaded from the index, afterwards from the columns. */
export class Pages {
  readonly #source: ReviewSource;
  readonly #groups: GroupColumns;
  readonly #owners: Owners;
  readonly #snapshots: boolean;
  readonly views = new Views();

  constructor(source: ReviewSource, groups: GroupColumns, owners: Owners, snapshots: boolean) {
    this.#source = source;
    this.#groups = groups;
    this.#owners = owners;
    this.#snapshots = snapshots;
  }

  async rows(
    loaded: Loaded,
    ranges: PagedRanges | null,
    asked: RowsAsked,
    slices: Slices,
  ): Promise<Result<"review.rows">> {
    const { filter, sort, offset, limit } = asked;
    const { files, choice, names } = loaded;
    const view = await this.views.get({ groups: this.#groups, ...loaded, ranges }, filter, sort, slices);
    const locator = new NamesLocator(names);
    const page = view.list.subarray(offset, offset + limit);
    const { count } = this.#groups;
    return {
      revision: choice.revision,
      total: view.list.length,
      reclaimableBytes: view.bytes,
      tick: tickOfAll(view.list, (at) =>
        at < count ? choice.tickOf(at) : (ranges?.ticks.tickOf(at - count) ?? "none"),
      ),
      rows: Array.from(page, (at) =>
        at < count || ranges === null
          ? groupRow(this.#facts(choice, at), locator.locate(files, view.shown[at] ?? 0))
          : this.#rangeRow(ranges, at - count, view.shownOfRanges[at - count] ?? 0),
      ),
    };
  }

  #rangeRow({ list, names, ticks }: PagedRanges, row: number, file: number): GroupRow {
    const range = list.rows[row];
    if (range === undefined) throw new Error(`no row ${row}`);
    const { id, size, parts, toFold, bytes, rewrittenBytes, modified, snapshots, first, end } = range;
    const tick = ticks.tickOf(row);
    const facts = {
      ...{ id, size, copies: end - first, toFold, tick, modified },
      frees: tick === "some" ? 0 : bytes,
      snapshotCopies: this.#snapshots ? 0 : snapshots,
      range: { parts, rewrittenBytes },
    };
    return groupRow(facts, new NamesLocator(names).locate(list.files, file));
  }

  /** The files of a row of ranges, and where in them its parts are. */
  rangeFiles(
    { list, names, ticks }: PagedRanges,
    row: number,
    offset: number,
    limit: number,
  ): Result<"review.files"> {
    const { first = 0, end = 0 } = list.rows[row] ?? {};
    const parts = list.parts(row);
    const locator = new NamesLocator(names);
    const chosen = ticks.isChosen(row);
    const { files } = list;
    const page = rowsBetween(first, end).slice(offset, offset + limit);
    return {
      total: end - first,
      files: page.map((at): FileRow => {
        const all = parts.get(list.fileOf[at] ?? 0) ?? [];
        const moved = files.moves[at] === 1 ? "fold" : "source";
        const facts = {
          ...{ row: at, ticked: files.ticked[at] === 1, place: at - first, sharing: 1 },
          role: chosen ? moved : "left",
        } as const;
        const id = files.subvolume[at] ?? 0;
        return {
          ...fileRow(files, facts, locator.locate(files, at), {
            id,
            subvolume: this.#source.subvolume(id).path,
            owner: this.#owners.name(files.uid[at] ?? 0),
          }),
          parts: {
            count: all.length,
            bytes: all.reduce((sum, { length }) => sum + length, 0),
            list: all.slice(0, MAX_PARTS),
          },
        };
      }),
    };
  }

  /** null where what is asked hangs on files. */
  earlyRows(early: Early, { filter, sort, offset, limit }: RowsAsked): Result<"review.rows"> | null {
    const view = early.list(filter, sort);
    if (view === null) return null;
    const page = [...view.list.subarray(offset, offset + limit)];
    const { store, readOnlySubvolumes, handle } = this.#source;
    const { files, ranges } = earlyFiles(store, this.#groups, page, readOnlySubvolumes);
    const locator = new TreeLocator(handle);
    return {
      revision: 0,
      total: view.list.length,
      reclaimableBytes: view.bytes,
      tick: view.list.length === 0 ? "none" : "all",
      rows: page.map((group) => {
        const rows = ranges.get(group) ?? [];
        return groupRow(this.#earlyFacts(group, files, rows), standIn(files, rows, locator));
      }),
    };
  }

  async files(loaded: Loaded, group: number, offset: number, limit: number): Promise<Result<"review.files">> {
    const { files, names } = loaded;
    const { first } = this.#groups;
    const rows = rowsBetween(first[group] ?? 0, first[group + 1] ?? 0).filter(
      (row) => files.excluded[row] === 0,
    );
    const copies = this.#copies(files, rows);
    const page = copies.slice(offset, offset + limit);
    const locator = new NamesLocator(names);
    const known = (one: Copy): boolean => one.subvolume === files.subvolume[one.facts.row];
    const tell = (handle: VolumeHandle | null): FileRow[] => {
      const inTrees = handle === null ? null : new TreeLocator(handle);
      return page.map((one) => {
        const { row } = one.facts;
        const place = inTrees !== null && !known(one) ? inTrees.locate(files, row, one.subvolume) : null;
        return this.#fileRow(files, one, place ?? locator.locate(files, row));
      });
    };
    // of copies in several snapshots, one name was read: a folder above another may be called otherwise there
    const told = page.every(known)
      ? tell(null)
      : await this.#source.withVolume((handle) => Promise.resolve(tell(handle)));
    return { total: copies.length, files: told };
  }

  earlyFiles(group: number, offset: number, limit: number): Result<"review.files"> {
    const { store, readOnlySubvolumes, handle } = this.#source;
    const { files, ranges } = earlyFiles(store, this.#groups, [group], readOnlySubvolumes);
    const copies = this.#copies(files, ranges.get(group) ?? []);
    const locator = new TreeLocator(handle);
    const page = copies.slice(offset, offset + limit).map((one) => {
      return this.#fileRow(files, one, locator.locate(files, one.facts.row, one.subvolume));
    });
    return { total: copies.length, files: page };
  }

  /** The files of a group one by one, by subvolume and inode. */
  #copies(files: FileColumns, rows: readonly number[]): Copy[] {
    const group = files.group[rows[0] ?? 0] ?? 0;
    const size = this.#groups.size[group] ?? 0;
    const facts = factsOfFiles(this.#groups.id(group), files, rows, size, this.#snapshots);
    const inode = ({ facts: { row } }: Copy): number => files.inode[row] ?? 0;
    return facts
      .flatMap((one) => files.subvolumesOf(one.row).map((subvolume) => ({ facts: one, subvolume })))
      .sort((a, b) => a.subvolume - b.subvolume || inode(a) - inode(b));
  }

  #fileRow(files: FileColumns, { facts, subvolume: id }: Copy, place: Place): FileRow {
    const subvolume = this.#source.subvolume(id).path;
    const owner = this.#owners.name(files.uid[facts.row] ?? 0);
    return fileRow(files, facts, place, { id, subvolume, owner });
  }

  #facts(choice: Choice, group: number): GroupFacts {
    const tick = choice.tickOf(group);
    return {
      id: this.#groups.id(group),
      size: this.#groups.size[group] ?? 0,
      copies: choice.present[group] ?? 0,
      toFold: choice.whole.toFold[group] ?? 0,
      frees: tick === "none" ? (choice.whole.bytes[group] ?? 0) : choice.tally.bytes(group),
      tick,
      modified: choice.modified[group] ?? 0,
      snapshotCopies: this.#snapshots ? 0 : (choice.snapshots[group] ?? 0),
    };
  }

  #earlyFacts(group: number, files: FileColumns, rows: readonly number[]): GroupFacts {
    return {
      id: this.#groups.id(group),
      size: this.#groups.size[group] ?? 0,
      copies: this.#groups.files[group] ?? 0,
      toFold: this.#groups.toFold[group] ?? 0,
      frees: this.#groups.bytes[group] ?? 0,
      tick: "all",
      modified: rows.reduce((latest, row) => Math.max(latest, momentOf(files.mtime[row] ?? 0)), 0),
      snapshotCopies: rows.reduce(
        (sum, row) => sum + (files.isReadOnly(row) ? (files.copies[row] ?? 1) : 0),
        0,
      ),
    };
  }
}

function tickOfAll(list: Int32Array, tickOf: (at: number) => GroupRow["tick"]): GroupRow["tick"] {
  let all = true;
  let none = true;
  for (const at of list) {
    const tick = tickOf(at);
    all &&= tick === "all";
    none &&= tick === "none";
    if (!all && !none) return "some";
  }
  return none ? "none" : "all";
}

/** As the views choose it: the first that is writable and can be reached, else the first writable one. */
function standIn(files: FileColumns, rows: readonly number[], locator: Locator): Place {
  const writable = rows.filter((row) => !files.isReadOnly(row));
  let first: Place | null = null;
  for (const row of writable) {
    const place = locator.locate(files, row);
    if (place.reachable) return place;
    first ??= place;
  }
  return first ?? locator.locate(files, rows[0] ?? 0);
}

function rowsBetween(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, k) => start + k);
}
