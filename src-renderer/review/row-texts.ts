/**
 * What a row says, made once a row and language: rows come and go with every frame while the table is scrolled, and
 * formatting, escaping and translating is most of what they would cost.
 */
import type { FileRow, GroupRow } from "../../src-helper/rpc/protocol.ts";
import type { Texts } from "../i18n/index.ts";
import { displayPath, MAX_TITLE, shortenMiddle, splitForMiddle } from "../lib/path-text.ts";
import type { Format } from "../lib/use-format.ts";

/** A path as PathText lays it out: the start gives way, the end stays. */
export interface PathParts {
  readonly head: string;
  readonly tail: string;
  readonly title: string;
}
/** A text, and what its title says in more words. */
export interface Titled {
  readonly text: string;
  readonly title: string;
}
export interface GroupTexts {
  /** The whole row, for screen readers. */
  readonly label: string;
  readonly name: PathParts;
  readonly folder: PathParts;
  readonly copies: string;
  readonly size: Titled;
  readonly modified: Titled;
  readonly frees: Titled;
  /** null where no copy is in a snapshot. */
  readonly snapshots: Titled | null;
  /** null where it is of whole files. */
  readonly parts: Titled | null;
  readonly more: string;
}
export interface FileTexts {
  readonly label: string;
  readonly path: PathParts;
  readonly role: Titled;
  /** Where in the file its parts are; null of a whole file. */
  readonly parts: Titled | null;
  readonly subvolume: Titled;
  readonly modified: Titled;
  readonly owner: Titled;
  readonly more: string;
}
export interface RowTexts {
  group(row: GroupRow): GroupTexts;
  file(row: FileRow): FileTexts;
}

const MOST = 600; // of a path; no screen shows more
const SHORT = 4; // letters
const MAX_NAME = 40; // of a snapshot, in a badge

function pathParts(path: string): PathParts {
  const whole = displayPath(path);
  const title = shortenMiddle(whole, MAX_TITLE);
  const parts = splitForMiddle(shortenMiddle(whole, MOST));
  // a start of a letter or two is not worth an ellipsis
  if (parts.head.length < SHORT) return { head: "", tail: parts.head + parts.tail, title };
  return { ...parts, title };
}

/** Snapshots and files that cannot be moved stay, whatever is ticked. */
export function canTick(row: FileRow): boolean {
  return row.role !== "snapshot" && row.role !== "fixed";
}

/** What becomes of the parts of a file. */
function partRole({ role }: FileRow): "source" | "fold" | "left" {
  return role === "source" || role === "fold" ? role : "left";
}

/** @param texts and format - of one language; for another one these are made anew */
export function createRowTexts({ t, n }: Pick<Texts, "t" | "n">, format: Format): RowTexts {
  const groups = new WeakMap<GroupRow, GroupTexts>();
  const files = new WeakMap<FileRow, FileTexts>();

  function roleText(row: FileRow): string {
    if (row.role === "shared" && row.sharing > 1) return n("review.role.sharedWith", row.sharing - 1);
    if (row.role === "snapshot" && row.subvolume !== "" && row.subvolume.length <= MAX_NAME)
      return t("review.role.snapshotOf", { name: displayPath(row.subvolume) });
    return t(`review.role.${row.role}`);
  }
  const day = (at: number): Titled => ({ text: format.day(at), title: format.moment(at) });
  const size = (bytes: number): Titled => ({ text: format.bytes(bytes), title: format.exactBytes(bytes) });

  function partsOfGroup({ range }: GroupRow): Titled | null {
    if (range === undefined) return null;
    const rewritten =
      range.rewrittenBytes === 0
        ? t("review.table.partsNothingRewritten")
        : t("review.table.partsRewritten", { size: format.bytes(range.rewrittenBytes) });
    return {
      text: n("review.table.parts", range.parts),
      title: `${t("review.table.partsTitle")} ${rewritten}`,
    };
  }
  function partsOfFile({ parts }: FileRow): Titled | null {
    const first = parts?.list[0];
    if (parts === undefined || first === undefined) return null;
    const from = t("review.table.fromByte", { offset: format.count(first.offset) });
    const lines = parts.list.map(({ offset, length }) =>
      t("review.table.partAt", { offset: format.count(offset), size: format.exactBytes(length) }),
    );
    const more = parts.count - parts.list.length;
    if (more > 0) lines.push(n("review.table.moreParts", more));
    const text = parts.count === 1 ? from : n("review.table.partsFrom", parts.count, { from });
    return { text: `${text} · ${format.bytes(parts.bytes)}`, title: lines.join("\n") };
  }

  function makeGroup(row: GroupRow): GroupTexts {
    const name = displayPath(row.name);
    const copies = format.count(row.copies);
    const each = size(row.size);
    const frees = size(row.frees);
    const parts = partsOfGroup(row);
    const label = parts === null ? "review.table.rowGroup" : "review.table.rowParts";
    return {
      label: t(label, { name, copies, size: each.text, frees: frees.text }),
      parts,
      name: pathParts(row.name),
      folder: pathParts(row.folder),
      copies,
      size: each,
      modified: day(row.modified),
      frees,
      snapshots:
        row.snapshotCopies === 0
          ? null
          : {
              text: n("review.table.snapshots", row.snapshotCopies),
              title: t("review.table.snapshotsTitle"),
            },
      more: t("review.table.more", { name }),
    };
  }

  function makeFile(row: FileRow): FileTexts {
    const path = displayPath(row.path);
    const parts = partsOfFile(row);
    const role = parts === null ? roleText(row) : t(`review.partRole.${partRole(row)}`);
    const owner = displayPath(row.owner);
    const modified = day(row.modified);
    const subvolume = row.subvolume === "" ? t("review.filter.topLevel") : displayPath(row.subvolume);
    const inSubvolume = t("review.filter.inSubvolume", { name: subvolume });
    return {
      label: t("review.table.rowFile", {
        path,
        role: parts === null ? role : `${role}, ${parts.text}`,
        owner,
        modified: modified.text,
      }),
      path: pathParts(row.path),
      parts,
      role: {
        text: role,
        title:
          parts === null ? t(`review.roleTitle.${row.role}`) : t(`review.partRoleTitle.${partRole(row)}`),
      },
      subvolume: { text: subvolume, title: inSubvolume },
      modified,
      owner: { text: owner, title: `${t("review.filter.ownedBy", { name: owner })} · ${inSubvolume}` },
      more: t("review.table.more", { name: path }),
    };
  }

  return {
    group: (row) => cached(groups, row, makeGroup),
    file: (row) => cached(files, row, makeFile),
  };
}

function cached<Row extends object, Made>(
  made: WeakMap<Row, Made>,
  row: Row,
  make: (row: Row) => Made,
): Made {
  const before = made.get(row);
  if (before !== undefined) return before;
  const now = make(row);
  made.set(row, now);
  return now;
}
