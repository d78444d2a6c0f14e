import { planGroup } from "../dedupe/plan.ts";
import type { Prediction } from "../dedupe/predict.ts";
import type { Member } from "../dedupe/types.ts";
import { TRAIT } from "../native/library.ts";
import type { IndexStore } from "../store/index-store.ts";

export interface MemberRow {
  readonly content: Buffer;
  readonly subvol: number;
  readonly ino: number;
  readonly gen: number;
  readonly flags: number;
  readonly layout: number;
  readonly traits: number;
  readonly extents: Buffer;
}

const MEMBERS = `
  SELECT p.content, i.subvol, i.ino, i.gen, i.flags, i.layout, i.traits, i.extents
  FROM print AS p JOIN inode AS i ON i.size = p.size AND i.layout = p.layout AND i.kind = 1
  WHERE p.size = ? AND p.content IS NOT NULL AND (? IS NULL OR p.content = ?)
  ORDER BY p.content, i.subvol, i.ino`;

/**
 * The files of one size, by content; each a group where it holds two places on
 * disk or more.
 *
 * @param only this content alone, where given
 */
export function contentsOfSize(
  store: IndexStore,
  size: number,
  readOnlySubvolumes: ReadonlySet<number>,
  only: Buffer | null = null,
): { content: Buffer; members: Member[] }[] {
  const contents: { content: Buffer; members: Member[] }[] = [];
  for (const row of store.all<MemberRow>(MEMBERS, size, only, only)) {
    let last = contents.at(-1);
    if (last?.content.equals(row.content) !== true) {
      last = { content: row.content, members: [] };
      contents.push(last);
    }
    last.members.push({
      subvolume: row.subvol,
      inode: row.ino,
      generation: row.gen,
      size,
      flags: row.flags,
      layout: row.layout,
      traits: row.traits,
      extents: row.extents,
      readOnly: readOnlySubvolumes.has(row.subvol),
    });
  }
  return contents;
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

/**
 * Writes the groups of the given sizes anew, with what each would give back.
 *
 * @returns whether some group lets go of extents that others hold too, now or
 *   before: then the sum over all groups has to be counted anew
 */
export function rebuildGroups(
  store: IndexStore,
  sizes: readonly number[],
  readOnlySubvolumes: ReadonlySet<number>,
  joint: Prediction,
): boolean {
  let crossed = false;
  const insert = store.statement("INSERT INTO grp VALUES (?, ?, ?, ?, ?)");
  for (const size of sizes) {
    crossed ||= store.get("SELECT 1 FROM grp WHERE size = ? AND crossing = 1", size) !== undefined;
    store.run("DELETE FROM grp WHERE size = ?", size);
    for (const { content, members } of contentsOfSize(store, size, readOnlySubvolumes)) {
      if (!isGroup(members)) continue;
      const plans = planGroup(groupId(size, content), members, { snapshots: false });
      const { bytes, crossing } = joint.add(plans);
      insert.run(size, content, members.length, bytes, crossing ? 1 : 0);
      crossed ||= crossing;
    }
  }
  return crossed;
}
