import { planGroup } from "../../dedupe/plan.ts";
import { releasesOf, type Release } from "../../dedupe/predict.ts";
import type { FoldPlan, Member, PlanMember } from "../../dedupe/types.ts";
import { INODE } from "../../btrfs/constants.ts";
import { TRAIT } from "../../native/library.ts";
import type { Holders } from "../../store/holders.ts";
import type { IndexStore } from "../../store/index-store.ts";
import { FILE, type FileColumns, type GroupColumns } from "./columns.ts";
import { outOfDate } from "./stale.ts";

/** A file as a plan is made from, with its row in FileColumns. */
export interface PlannedFile extends PlanMember {
  readonly row: number;
  readonly copies: number;
  readonly share: number;
}

export type ReviewPlan = FoldPlan<PlannedFile>;

/** Makes plans of groups from the columns; reads extents from the index only where they are needed. */
export class Planner {
  readonly #groups: GroupColumns;
  readonly #files: FileColumns;
  readonly #store: IndexStore;
  readonly #holders: Holders;
  readonly #sectorSize: number;
  readonly snapshots: boolean;

  /** @param snapshots fold copies in read-only snapshots too */
  constructor(
    groups: GroupColumns,
    files: FileColumns,
    store: IndexStore,
    sectorSize: number,
    snapshots: boolean,
  ) {
    this.#groups = groups;
    this.#files = files;
    this.#store = store;
    this.#holders = store.holders;
    this.#sectorSize = sectorSize;
    this.snapshots = snapshots;
  }

  /** The plans of those files of a group that `takes` says yes to. */
  plan(group: number, takes: (row: number) => boolean): ReviewPlan[] {
    const members: PlannedFile[] = [];
    const end = this.#groups.first[group + 1] ?? 0;
    for (let row = this.#groups.first[group] ?? 0; row < end; row++) {
      if (takes(row)) members.push(this.file(row));
    }
    return members.length < 2 ? [] : planFiles(this.#groups.id(group), members, this.snapshots);
  }

  file(row: number): PlannedFile {
    return plannedFile(this.#files, row, this.#groups.size[this.#files.group[row] ?? 0] ?? 0);
  }

  /** What the plans let go of, by extent. */
  releases(plans: readonly ReviewPlan[]): Map<number, Release> {
    return releasesOf(
      plans.map((plan) => this.#withExtents(plan)),
      this.#sectorSize,
    );
  }

  /** The plans as the fold takes them. @throws StaleReviewError where the index has not these files */
  withExtents(plans: readonly ReviewPlan[]): FoldPlan[] {
    return plans.map((plan) => this.#withExtents(plan));
  }

  /** A plan with the extents of its source alone: it says where the destinations will lie. @throws as withExtents */
  placing(plan: ReviewPlan): FoldPlan {
    const destinations = plan.destinations.map((file) => ({ ...file, extents: NO_EXTENTS }));
    return { ...this.#withExtents({ ...plan, destinations: [], left: [] }), destinations };
  }

  #withExtents(plan: ReviewPlan): FoldPlan {
    const members = new Map<PlannedFile, Member>();
    const member = (file: PlannedFile): Member => {
      let whole = members.get(file);
      if (whole === undefined) members.set(file, (whole = this.#member(file)));
      return whole;
    };
    return {
      groupId: plan.groupId,
      size: plan.size,
      source: member(plan.source),
      destinations: plan.destinations.map(member),
      left: plan.left.map(({ member: file, reason }) => ({ member: member(file), reason })),
    };
  }

  #member(file: PlannedFile): Member {
    const { row, subvolume, inode, generation, size, layout, readOnly, copies, share } = file;
    const holder = this.#files.holder[row] ?? 0;
    const found = this.#store.get(
      "SELECT flags, traits, extents FROM inode WHERE family = ? AND ino = ? AND holder = ? AND gen = ? AND layout = ?",
      this.#holders.familyOf(holder),
      inode,
      holder,
      generation,
      layout,
    ) as { flags: number; traits: number; extents: Buffer | null } | undefined;
    if (found === undefined) throw outOfDate();
    const { flags, traits } = found;
    const extents = found.extents ?? new Uint8Array();
    const identity = { subvolume, inode, generation };
    return { ...identity, size, flags, layout, traits, extents, readOnly, copies, share };
  }
}

const NO_EXTENTS = new Uint8Array();

/** Plans of files of one group; as the fold of a whole selection makes them. */
export function planFiles(
  groupId: string,
  members: readonly PlannedFile[],
  snapshots: boolean,
): ReviewPlan[] {
  return planGroup(groupId, members, { snapshots });
}

export function plannedFile(files: FileColumns, row: number, size: number): PlannedFile {
  const kind = files.kind[row] ?? 0;
  const copies = files.copies[row] ?? 1;
  return {
    row,
    subvolume: files.subvolume[row] ?? 0,
    inode: files.inode[row] ?? 0,
    generation: files.generation[row] ?? 0,
    size,
    flags:
      ((kind & FILE.nodatasum) !== 0 ? INODE.nodatasum : 0) |
      ((kind & FILE.immutable) !== 0 ? INODE.immutable : 0),
    layout: files.layout[row] ?? 0,
    traits: ((kind & FILE.disk) !== 0 ? TRAIT.disk : 0) | ((kind & FILE.inline) !== 0 ? TRAIT.inline : 0),
    extents: { length: files.extentBytes[row] ?? 0 },
    readOnly: (kind & FILE.readOnly) !== 0,
    copies,
    share: copies / (files.sharing[row] ?? 1),
  };
}
