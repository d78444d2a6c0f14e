import { Contents } from "./contents.ts";
import { Column } from "./columns.ts";
import { decide } from "./improve.ts";
import { partsOf, type Parts } from "./parts.ts";
import type { Segments } from "./segments.ts";
import type { Space } from "./space.ts";
import { sortRowsInTurns } from "./sort.ts";
import { Stay } from "./stay.ts";
import type { Turns } from "./turns.ts";

/** Which extents go. */
export interface Choice {
  /** Rows of Space.extents, ascending. */
  readonly victims: Int32Array;
  readonly segments: Segments;
}

/** Bytes written for one more byte that is freed, at most, however much room for writing there is. */
const DEAREST = 8;
/** What a byte written counts where none is to be written. */
const NEVER = 2 ** 40;
/** How often the price of writing is halved between one that is too low and one that is high enough. */
const HALVINGS = 7;

/**
 * Chooses the extents that go, so that most is freed while what is written
 * anew is at most `maxRewrite` of their bytes, all of them together. A price of
 * writing is looked for at which that comes out, and what is left of the
 * allowance is spent on the cheapest of the rest.
 * @param maxRewrite 0 to 1
 * @throws what turns throw
 */
export async function chooseVictims(space: Space, maxRewrite: number, turns: Turns): Promise<Choice> {
  const contents = await Contents.of(space, turns);
  const parts = await partsOf(contents, turns);
  const within = ({ written, gone }: Stay): boolean => written <= maxRewrite * gone;
  // bytes that are freed for one that is written: a price at which that is worth it keeps to maxRewrite in any case
  const highest = 1 / maxRewrite - 1;
  const lowest = Math.min(1 / DEAREST, highest);
  const at = (price: number): Promise<Stay> => decideAll(contents, parts, 1 + price, turns);
  let best = await at(lowest);
  if (!within(best)) {
    best = await at(maxRewrite > 0 ? highest : NEVER);
    let [low, high] = [lowest, highest];
    for (let k = 0; k < HALVINGS && maxRewrite > 0; k++) {
      const middle = Math.sqrt(low * high);
      const next = await at(middle);
      if (within(next)) {
        high = middle;
        if (next.freed > best.freed) best = next;
      } else low = middle;
    }
    await spendRest(contents, best, maxRewrite, lowest, turns);
  }
  const victims = new Column(Int32Array);
  for (let extent = 0; extent < space.count; extent++) if (best.stays[extent] === 0) victims.push(extent);
  return { victims: victims.values, segments: contents.segments };
}

async function decideAll(contents: Contents, parts: Parts, factor: number, turns: Turns): Promise<Stay> {
  const stay = new Stay(contents);
  stay.factor = factor;
  for (const part of parts) {
    decide(contents, stay, part);
    if (turns.over) await turns.next();
  }
  return stay;
}

/** Lets more go, the cheapest first, while it stays within what may be written. */
async function spendRest(
  contents: Contents,
  stay: Stay,
  maxRewrite: number,
  price: number,
  turns: Turns,
): Promise<void> {
  stay.factor = 1 + price;
  const rest = new Column(Int32Array);
  const shares = new Float64Array(contents.count);
  for (let extent = 0; extent < contents.count; extent++) {
    if (contents.fixed[extent] === 1 || stay.stays[extent] === 0) continue;
    const share = stay.alone(extent) / (contents.bytes[extent] ?? 1);
    shares[extent] = share;
    if (share < 1) rest.push(extent);
    if (turns.over) await turns.next();
  }
  const byShare = (a: number, b: number): number => (shares[a] ?? 0) - (shares[b] ?? 0);
  for (const extent of await sortRowsInTurns(rest.values, byShare, turns)) {
    if (turns.over) await turns.next();
    const written = stay.written + stay.alone(extent);
    const gone = stay.gone + (contents.bytes[extent] ?? 0);
    if (written <= maxRewrite * gone && stay.worth(extent) > 0) stay.toggle(extent);
  }
}
