import type { DeepPlan } from "../deep/types.ts";
import { Differences, explainFiles, type HeldExtent } from "../dedupe/differences.ts";
import type { Measured } from "../dedupe/freed.ts";
import type { FoldRun } from "../dedupe/run.ts";
import { callAsync, NativeError } from "../native/library.ts";
import type { Difference, DifferenceCause } from "./contract.ts";
import type { PlannedFold } from "./folding.ts";
import type { VolumeState } from "./volume-state.ts";

/** Extents that are looked up to say who holds them: the largest. */
const LOOKED_UP = 256;
/** References of one extent that are looked at. */
const OWNERS = 1024;

/** Why a fold freed something else than was promised, worked out while the index is still that of the promise. */
export class FoldAccount {
  readonly #state: VolumeState;
  readonly #planned: PlannedFold;
  readonly #promisedRanges: number;
  readonly #differences = new Differences();
  #filesExplained = false;
  #ranges: DeepPlan | null = null;

  /**
   * @param promisedRanges bytes that ranges were to give back
   * @param mendedBytes that came back before the run, which counts them as freed
   */
  constructor(state: VolumeState, planned: PlannedFold, promisedRanges: number, mendedBytes: number) {
    this.#differences.add("mended", -mendedBytes);
    this.#state = state;
    this.#planned = planned;
    this.#promisedRanges = promisedRanges;
  }

  /** Whole files are folded and the volume is synced; the index is not brought up to date yet. */
  async endFiles(run: FoldRun): Promise<void> {
    this.#explainFiles(run, await run.measure(() => undefined), run.leftOver);
  }

  /**
   * @param plan what is left to free in ranges, now that whole files are folded
   * @param cause why it is not what was promised
   */
  beginRanges(plan: DeepPlan, cause: DifferenceCause): void {
    this.#ranges = plan;
    this.#differences.add(cause, this.#promisedRanges - plan.predictedBytes);
  }

  /** The causes of all that was promised and not freed; their bytes come to exactly that. */
  async end(run: FoldRun, measured: Measured, cancelled: boolean): Promise<readonly Difference[]> {
    if (!this.#filesExplained) this.#explainFiles(run, measured, cancelled);
    if (this.#ranges !== null) {
      for (const { cause, bytes } of run.keptRanges.list(undefined)) this.#differences.add(cause, bytes);
      for (const extent of measured.survivors()) this.#differences.hold(extent);
    }
    const promised = this.#planned.predictedBytes + this.#promisedRanges;
    const rest = promised - run.freedBytes - this.#differences.sum;
    this.#differences.add(cancelled && rest > 0 ? "cancelled" : "other", rest);
    return this.#differences.list(await this.#holders(this.#differences.held));
  }

  #explainFiles(run: FoldRun, measured: Measured, cancelled: boolean): void {
    this.#filesExplained = true;
    // as it should be: nothing to look for
    if (measured.goneBytes - measured.writtenBytes === this.#planned.predictedBytes) return;
    explainFiles(
      this.#planned.plans,
      (onFreed) => this.#state.newPrediction(onFreed),
      measured,
      run.kept,
      cancelled,
      this.#differences,
    );
  }

  async #holders(held: readonly HeldExtent[]): Promise<Difference["subvolumes"]> {
    if (held.length === 0) return [];
    const { handle } = this.#state;
    const bytes = new Map<number, number>();
    const owners = new Float64Array(2 * OWNERS);
    for (const { bytenr, diskBytes } of held.slice(0, LOOKED_UP)) {
      let n: number;
      try {
        n = await callAsync("rf_extent_owners", handle.dir, bytenr, owners, OWNERS);
      } catch (error) {
        // who it is cannot be said; that it is held stays true
        if (error instanceof NativeError) continue;
        throw error;
      }
      const subvolumes = new Set(Array.from({ length: n }, (_, k) => owners[2 * k] ?? 0));
      for (const id of subvolumes) bytes.set(id, (bytes.get(id) ?? 0) + diskBytes);
    }
    handle.refresh(); // a snapshot may have been taken since
    return [...bytes]
      .sort((a, b) => b[1] - a[1])
      .map(([id, sum]) => ({ path: handle.subvolumePath(id), bytes: sum }));
  }
}
