import { planGroup } from "../dedupe/plan.ts";
import type { Prediction } from "../dedupe/predict.ts";
import type { FoldPlan, Member } from "../dedupe/types.ts";
import { TRAIT } from "../native/library.ts";
import type { IndexStore } from "../store/index-store.ts";
import { loadSizeClass, type SizeClass } from "./size-class.ts";

/** Files of one content. */
export interface Content {
  readonly content: Buffer;
  readonly members: readonly Member[];
}

/** The files of a size whose content is known, by content; each a group where isGroup says so. */
export function contentsOf(
  { size, files, places }: SizeClass,
  readOnlySubvolumes: ReadonlySet<number>,
): Content[] {
  const byLayout = new Map(places.map((place) => [place.layout, place.content]));
  const contents = new Map<string, { content: Buffer; members: Member[] }>();
  for (const file of files) {
    const content = byLayout.get(file.layout);
    if (content === undefined || content === null) continue;
    const key = content.toString("latin1");
    let same = contents.get(key);
    if (same === undefined) contents.set(key, (same = { content, members: [] }));
    same.members.push({
      subvolume: file.subvol,
      inode: file.ino,
      generation: file.gen,
      size,
      flags: file.flags,
      layout: file.layout,
      traits: file.traits,
      extents: file.extents,
      readOnly: readOnlySubvolumes.has(file.subvol),
    });
  }
  return [...contents.values()].filter(({ members }) => members.length > 1);
}

/** As contentsOf, from the index. */
export function contentsOfSize(
  store: IndexStore,
  size: number,
  readOnlySubvolumes: ReadonlySet<number>,
): Content[] {
  return contentsOf(loadSizeClass(store, size, false), readOnlySubvolumes);
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
 * Writes the groups of one size anew, with what each would give back.
 *
 * @returns whether some group lets go of extents that others hold too, now or
 *   before: then the sum over all groups has to be counted anew
 */
export function rebuildGroups(
  store: IndexStore,
  size: number,
  contents: readonly Content[],
  joint: Prediction,
): boolean {
  let crossed = store.get("SELECT 1 FROM grp WHERE size = ? AND crossing = 1", size) !== undefined;
  store.run("DELETE FROM grp WHERE size = ?", size);
  for (const { content, members } of contents) {
    if (!isGroup(members)) continue;
    const plans = planGroup(groupId(size, content), members, { snapshots: false });
    const { bytes, crossing } = joint.add(plans);
    const toFold = plans.reduce((sum, plan) => sum + plan.destinations.length, 0);
    store.run(
      "INSERT INTO grp VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      size,
      content,
      members.length,
      toFold,
      toFold * size,
      isComplete(plans, members) ? 1 : 0,
      bytes,
      crossing ? 1 : 0,
    );
    crossed ||= crossing;
  }
  return crossed;
}

/** Whether all files share all their data once the plans are carried out. */
function isComplete(plans: readonly FoldPlan[], members: readonly Member[]): boolean {
  const [plan] = plans;
  if (plan === undefined || plans.length > 1) return false;
  const atSource = members.filter((member) => member.layout === plan.source.layout).length;
  return atSource + plan.destinations.length === members.length;
}
