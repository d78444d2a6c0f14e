import { constants } from "node:os";
import { defragmentSource } from "./defrag.ts";
import { GroupFold, MemberFold } from "./group-fold.ts";
import { readInodes } from "./inodes.ts";
import { lockFiles, releaseLocks, type FileLock } from "./locks.ts";
import * as reasons from "./reasons.ts";
import { foldRound } from "./round.ts";
import type { FoldRun } from "./run.ts";
import type { FoldPlan } from "./types.ts";

/**
 * Folds some groups under one lock: lock, look again, compare and share,
 * unlock. Whatever happens in between, every file is unlocked at the end.
 */
export class BatchFold {
  readonly run: FoldRun;
  readonly groups: GroupFold[] = [];
  readonly #locks: readonly FileLock[];
  /** Generation of the filesystem while all of them were locked. */
  readonly #generation: number;

  private constructor(run: FoldRun, plans: readonly FoldPlan[], locks: readonly FileLock[]) {
    this.run = run;
    this.#locks = locks;
    this.#generation = run.volume.generation();
    let k = 0;
    for (const plan of plans) {
      const folds: MemberFold[] = [];
      for (const member of [plan.source, ...plan.destinations]) {
        const lock = locks[k++];
        if (lock !== undefined) folds.push(new MemberFold(member, lock));
      }
      this.groups.push(new GroupFold(plan, folds));
    }
  }

  static async fold(run: FoldRun, plans: readonly FoldPlan[]): Promise<void> {
    const members = plans.flatMap((plan) => [plan.source, ...plan.destinations]);
    const [first] = members;
    if (first !== undefined) run.ctx.working?.(() => run.pathOf(first));
    for (const member of members) run.intents.risk(member);
    const locks = await lockFiles(
      run.volume,
      members.map((file) => ({ file, flag: run.intents.covers(file) })),
    );
    try {
      const batch = new BatchFold(run, plans, locks);
      try {
        await batch.#look();
        await batch.#rounds();
      } finally {
        batch.#tell();
      }
    } finally {
      await release(run, locks);
    }
  }

  /** Reads the extents of what is locked anew, and sorts out what was refused. */
  async #look(): Promise<void> {
    const bySubvolume = new Map<number, MemberFold[]>();
    for (const fold of this.groups.flatMap((group) => group.members)) {
      if (fold.lock.fd < 0) continue;
      const list = bySubvolume.get(fold.member.subvolume);
      if (list === undefined) bySubvolume.set(fold.member.subvolume, [fold]);
      else list.push(fold);
    }
    for (const [subvolume, folds] of bySubvolume) {
      const numbers = folds.map((fold) => fold.member.inode);
      const inodes = await readInodes(this.run.volume, subvolume, numbers);
      for (const fold of folds) {
        fold.fresh = inodes.get(fold.member.inode) ?? null;
        fold.changed = fold.fresh?.layout !== fold.member.layout;
      }
    }
    for (const group of this.groups) this.#check(group);
  }

  #check(group: GroupFold): void {
    for (const destination of group.pending) {
      const refusal = this.#refusalOf(group, destination);
      if (refusal !== null) destination.skip(refusal);
    }
    group.prune();
    const refusal = group.source === null ? null : this.#refusalOf(group, group.source);
    if (refusal !== null) this.loseSource(group, refusal);
  }

  #refusalOf(group: GroupFold, fold: MemberFold): reasons.Refusal | null {
    const { lock, member } = fold;
    const { size } = group.plan;
    if (lock.errno !== 0) return this.run.explain(member, lock.errno, lock.stage);
    if (lock.wasImmutable) {
      this.run.intents.disown(member);
      if (fold !== group.source) return this.run.immutableRefusal(member);
    } else if (this.run.needsFlag(member) && !lock.flagged) {
      return reasons.refusal(constants.errno.ESTALE, "open"); // it came after the intents were written
    }
    if (lock.size !== size) {
      return member.size === size ? reasons.sizeChanged(lock.size, size) : reasons.otherSize(lock.size, size);
    }
    return fold.fresh === null ? reasons.refusal(constants.errno.ESTALE, "open") : null;
  }

  /** Another member takes the source's place, unless the caller named the source. */
  loseSource(group: GroupFold, refusal: reasons.Refusal): void {
    if (this.run.options.fixedSource) {
      for (const destination of group.pending) destination.skip(reasons.noSource(refusal));
      group.source = null;
    } else {
      group.source?.skip(refusal);
      group.promote();
    }
    group.prune();
  }

  /** Folds until every destination has an outcome; a new round begins where a source was lost. */
  async #rounds(): Promise<void> {
    for (let first = true; !this.run.isCancelled(); first = false) {
      if (first && this.run.options.defrag) {
        for (const group of this.groups) {
          if (group.source !== null && group.pending.length > 0)
            await defragmentSource(this.run, group.source);
        }
      }
      if (!(await foldRound(this, first))) return;
    }
  }

  /** Unlocks, before the end, what nothing more is to be done with, and whom somebody waits for. */
  async releaseEarly(): Promise<void> {
    const done: FileLock[] = [];
    for (const group of this.groups) {
      const ended = group.pending.length === 0;
      for (const { outcome, lock } of group.members)
        if (lock.fd >= 0 && (ended || outcome !== null)) done.push(lock);
    }
    await release(this.run, done);
  }

  #tell(): void {
    for (const group of this.groups) this.run.endGroup(group, this.#generation);
  }
}

async function release(run: FoldRun, locks: readonly FileLock[]): Promise<void> {
  const stuck = await releaseLocks(run.volume, locks);
  for (const lock of stuck) run.cannotUnlock(lock.file);
  for (const lock of locks) if (!lock.flagged) run.intents.cleared(lock.file);
}
