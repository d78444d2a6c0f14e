import { differingRanges, type Extent, type Range } from "../btrfs/extents.ts";
import { STEP } from "../native/library.ts";

const MIB = 1 << 20;
/** What one FIDEDUPERANGE call compares at most on each side: btrfs works in such pieces anyway. */
const MAX_CHUNK = 16 * MIB;
const MIN_CHUNK = 1 * MIB;
/** What is read ahead for one native call, all sides together. */
export const WINDOW_BYTES = 32 * MIB;

/** One FIDEDUPERANGE call: a range of the source onto the same range of some destinations. */
export interface Step<D> {
  readonly offset: number;
  readonly length: number;
  readonly destinations: readonly D[];
}

export interface Target<D> {
  readonly destination: D;
  readonly extents: readonly Extent[];
}

/**
 * What a fold of destinations onto a source has to do: the ranges in which they
 * lie at different places, in chunks, destinations of the same ranges together.
 * @param size bytes of each of the files
 * @returns steps, and the destinations that need none
 */
export function planSteps<D>(
  source: readonly Extent[],
  targets: readonly Target<D>[],
  size: number,
): { steps: Step<D>[]; shared: D[] } {
  const sets = new Map<string, { ranges: Range[]; destinations: D[] }>();
  const shared: D[] = [];
  for (const { destination, extents } of targets) {
    const ranges = differingRanges(source, extents, size);
    if (ranges.length === 0) {
      shared.push(destination);
      continue;
    }
    const key = ranges.map((range) => `${range.start}-${range.end}`).join();
    const set = sets.get(key);
    if (set === undefined) sets.set(key, { ranges, destinations: [destination] });
    else set.destinations.push(destination);
  }
  const steps: Step<D>[] = [];
  for (const { ranges, destinations } of sets.values()) {
    for (let first = 0; first < destinations.length; first += STEP.maxEntries) {
      addSteps(steps, ranges, destinations.slice(first, first + STEP.maxEntries));
    }
  }
  return { steps, shared };
}

function addSteps<D>(steps: Step<D>[], ranges: readonly Range[], destinations: readonly D[]): void {
  const share = Math.floor(WINDOW_BYTES / (destinations.length + 1) / MIB) * MIB;
  const chunk = Math.max(MIN_CHUNK, Math.min(MAX_CHUNK, share));
  for (const { start, end } of ranges) {
    for (let offset = start; offset < end; offset += chunk) {
      steps.push({ offset, length: Math.min(chunk, end - offset), destinations });
    }
  }
}

/** Bytes that a step reads, all sides together. */
export function bytesOf(step: Step<unknown>): number {
  return step.length * (step.destinations.length + 1);
}

/** Runs of neighbouring steps that read no more than WINDOW_BYTES, or are one step. */
export function windowsOf<S extends { readonly step: Step<unknown> }>(steps: readonly S[]): S[][] {
  const windows: S[][] = [];
  let room = 0;
  for (const entry of steps) {
    const bytes = bytesOf(entry.step);
    const last = windows.at(-1);
    if (last === undefined || bytes > room) {
      windows.push([entry]);
      room = WINDOW_BYTES - bytes;
    } else {
      last.push(entry);
      room -= bytes;
    }
  }
  return windows;
}
