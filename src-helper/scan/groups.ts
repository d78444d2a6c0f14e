import { planGroup } from "../dedupe/plan.ts";
import type { Prediction } from "../dedupe/predict.ts";
import { countCopies, type FoldPlan, type Member } from "../dedupe/types.ts";
import { TRAIT } from "../native/library.ts";
import type { Holders } from "../store/holders.ts";
import type { IndexStore } from "../store/index-store.ts";
import { loadFiles, type FileRow, type SizeClass } from "./size-class.ts";

/** Files of one content. */
export interface Content {
  readonly content: Buffer;
  readonly members: readonly Member[];
}

/**
 * The files of a size whose content is known, by content; each a group where
 * isGroup says so. Members are in the order of subvolume and inode.
 *
 * @param together those of one row that can be told apart by nothing but their
 *   subvolume are one member (Member.copies): what a hundred snapshots have is
 *   not a hundred times as much work
 */
export function contentsOf(
  { size, files, places }: Pick<SizeClass, "size" | "files"> & { places: readonly KnownContent[] },
  readOnlySubvolumes: ReadonlySet<number>,
  holders: Holders,
  together = false,
): Content[] {
  const byLayout = new Map(places.map((place) => [place.layout, place.content]));
  const contents = new Map<string, { content: Buffer; members: Member[] }>();
  for (const file of files) {
    const content = byLayout.get(file.layout);
    if (content === undefined || content === null) continue;
    const key = content.toString("latin1");
    let same = contents.get(key);
    if (same === undefined) contents.set(key, (same = { content, members: [] }));
    const subvolumes = holders.subvolumes(file.holder);
    if (together) addTogether(same.members, file, size, subvolumes, readOnlySubvolumes);
    else {
      for (const subvolume of subvolumes) {
        const readOnly = readOnlySubvolumes.has(subvolume);
        same.members.push(memberOf(file, size, subvolume, readOnly, 1, subvolumes.length));
      }
    }
  }
  const several = [...contents.values()].filter(({ members }) => countCopies(members) > 1);
  for (const { members } of several) {
    members.sort((a, b) => a.subvolume - b.subvolume || a.inode - b.inode);
  }
  return several;
}

function addTogether(
  members: Member[],
  file: FileRow,
  size: number,
  subvolumes: readonly number[],
  readOnlySubvolumes: ReadonlySet<number>,
): void {
  const first = { readOnly: 0, writable: 0 };
  const count = { readOnly: 0, writable: 0 };
  for (const subvolume of subvolumes) {
    const kind = readOnlySubvolumes.has(subvolume) ? "readOnly" : "writable";
    if (count[kind]++ === 0) first[kind] = subvolume;
  }
  for (const kind of ["writable", "readOnly"] as const) {
    if (count[kind] === 0) continue;
    members.push(memberOf(file, size, first[kind], kind === "readOnly", count[kind], subvolumes.length));
  }
}

function memberOf(
  { ino, gen, flags, layout, traits, extents }: FileRow,
  size: number,
  subvolume: number,
  readOnly: boolean,
  copies: number,
  sharing: number,
): Member {
  return {
    subvolume,
    inode: ino,
    generation: gen,
    size,
    flags,
    layout,
    traits,
    extents,
    readOnly,
    copies,
    share: copies / sharing,
  };
}

/** What a content is told by: the place, and what was found there. */
interface KnownContent {
  readonly layout: number;
  readonly content: Buffer | null;
}

const KNOWN = "SELECT layout, content FROM print WHERE size = ? AND content IS NOT NULL";
const KNOWN_ONE = "SELECT layout, content FROM print WHERE size = ? AND content = ?";

/**
 * As contentsOf, from the index.
 * @param only null: all contents of the size
 */
export function contentsOfSize(
  store: IndexStore,
  size: number,
  readOnlySubvolumes: ReadonlySet<number>,
  together = false,
  only: Buffer | null = null,
): Content[] {
  const places =
    only === null ? store.all<KnownContent>(KNOWN, size) : store.all<KnownContent>(KNOWN_ONE, size, only);
  const layouts = places.map(({ layout }) => layout);
  const files = loadFiles(store, size, layouts);
  return contentsOf({ size, files, places }, readOnlySubvolumes, store.holders, together);
}

/** Places of one size that are looked at together: what is in memory hangs on this, not on how many a size has. */
const PLACES_AT_ONCE = 256;
const FIRST_KNOWN = `${KNOWN} LIMIT ${PLACES_AT_ONCE + 1}`;
const KNOWN_BY_CONTENT = `${KNOWN} ORDER BY content, layout`;
const KNOWN_OF_LIST = `${KNOWN} AND layout IN (SELECT value FROM json_each(?))`;

/** As contentsOfSize, each content with all of its files, and not many contents in memory at a time. */
export function* eachContentOfSize(
  store: IndexStore,
  size: number,
  readOnlySubvolumes: ReadonlySet<number>,
): Generator<Content> {
  const first = store.all<KnownContent>(FIRST_KNOWN, size);
  const few = first.length <= PLACES_AT_ONCE;
  for (const layouts of few ? [null] : placesByContent(store, size)) {
    const places =
      layouts === null ? first : store.all<KnownContent>(KNOWN_OF_LIST, size, JSON.stringify(layouts));
    const files = loadFiles(store, size, layouts ?? first.map(({ layout }) => layout));
    yield* contentsOf({ size, files, places }, readOnlySubvolumes, store.holders);
  }
}

const NO_CONTENT = Buffer.alloc(0);

