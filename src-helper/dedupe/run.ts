import { constants } from "node:os";
import type { Extent } from "../btrfs/extents.ts";
import type { FoldOptions, PathBytes, RunContext } from "../engine/contract.ts";
import { fileId, type FileIdentity, type Journal, type RunFile } from "../journal/store.ts";
import { Control, tryCall } from "../native/library.ts";
import { Differences, KeptExtents } from "./differences.ts";
import { FreedMeter, type Measured } from "./freed.ts";
import type { GroupFold, MemberFold, Outcome } from "./group-fold.ts";
import { HolderFinder, isSwapFile } from "./holders.ts";
import { Intents } from "./intents.ts";
import * as reasons from "./reasons.ts";
import type { FoldVolume, Member } from "./types.ts";

const PROGRESS_EVERY_MS = 100;

export interface FoldRunOptions extends FoldOptions {
  /** Bytes that the progress counts to: the sizes of all destinations. */
  readonly totalBytes: number;
  /** The caller named the source: no other may take its place. */
  readonly fixedSource: boolean;
}

/** What one run of the fold knows and counts. */
export class FoldRun {
  readonly volume: FoldVolume;
  readonly options: FoldRunOptions;
  readonly ctx: RunContext;
  readonly intents: Intents;
  /** Its cancel stops native calls at the next safe place. */
  readonly control = new Control();
  readonly meter = new FreedMeter();
  readonly kept: KeptExtents;
  /** What extents that were to go range by range did not free. */
  readonly keptRanges = new Differences();
  freedBytes = 0;
  /** How files ended that are not in the journal yet. */
  ended: RunFile[] = [];
  groups = 0;
  files = 0;
  skipped = 0;
  /** Of ranges: extents of which every reference was moved, which `groups` counts too; bytes written anew for it. */
  extents = 0;
  rewrittenBytes = 0;
  /** Something was not done because the run was cancelled. */
  leftOver = false;
  readonly #onOutcome: (member: Member, outcome: Outcome) => void;
  readonly #holders = new HolderFinder();
  readonly #stuckBefore: ReadonlySet<string>;
  #doneBytes = 0;
  #toldAt = 0;

  constructor(
    volume: FoldVolume,
    options: FoldRunOptions,
    journal: Journal,
    run: number,
    stuckBefore: ReadonlySet<string>,
    ctx: RunContext,
    onOutcome: (member: Member, outcome: Outcome) => void,
  ) {
    this.volume = volume;
    this.options = options;
    this.ctx = ctx;
    this.intents = new Intents(volume, journal, run);
    this.kept = new KeptExtents(volume.sectorSize);
    this.#stuckBefore = stuckBefore;
    this.#onOutcome = onOutcome;
  }

  isCancelled(): boolean {
    return this.ctx.signal.aborted;
  }

  /** The path of a member as text, for messages. */
  nameOf(file: FileIdentity): string {
    return this.pathOf(file).toString("utf8");
  }

  pathOf(file: FileIdentity): PathBytes {
    return this.volume.pathOf(file.subvolume, file.inode);
  }

  /** Whether a member gets our immutable flag: not where that cannot be, nor without the intent for it. */
  needsFlag(member: Member): boolean {
    return this.options.lock === "immutable" && !member.readOnly;
  }

