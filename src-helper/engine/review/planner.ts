import { planGroup } from "../../dedupe/plan.ts";
import { releasesOf, type Release } from "../../dedupe/predict.ts";
import type { FoldPlan, Member, PlanMember } from "../../dedupe/types.ts";
import { INODE } from "../../btrfs/constants.ts";
import { TRAIT } from "../../native/library.ts";
import type { IndexStore } from "../../store/index-store.ts";
import { FILE, type FileColumns, type GroupColumns } from "./columns.ts";
import { outOfDate } from "./stale.ts";

/** A file as a plan is made from, with its row in FileColumns. */
export interface PlannedFile extends PlanMember {
  readonly row: number;
}

export type ReviewPlan = FoldPlan<PlannedFile>;

/** Makes plans of groups from the columns; reads extents from the index only where they are needed. */
export class Planner {
  readonly #groups: GroupColumns;
  readonly #files: FileColumns;
  readonly #store: IndexStore;
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
    const { subvolume, inode, generation, size, layout, readOnly } = file;
    const found = this.#store.get(
      "SELECT flags, traits, extents FROM inode WHERE subvol = ? AND ino = ? AND gen = ? AND layout = ?",
      subvolume,
      inode,
      generation,
      layout,
    ) as { flags: number; traits: number; extents: Buffer | null } | undefined;
    if (found === undefined) throw outOfDate();
    const { flags, traits } = found;
    const extents = found.extents ?? new Uint8Array();
    return { subvolume, inode, generation, size, flags, layout, traits, extents, readOnly };
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
  };
}
