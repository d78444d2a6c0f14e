/** The lines of the table: pages of groups, and below expanded groups pages of their files. */
import type { FileRow, GroupRow } from "../../../src-helper/rpc/protocol.ts";
import { ExpandedGroups, type Line } from "./expanded.ts";
import { PagedRows, type FetchResult } from "./paged-rows.ts";

export type TableLine =
  | {
      readonly kind: "group";
      readonly group: number;
      readonly row: GroupRow | undefined;
      readonly open: boolean;
    }
  | {
      readonly kind: "file";
      readonly group: number;
      readonly groupId: string;
      /** Of the file in its group, and how many there are. */
      readonly file: number;
      readonly files: number;
      readonly row: FileRow | undefined;
    };

export interface TableSource {
  rows(offset: number, limit: number): Promise<FetchResult<GroupRow>>;
  files(group: string, offset: number, limit: number): Promise<FetchResult<FileRow>>;
  /** Something to show has changed. */
  changed(): void;
  /** The first rows of another list are there. */
  begun(): void;
}

const PAGE = 100;
const MAX_PAGES = 6;
const MAX_FILE_PAGES = 3; // of one expanded group, while it is in view

export class TableModel {
  readonly #source: TableSource;
  readonly #groups: PagedRows<GroupRow>;
  readonly #expanded = new ExpandedGroups<PagedRows<FileRow>>();
  #view: { readonly first: number; readonly last: number } = { first: 0, last: 0 };

  constructor(source: TableSource) {
    this.#source = source;
    this.#groups = new PagedRows<GroupRow>({
      fetch: (offset, limit) => source.rows(offset, limit),
      changed: () => {
        source.changed();
      },
      arrived: (offset, rows, first) => {
        if (first) this.#expanded.clear();
        this.#expanded.reconcile(
          offset,
          rows.map((row) => row.id),
        );
        this.#expanded.truncate(this.#groups.total ?? 0);
        if (first) source.begun();
      },
      pageSize: PAGE,
      maxPages: MAX_PAGES,
    });
  }

  /** Groups shown; null before it is known. */
  get total(): number | null {
    return this.#groups.total;
  }

  /** What is shown is what was asked for last. */
  get settled(): boolean {
    return this.#groups.settled;
  }

  /** Rows held now, of groups and of files. */
  get held(): number {
    return this.#expanded.all().reduce((held, { content }) => held + content.held, this.#groups.held);
  }

  get lines(): number {
    return this.#groups.total === null ? 0 : this.#expanded.lines(this.#groups.total);
  }

  lineAt(line: number): TableLine {
    const { group, file } = this.#expanded.locate(line);
    const row = this.#groups.at(group);
    const open = this.#expandedAt(group);
    if (file === null || open === undefined) {
      return { kind: "group", group, row, open: open !== undefined };
    }
    return {
      kind: "file",
      group,
      groupId: open.id,
      file,
      files: open.count,
      row: open.content.at(file),
    };
  }

  locate(line: number): Line {
    return this.#expanded.locate(line);
  }

  lineOf(line: Line): number {
    return this.#expanded.lineOf(line);
  }

  groupAt(group: number): GroupRow | undefined {
    return this.#groups.at(group);
  }

  /** The group's source among the files that are held, else its first file. */
  sourceOf(groupId: string): FileRow | undefined {
    const files = this.#expanded.get(groupId)?.content;
    if (files === undefined) return undefined;
    const at = files.findIndex((file) => file.role === "source");
    return files.at(Math.max(0, at));
  }

  /** Expands or collapses a group whose row is there. */
  setOpen(group: number, open: boolean): void {
    const row = this.#groups.at(group);
    if (row === undefined || (this.#expandedAt(group) !== undefined) === open) return;
    if (open) this.#open(row, group);
    else this.#expanded.remove(row.id);
    this.want(this.#view.first, this.#view.last);
    this.#source.changed();
  }

  /** Says which lines are in view: both included. */
  want(first: number, last: number): void {
    this.#view = { first, last };
    const from = this.#expanded.locate(Math.max(0, first));
    const to = this.#expanded.locate(Math.max(0, last));
    this.#groups.want(from.group, to.group);
    for (const { index, count, content } of this.#expanded.all()) {
      if (index < from.group || index > to.group || count === 0) content.release();
      else {
        const firstFile = index === from.group ? (from.file ?? 0) : 0;
        const lastFile = index === to.group ? (to.file ?? 0) : count - 1;
        content.want(firstFile, lastFile);
      }
    }
  }

  /** Rows may have changed: asked for again, shown meanwhile. */
  invalidate(): void {
    for (const { content } of this.#expanded.all()) content.invalidate();
    this.#groups.invalidate();
  }

  /** Another list: what is shown stays until its first page is there. */
  reset(): void {
    this.#groups.reset();
  }

  clear(): void {
    this.#expanded.clear();
    this.#groups.clear();
  }

  /** Shows ticks of groups before the helper confirms them. null: all groups. */
  markGroups(ids: ReadonlySet<string> | null, ticked: boolean): void {
    const tick = ticked ? "all" : "none";
    this.#groups.patch((row) => (ids === null || ids.has(row.id) ? { ...row, tick } : row));
    for (const { id, content } of this.#expanded.all()) {
      if (ids === null || ids.has(id)) content.patch((file) => ({ ...file, ticked }));
    }
  }

  /** Shows ticks of files before the helper confirms them. */
  markFiles(group: string, ids: ReadonlySet<string>, ticked: boolean): void {
    this.#expanded.get(group)?.content.patch((file) => (ids.has(file.id) ? { ...file, ticked } : file));
  }

  #expandedAt(group: number): ReturnType<ExpandedGroups<PagedRows<FileRow>>["get"]> {
    const row = this.#groups.at(group);
    if (row !== undefined) return this.#expanded.get(row.id);
    // its own row is not held while only its files are in view
    return this.#expanded.all().find(({ index }) => index === group);
  }

  #open(row: GroupRow, group: number): void {
    const { id } = row;
    const content: PagedRows<FileRow> = new PagedRows<FileRow>({
      fetch: (offset, limit) => this.#source.files(id, offset, limit),
      changed: () => {
        if (content.total !== null) this.#expanded.setCount(id, content.total);
        this.#source.changed();
      },
      pageSize: PAGE,
      maxPages: MAX_FILE_PAGES,
    });
    // its files are as many as its copies, so nothing jumps when they come
    this.#expanded.add({ id, index: group, count: row.copies, content });
  }
}
