import { INODE } from "../btrfs/constants.ts";
import { TRAIT } from "../native/library.ts";
import { countCopies, type FoldPlan, type PlanMember } from "./types.ts";

export interface PlanOptions {
  /** Fold copies in read-only snapshots too. */
  readonly snapshots: boolean;
}

/**
 * What folding one group of identical files comes to: one plan for those with
 * checksums and one for those without (NOCOW), since the kernel shares nothing
 * between the two. Empty where there is nothing to fold and nothing to say.
 *
 * The source is the copy that most others already share, then the least
 * fragmented; a copy that cannot be moved (immutable, or in a snapshot that is
 * left alone) goes first, because its data stays in any case.
 */
export function planGroup<M extends PlanMember>(
  groupId: string,
  members: readonly M[],
  options: PlanOptions,
): FoldPlan<M>[] {
  // inline data is in the metadata: it can neither be shared nor given back
  const foldable = members.filter((member) => (member.traits & TRAIT.inline) === 0);
  const cow = foldable.filter((member) => !isNodatasum(member));
  const nocow = foldable.filter(isNodatasum);
  const plans = [planClass(groupId, cow, options), planClass(groupId, nocow, options)].filter(
    (plan) => plan !== null,
  );
  const [first] = plans;
  if (first === undefined || cow.length === 0 || nocow.length === 0) {
    return plans.filter((plan) => plan.destinations.length > 0 || plan.left.length > 0);
  }
  // say it of the smaller side, once
  const stranded = countCopies(cow) < countCopies(nocow) ? cow : nocow;
  const left = stranded.map((member) => ({ member, reason: "nocow" as const }));
  return plans
    .map((plan, k) => (k === 0 ? { ...plan, left: [...plan.left, ...left] } : plan))
    .filter((plan) => plan.destinations.length > 0 || plan.left.length > 0);
}

function isNodatasum(member: PlanMember): boolean {
  return (member.flags & INODE.nodatasum) !== 0;
}

function isImmutable(member: PlanMember): boolean {
  return (member.flags & INODE.immutable) !== 0;
}

function isMovable(member: PlanMember, options: PlanOptions): boolean {
  return !isImmutable(member) && (!member.readOnly || options.snapshots);
}

function planClass<M extends PlanMember>(
  groupId: string,
  members: readonly M[],
  options: PlanOptions,
): FoldPlan<M> | null {
  const byLayout = new Map<number, M[]>();
  for (const member of members) {
    const sharing = byLayout.get(member.layout);
    if (sharing === undefined) byLayout.set(member.layout, [member]);
    else sharing.push(member);
  }
  const layouts = [...byLayout.values()]
    .map((sharing) => candidateOf(sharing, options))
    .sort(compareSources)
    .map(({ sharing }) => sharing);
  const [best] = layouts;
  // a member that can be locked makes the better source: it cannot change under the fold
  const source = best?.find((member) => !member.readOnly && !isImmutable(member)) ?? best?.[0];
  if (source === undefined) return null;
  const others = layouts
    .slice(1)
    .flat()
    .filter((member) => (member.traits & TRAIT.disk) !== 0);
  return {
    groupId,
    size: source.size,
    source,
    destinations: others.filter((member) => isMovable(member, options)),
    // a copy in a snapshot is left alone by choice, not for want of anything: no word of it here
    left: others.filter(isImmutable).map((member) => ({ member, reason: "immutable" })),
  };
}

/** Members that share one layout, and what of them is compared. */
interface Candidate<M> {
  readonly sharing: readonly M[];
  readonly first: M | undefined;
  readonly hole: boolean;
  readonly fixed: number;
  readonly copies: number;
}

function candidateOf<M extends PlanMember>(sharing: readonly M[], options: PlanOptions): Candidate<M> {
  return {
    sharing,
    first: sharing[0],
    hole: sharing.some((member) => (member.traits & TRAIT.disk) === 0),
    fixed: countCopies(sharing.filter((member) => !isMovable(member, options))),
    copies: countCopies(sharing),
  };
}

/** Sorts the better source first. */
function compareSources<M extends PlanMember>(a: Candidate<M>, b: Candidate<M>): number {
  const [x, y] = [a.first, b.first];
  if (x === undefined || y === undefined) return 0;
  return (
    Number(b.hole) - Number(a.hole) || // a file of nothing but holes takes no space at all
    b.fixed - a.fixed ||
    b.copies - a.copies ||
    x.extents.length - y.extents.length ||
    x.subvolume - y.subvolume ||
    x.inode - y.inode
  );
}
