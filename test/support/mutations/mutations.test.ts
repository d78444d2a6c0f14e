/** The histories themselves, without Refold: every change works and does something that can be seen. */
import { expect, test } from "vitest";
import { consultOracle } from "../oracle.ts";
import { LoopVolume } from "../volume.ts";
import { CHANGES } from "./changes.ts";
import { Mutator } from "./mutator.ts";

test.each([9, 10, 11, 12])(
  "changes run for long without running dry, and keep duplicates around: seed %i",
  (seed) => {
    using volume = LoopVolume.create({ size: "2G" });
    using mutator = new Mutator(volume, seed);
    mutator.populate(120);
    const missing = (): string[] =>
      CHANGES.map(({ name }) => name).filter((name) => !mutator.applied.has(name));
    // some can be made only where others were
    for (let k = 0; k < 200 || (missing().length > 0 && k < 600); k++) mutator.change();
    volume.sync();
    const oracle = consultOracle(volume.path);
    expect(oracle.groups(1).length).toBeGreaterThan(5);
    expect(missing()).toEqual([]);
  },
);
