import { unpackExtents } from "../btrfs/extents.ts";
import type { Difference, DifferenceCause } from "../engine/contract.ts";
import type { Measured } from "./freed.ts";
import type { OnFreed, Prediction } from "./predict.ts";
import type { FoldPlan, Member } from "./types.ts";

/** Why files kept their extents, noted while a run goes on: a few, of those that were not folded. */
export class KeptExtents {
  readonly #causes = new Map<number, DifferenceCause>();
  readonly #sectorSize: number;

  constructor(sectorSize: number) {
    this.#sectorSize = sectorSize;
  }

  /** Notes that a file keeps the extents that it had when it was scanned. */
  note(member: Member, cause: DifferenceCause): void {
    for (const { bytenr } of unpackExtents(member.extents, this.#sectorSize)) {
      if (bytenr !== 0 && !this.#causes.has(bytenr)) this.#causes.set(bytenr, cause);
    }
  }

  causeOf(bytenr: number): DifferenceCause | undefined {
    return this.#causes.get(bytenr);
  }
}

/** An extent that was to go and is still there, though every file that was to let go of it did. */
export interface HeldExtent {
  readonly bytenr: number;
  readonly diskBytes: number;
}

/** Bytes that were promised and did not come back, by cause. */
export class Differences {
  readonly #bytes = new Map<DifferenceCause, number>();
  readonly #held: HeldExtent[] = [];

  /** @param bytes negative where more came back than was promised */
  add(cause: DifferenceCause, bytes: number): void {
    this.#bytes.set(cause, (this.#bytes.get(cause) ?? 0) + bytes);
  }

  /** Adds extents that something outside of the plan holds. */
  hold(extent: HeldExtent): void {
    this.add("pinned", extent.diskBytes);
    this.#held.push(extent);
  }

  /** Largest first. */
  get held(): readonly HeldExtent[] {
    return this.#held.sort((a, b) => b.diskBytes - a.diskBytes);
  }

  get sum(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Largest first; what is nothing is left out. @param pinned what is known of who holds the extents held */
  list(pinned: Difference["subvolumes"]): Difference[] {
    return [...this.#bytes]
      .filter(([, bytes]) => bytes !== 0)
      .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
      .map(([cause, bytes]) =>
        cause === "pinned" && pinned !== undefined ? { cause, bytes, subvolumes: pinned } : { cause, bytes },
      );
  }
}

/**
 * Why whole files freed something else than was promised: makes the prediction
 * once more, as of the same scan, and looks how each extent of it ended.
 *
 * @param cancelled the run was: what no file says anything of was not reached
 */
export function explainFiles(
  plans: Iterable<FoldPlan>,
  newPrediction: (onFreed: OnFreed) => Prediction,
  measured: Measured,
  kept: KeptExtents,
  cancelled: boolean,
  differences: Differences,
): void {
  let matched = 0;
  const prediction = newPrediction((bytenr, diskBytes) => {
    const state = measured.stateOf(bytenr);
    if (state === "gone") {
      matched += diskBytes;
      return;
    }
    const cause = kept.causeOf(bytenr);
    if (cause !== undefined) differences.add(cause, diskBytes);
    else if (state === "alive") differences.hold({ bytenr, diskBytes });
    else differences.add(cancelled ? "cancelled" : "changed", diskBytes);
  });
  for (const plan of plans) prediction.add([plan]);
  prediction.tellCrossing();
  // what came back though nobody promised it: the other references went since the scan
  differences.add("changed", matched - measured.goneBytes);
  differences.add("rewritten", measured.writtenBytes);
}
