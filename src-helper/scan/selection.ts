import picomatch from "picomatch";
import type { PathBytes, Selection } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import { planGroup } from "../dedupe/plan.ts";
import type { Prediction } from "../dedupe/predict.ts";
import { countCopies, type FoldPlan, type Member } from "../dedupe/types.ts";
import type { IndexStore } from "../store/index-store.ts";
import { contentsOfSize, eachContentOfSize, groupId, isGroup, type Content } from "./groups.ts";

/** A group as a selection sees it. */
export interface SelectedGroup {
  readonly id: string;
  readonly size: number;
  /** The print of its content, as the index has it. */
  readonly content: Buffer;
  readonly members: readonly Member[];
  readonly plans: readonly FoldPlan[];
}

export interface SelectionScope {
  readonly selection: Selection;
  /** Subvolume ids, null for all. */
  readonly scope: readonly number[] | null;
  readonly readOnlySubvolumes: ReadonlySet<number>;
  /** Whether rules and attributes let a file be touched; null where they let all. */
  readonly allows: ((file: { readonly subvolume: number; readonly inode: number }) => boolean) | null;
  pathOf(subvolume: number, inode: number): PathBytes;
}

/** Whether a selection looks at all groups as the scan stored them. */
export function isUnfiltered({ selection, scope, allows }: SelectionScope): boolean {
  return (
    scope === null &&
    allows === null &&
    selection.exclude.length === 0 &&
    selection.pathGlob === null &&
    selection.crossVolume &&
    !selection.snapshots
  );
}

/** The groups of a selection, by size, largest first; some of one size in memory at a time. */
export function* selectGroups(store: IndexStore, scope: SelectionScope): Generator<SelectedGroup> {
  const sizes = store.all<{ size: number }>(
    "SELECT DISTINCT size FROM grp WHERE size >= ? ORDER BY size DESC",
    scope.selection.minSize,
  );
  for (const { size } of sizes) yield* groupsOfSize(store, scope, size);
}

export function* groupsOfSize(
  store: IndexStore,
  scope: SelectionScope,
  size: number,
): Generator<SelectedGroup> {
  yield* groupsOf(eachContentOfSize(store, size, scope.readOnlySubvolumes), scope, size);
}

/** The groups of one content: several where subvolumes are looked at apart. */
export function groupsOfContent(
  store: IndexStore,
  scope: SelectionScope,
  { size, content }: Pick<SelectedGroup, "size" | "content">,
): Generator<SelectedGroup> {
  return groupsOf(contentsOfSize(store, size, scope.readOnlySubvolumes, false, content), scope, size);
}

function* groupsOf(
  contents: Iterable<Content>,
  scope: SelectionScope,
  size: number,
): Generator<SelectedGroup> {
  const keep = memberFilter(scope);
  for (const { content, members } of contents) {
    const kept = members.filter(keep);
    for (const [suffix, some] of bySubvolume(kept, scope.selection.crossVolume)) {
      if (!isGroup(some)) continue;
      const id = groupId(size, content) + suffix;
      yield { id, size, content, members: some, plans: planGroup(id, some, scope.selection) };
    }
  }
}

/** What folding a whole selection gives back. */
export function predict(
  groups: Iterable<SelectedGroup>,
  prediction: Prediction,
): { groups: number; members: number; toFold: number; foldBytes: number } {
  const counts = { groups: 0, members: 0, toFold: 0, foldBytes: 0 };
  for (const group of groups) {
    counts.groups++;
    counts.members += countCopies(group.members);
    for (const plan of group.plans) {
      const toFold = countCopies(plan.destinations);
      counts.toFold += toFold;
      counts.foldBytes += toFold * plan.size;
    }
    prediction.add(group.plans);
  }
  return counts;
}

function bySubvolume(members: readonly Member[], crossVolume: boolean): [string, readonly Member[]][] {
  if (crossVolume) return [["", members]];
  const split = new Map<number, Member[]>();
  for (const member of members) {
    const some = split.get(member.subvolume);
    if (some === undefined) split.set(member.subvolume, [member]);
    else some.push(member);
  }
  return [...split].map(([subvolume, some]) => [`-${subvolume}`, some]);
}

function memberFilter(chosen: SelectionScope): (member: Member) => boolean {
  const { selection, scope } = chosen;
  const inScope = scope === null ? null : new Set(scope);
  const excluded = selection.exclude.length === 0 ? null : pathMatcher(selection.exclude);
  const wanted = selection.pathGlob === null ? null : pathMatcher([selection.pathGlob]);
  return (member) => {
    if (inScope !== null && !inScope.has(member.subvolume)) return false;
    if (chosen.allows !== null && !chosen.allows(member)) return false;
    if (excluded === null && wanted === null) return true;
    const path = chosen.pathOf(member.subvolume, member.inode).toString();
    return !(excluded?.(path) ?? false) && (wanted?.(path) ?? true);
  };
}

/**
 * Matches a path or one of the folders above it. A glob without a slash is
 * compared with single names: "node_modules", "*.iso".
 */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  const { name, path } = globMatchers(globs);
  return (whole) => {
    if (name !== null && whole.split("/").some((part) => part !== "" && name(part))) return true;
    if (path === null) return false;
    for (let end = whole.length; end > 0; end = whole.lastIndexOf("/", end - 1)) {
      if (path(whole.slice(0, end))) return true;
    }
    return false;
  };
}

/** The two halves of pathMatcher, for who keeps folders and names apart; null where no glob is of that half. */
export interface GlobMatchers {
  /** A single name on the path. */
  readonly name: ((name: string) => boolean) | null;
  /** The path of the file, or of a folder above it. */
  readonly path: ((path: string) => boolean) | null;
}

/** @throws RefoldError "usage" for a glob that cannot be compared with */
export function globMatchers(globs: readonly string[], anyCase = false): GlobMatchers {
  // picomatch 4.0.7 never comes back from some of these ("x/" and four backslashes)
  const endless = globs.find((glob) => /\\{4}/.test(glob));
  if (endless !== undefined) {
    throw new RefoldError("usage", `the pattern ${endless} has four backslashes in a row`, {
      next: "Write ? for a backslash in a name.",
    });
  }
  const options = { dot: true, nonegate: true, nocase: anyCase };
  const names = globs.filter((glob) => !glob.includes("/"));
  const paths = globs.filter((glob) => glob.includes("/")).map((glob) => glob.replace(/(?<=.)\/+$/, ""));
  return {
    name: names.length === 0 ? null : picomatch(names, options),
    path: paths.length === 0 ? null : picomatch(paths, options),
  };
}
