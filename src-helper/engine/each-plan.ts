import type { FoldPlan } from "../dedupe/types.ts";
import { breathe } from "../scan/scan-context.ts";
import type { RunContext } from "./contract.ts";

/** Plans between which others have their turn: some milliseconds. */
const AT_ONCE = 64;

/**
 * Looks at plans one by one, and holds nobody up.
 * @throws RefoldError "cancelled"
 */
export async function eachPlan(
  plans: Iterable<FoldPlan>,
  ctx: RunContext,
  work: (plan: FoldPlan) => void,
): Promise<void> {
  let count = 0;
  for (const plan of plans) {
    work(plan);
    if (++count % AT_ONCE > 0) continue;
    await breathe({ run: ctx });
  }
}
