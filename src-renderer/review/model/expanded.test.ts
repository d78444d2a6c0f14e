import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpandedGroups, type Line } from "./expanded.ts";

/** The lines of a table written out. */
function writtenOut(groups: number, counts: ReadonlyMap<number, number>): Line[] {
  const lines: Line[] = [];
  for (let group = 0; group < groups; group++) {
    lines.push({ group, file: null });
    for (let file = 0; file < (counts.get(group) ?? 0); file++) lines.push({ group, file });
  }
  return lines;
}

function expandedOf(counts: ReadonlyMap<number, number>): ExpandedGroups<null> {
  const expanded = new ExpandedGroups<null>();
  for (const [index, count] of counts) expanded.add({ id: `g${index}`, index, count, content: null });
  return expanded;
}

describe("lines of expanded groups", () => {
  it("are where they would be if all were written out", () => {
    const counts = fc
      .array(fc.tuple(fc.nat(39), fc.nat(5)), { maxLength: 10 })
      .map((pairs) => new Map(pairs));
    fc.assert(
      fc.property(counts, (map) => {
        const expanded = expandedOf(map);
        const lines = writtenOut(40, map);
        expect(expanded.lines(40)).toBe(lines.length);
        lines.forEach((line, at) => {
          expect(expanded.locate(at)).toEqual(line);
          expect(expanded.lineOf(line)).toBe(at);
        });
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("follow a group that moved and collapse one that is gone", () => {
    const expanded = expandedOf(
      new Map([
        [1, 2],
        [4, 3],
      ]),
    );
    expanded.reconcile(0, ["g0", "x", "g1", "g3", "y"]);
    expect(expanded.get("g1")?.index).toBe(2);
    expect(expanded.get("g4")).toBeUndefined();
    expect(expanded.lines(10)).toBe(12);
    expect(expanded.locate(4)).toEqual({ group: 2, file: 1 });
  });

  it("collapse what is behind the end of a list that has become shorter", () => {
    const expanded = expandedOf(
      new Map([
        [1, 2],
        [4, 3],
      ]),
    );
    expanded.truncate(2);
    expect(expanded.all().map(({ id }) => id)).toEqual(["g1"]);
    expanded.truncate(0);
    expect(expanded.lines(0)).toBe(0);
  });

  it("leave alone what is not on the page", () => {
    const expanded = expandedOf(new Map([[250, 2]]));
    expanded.reconcile(0, ["g0", "g1"]);
    expect(expanded.get("g250")?.index).toBe(250);
  });

  it("count anew where the number of files turns out to be another", () => {
    const expanded = expandedOf(new Map([[0, 2]]));
    expanded.setCount("g0", 5);
    expect(expanded.locate(5)).toEqual({ group: 0, file: 4 });
    expect(expanded.locate(6)).toEqual({ group: 1, file: null });
  });
});