  /** Turns an errno into a reason; for a file in use, finds out by whom. */
  explain(member: Member, errno: number, stage: reasons.Stage): reasons.Refusal {
    // of the ioctl, EAGAIN says something else
    if (errno !== constants.errno.EAGAIN || stage === "dedupe") return reasons.refusal(errno, stage);
    const fd = tryCall("rf_open_inode", this.volume.dir, member.subvolume, member.inode, member.generation);
    if (fd < 0) return reasons.inUse(null);
    try {
      if (isSwapFile(`/proc/self/fd/${fd}`)) return reasons.swapFile();
      return reasons.inUse(this.#holders.find(fd));
    } finally {
      tryCall("rf_close", fd);
    }
  }

  immutableRefusal(file: FileIdentity): reasons.Refusal {
    return this.#stuckBefore.has(fileId(file)) ? reasons.stuckBefore() : reasons.immutableBefore();
  }

  /** Counts bytes of a destination that were compared, for the progress. */
  count(fold: MemberFold, bytes: number): void {
    fold.counted += bytes;
    this.#doneBytes += bytes;
  }

  /** Counts bytes that were compared for no group, for the progress. */
  countBytes(bytes: number): void {
    this.#doneBytes += bytes;
  }

  /** @param always also where something was told a moment ago */
  tellProgress(always = false): void {
    const now = Date.now();
    if (!always && now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    this.ctx.progress({
      phase: "fold",
      done: Math.min(this.#doneBytes, this.options.totalBytes),
      total: this.options.totalBytes,
      unit: "bytes",
      volume: this.volume.uuid,
    });
  }

  /** Tells the outcomes of a group, and notes what it took from its files. */
  endGroup(group: GroupFold, generation: number): void {
    let folded = 0;
    group.members.forEach((fold, k) => {
      for (const extent of fold.movedExtents()) this.meter.note(extent, generation);
      if (k > 0) this.count(fold, Math.max(0, group.plan.size - fold.counted));
      if (fold.outcome !== null) {
        this.report(fold.member, fold.outcome);
        if (fold.outcome.kind === "folded") folded++;
      } else if (group.pending.includes(fold)) this.leftOver = true;
      if (k > 0) this.#noteKept(group, fold);
    });
    if (folded > 0) this.groups++;
  }

  /** What a destination keeps of what it was to let go of, and why. */
  #noteKept(group: GroupFold, { member, outcome, changed }: MemberFold): void {
    if (outcome?.kind === "skipped") this.kept.note(member, outcome.refusal.reason);
    else if (outcome !== null) {
      if (changed) this.kept.note(member, "changed");
    } else {
      // it took the place of the source, or its turn did not come
      const source = group.members[0]?.outcome;
      const reason = source?.kind === "skipped" ? source.refusal.reason : "other";
      this.kept.note(member, group.source?.member === member ? reason : "cancelled");
    }
  }

  /** Looks what is gone of what was noted since the last call. Sync the volume first. */
  async measure(progress: (done: number, total: number) => void): Promise<Measured> {
    // an own control: a cancelled run is measured too
    const measured = await this.meter.measure(this.volume, new Control(), progress);
    this.freedBytes += measured.goneBytes - measured.writtenBytes;
    return measured;
  }

  report(member: Member, outcome: Outcome): void {
    if (outcome.kind === "folded") this.files++;
    if (outcome.kind === "skipped") {
      this.skipped++;
      this.ctx.skipped?.(outcome.refusal.reason);
    }
    if (outcome.kind !== "shared") {
      const { subvolume, inode, generation } = member;
      const { reason, detail } =
        outcome.kind === "folded" ? { reason: "folded" as const, detail: "" } : outcome.refusal;
      this.ended.push({ subvolume, inode, generation, path: this.pathOf(member), outcome: reason, detail });
    }
    this.#onOutcome(member, outcome);
  }

  /** A defragmented source: its old extents may go, its new ones were written. */
  noteRewritten(before: readonly Extent[], after: readonly Extent[]): void {
    const generation = this.volume.generation();
    const old = new Set(before.map((extent) => extent.bytenr));
    for (const extent of before) this.meter.note(extent, generation);
    const written = new Map(
      after.filter(({ bytenr }) => !old.has(bytenr)).map((e) => [e.bytenr, e.diskBytes]),
    );
    for (const bytes of written.values()) this.meter.noteWritten(bytes);
  }

  /** The worst that can happen to a file: it stays immutable, and is remembered. */
  cannotUnlock(file: FileIdentity): void {
    this.ctx.log(
      "warning",
      `${this.nameOf(file)} could not be made writable again and is still immutable. Its content is whole. Make room on the filesystem, then run \`refold repair\`.`,
    );
  }
}
