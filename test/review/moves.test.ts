/** What moves of a group, from columns, against the plans that a fold makes of the same files. */
import { expect, test } from "vitest";
import fc from "fast-check";
import { FILE, FileColumns, GroupColumns } from "../../src-helper/engine/review/columns.ts";
import { findKin } from "../../src-helper/engine/review/load.ts";
import { Moves } from "../../src-helper/engine/review/moves.ts";
import { planFiles, plannedFile } from "../../src-helper/engine/review/planner.ts";
import { Slices } from "../../src-helper/engine/review/slices.ts";

const file = fc.record({
  layout: fc.nat(3),
  copies: fc.integer({ min: 1, max: 3 }),
  sharing: fc.integer({ min: 3, max: 4 }),
  subvolume: fc.nat(2),
  extentBytes: fc.nat(2),
  // mostly plain data on disk
  kind: fc.oneof(
    fc.constant(FILE.disk),
    fc
      .array(fc.constantFrom(...Object.values(FILE)), { maxLength: 3 })
      .map((bits) => bits.reduce((a, b) => a | b, 0)),
  ),
  taken: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});
const groups = fc.array(fc.array(file, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 3 });

test("of any files of a group is what a plan of them folds, and onto what", async () => {
  await fc.assert(
    fc.asyncProperty(groups, fc.boolean(), async (list, snapshots) => {
      const all = list.flat();
      const [columns, files] = [new GroupColumns(list.length), new FileColumns(all.length, new Map())];
      let row = 0;
      for (const [group, some] of list.entries()) {
        columns.first[group] = row;
        for (const one of some) {
          files.group[row] = group;
          files.inode[row] = 257 + row;
          files.layout[row] = one.layout;
          files.copies[row] = one.copies;
          files.sharing[row] = one.sharing;
          files.subvolume[row] = one.subvolume;
          files.extentBytes[row] = one.extentBytes;
          files.kind[row] = one.kind;
          row++;
        }
      }
      columns.first[list.length] = row;
      await findKin(files, columns, new Slices(new AbortController().signal));
      const moves = new Moves(columns, files, snapshots);
      const takes = (at: number): boolean => all[at]?.taken === true;
      for (const group of list.keys()) {
        const members = [];
        for (let at = columns.first[group] ?? 0; at < (columns.first[group + 1] ?? 0); at++) {
          if (takes(at)) members.push(plannedFile(files, at, 4096));
        }
        const plans = members.length < 2 ? [] : planFiles("group", members, snapshots);
        const folding = plans.filter(({ destinations }) => destinations.length > 0);
        const destinations = folding.flatMap((plan) => plan.destinations);
        moves.of(group, takes);
        expect(new Set(moves.rows.subarray(0, moves.count))).toEqual(
          new Set(destinations.map((one) => one.row)),
        );
        expect(moves.toFold).toBe(destinations.reduce((sum, { copies }) => sum + copies, 0));
        for (const { source } of folding) {
          const nocow = ((files.kind[source.row] ?? 0) & FILE.nodatasum) !== 0;
          const found = nocow ? moves.sourceNocow : moves.source;
          expect(files.kin[found]).toBe(files.kin[source.row]);
        }
      }
    }),
    { seed: 11, numRuns: 1000 },
  );
});
