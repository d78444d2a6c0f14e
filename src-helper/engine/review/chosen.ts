import type { DeepOptions, Selection } from "../contract.ts";
import { RefoldError } from "../errors.ts";
import type { ChosenFold } from "../volume.ts";
import type { FoldPlan } from "../../dedupe/types.ts";
import type { DeepPlan } from "../../deep/types.ts";
import type { Choice } from "./choice.ts";
import type { Loaded } from "./loading.ts";
import type { Planner } from "./planner.ts";

/**
 * What is ticked, as a fold takes it.
 * @param ranges null: no parts of files
 * @param search what parts are looked for anew by after the fold; null: none
 */
export function chosenFold(
  { choice, planner }: Pick<Loaded, "choice" | "planner">,
  ranges: DeepPlan | null,
  selection: Selection,
  search: DeepOptions | null | undefined,
): ChosenFold {
  const { predictedBytes, foldBytes: totalBytes } = choice.tally;
  const plans = { [Symbol.iterator]: () => plansOf(choice, planner) };
  return {
    ...{ plans, predictedBytes, totalBytes },
    ...(ranges === null ? {} : { ranges }),
    ...(search === undefined || search === null ? {} : { search: { selection, deep: search } }),
  };
}

/** Made as the fold goes on: their extents take memory. */
function* plansOf(choice: Choice, planner: Planner): Generator<FoldPlan> {
  for (const group of choice.chosen()) yield* planner.withExtents(choice.plans(group));
}

export function stillWorking(): RefoldError {
  return new RefoldError("busy", "what parts of files give back is being worked out anew", {
    kept: "Nothing was changed.",
    next: "Wait until the sum is there, then fold.",
  });
}

export function nothingTicked(): RefoldError {
  return new RefoldError("usage", "nothing is ticked that could be folded", {
    kept: "Nothing was changed.",
    next: "Tick at least two files of a group.",
  });
}

export function beingFolded(): RefoldError {
  return new RefoldError("busy", "what is ticked in this review is being folded", {
    kept: "The choice is as it was.",
    next: "Wait until the fold is done, or cancel it.",
  });
}