/** All places of a size whose content is known; those of one content are not parted. */
function placesByContent(store: IndexStore, size: number): number[][] {
  const batches: number[][] = [];
  let batch: number[] = [];
  let last: Buffer = NO_CONTENT;
  for (const row of store.statement(KNOWN_BY_CONTENT).iterate(size)) {
    const { layout, content } = row as { layout: number; content: Buffer };
    if (batch.length >= PLACES_AT_ONCE && !last.equals(content)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(layout);
    last = content;
  }
  batches.push(batch);
  return batches;
}

/** Whether at least two of the files do not share all their data. */
export function isGroup(members: readonly Member[]): boolean {
  let first: number | undefined;
  for (const member of members) {
    // nothing on disk, nothing to share: holes and inline data are one place
    const place = (member.traits & TRAIT.disk) === 0 ? 0 : member.layout;
    if (first !== undefined && place !== first) return true;
    first = place;
  }
  return false;
}

/** The stable id of a group: its size and the beginning of its content's print. */
export function groupId(size: number, content: Buffer): string {
  return `${size}-${content.toString("hex", 0, 8)}`;
}

/** What groups come to, each counted by itself: what only several give back together is not in it. */
export interface GroupSums {
  groups: number;
  files: number;
  toFold: number;
  foldBytes: number;
  bytes: number;
  /** Bytes of extents that stay though folds let go of them in part, and that files of one group alone hold. */
  pinned: number;
}

export const NO_GROUPS: Readonly<GroupSums> = {
  groups: 0,
  files: 0,
  toFold: 0,
  foldBytes: 0,
  bytes: 0,
  pinned: 0,
};

/** Of all groups in the index: counted, which takes as long as there are groups. */
export function sumGroups(store: IndexStore): GroupSums {
  return store.get(
    `SELECT COUNT(*) AS groups, TOTAL(files) AS files, TOTAL(to_fold) AS toFold,
       TOTAL(fold_bytes) AS foldBytes, TOTAL(reclaimable) AS bytes, TOTAL(pinned) AS pinned
     FROM grp`,
  ) as GroupSums;
}

export function addSums(a: GroupSums, b: GroupSums): GroupSums {
  return {
    groups: a.groups + b.groups,
    files: a.files + b.files,
    toFold: a.toFold + b.toFold,
    foldBytes: a.foldBytes + b.foldBytes,
    bytes: a.bytes + b.bytes,
    pinned: a.pinned + b.pinned,
  };
}

function count(sums: GroupSums, sign: 1 | -1, group: Omit<GroupSums, "groups">): void {
  sums.groups += sign;
  sums.files += sign * group.files;
  sums.toFold += sign * group.toFold;
  sums.foldBytes += sign * group.foldBytes;
  sums.bytes += sign * group.bytes;
  sums.pinned += sign * group.pinned;
}

type DeletedGroup = Omit<GroupSums, "groups"> & { readonly joint: number };

const DELETED =
  "RETURNING joint, pinned, files, to_fold AS toFold, fold_bytes AS foldBytes, reclaimable AS bytes";
const DELETE_OF_SIZE = `DELETE FROM grp WHERE size = ? ${DELETED}`;
const DELETE_ONE = `DELETE FROM grp WHERE size = ? AND content = ? ${DELETED}`;

/**
 * Takes out groups of a size that are to be written anew.
 *
 * @param contents null: all of the size
 * @param sums what they came to is taken off
 * @returns whether one of them lets go of extents that others hold too: then
 *   the sum over all groups has to be counted anew
 */
export function deleteGroups(
  store: IndexStore,
  size: number,
  contents: readonly Buffer[] | null,
  sums: GroupSums,
): boolean {
  const rows =
    contents === null
      ? store.all<DeletedGroup>(DELETE_OF_SIZE, size)
      : contents.flatMap((content) => store.all<DeletedGroup>(DELETE_ONE, size, content));
  for (const row of rows) count(sums, -1, row);
  return rows.some(({ joint }) => joint === 1);
}

/**
 * Writes groups of one size, with what each would give back.
 * @param sums what they come to is added
 * @returns as deleteGroups
 */
export function insertGroups(
  store: IndexStore,
  size: number,
  contents: readonly Content[],
  joint: Prediction,
  sums: GroupSums,
): boolean {
  let anyJoint = false;
  for (const { content, members } of contents) {
    if (!isGroup(members)) continue;
    const plans = planGroup(groupId(size, content), members, { snapshots: false });
    const { bytes, crossing, pinned, joint: isJoint } = joint.addWhole(plans, members);
    const toFold = plans.reduce((sum, plan) => sum + countCopies(plan.destinations), 0);
    const [files, foldBytes] = [countCopies(members), toFold * size];
    count(sums, 1, { files, toFold, foldBytes, bytes, pinned });
    store.run(
      "INSERT INTO grp VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      size,
      content,
      files,
      toFold,
      foldBytes,
      isComplete(plans, members) ? 1 : 0,
      bytes,
      crossing ? 1 : 0,
      pinned,
      isJoint ? 1 : 0,
    );
    anyJoint ||= isJoint;
  }
  return anyJoint;
}

/** Whether all files share all their data once the plans are carried out. */
function isComplete(plans: readonly FoldPlan[], members: readonly Member[]): boolean {
  const [plan] = plans;
  if (plan === undefined || plans.length > 1) return false;
  const atSource = members.filter((member) => member.layout === plan.source.layout);
  return countCopies(atSource) + countCopies(plan.destinations) === countCopies(members);
}
