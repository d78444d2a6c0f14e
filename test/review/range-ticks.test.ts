/** What is ticked of parts of files, kept as ticks change, against a count from nothing after each change. */
import { expect, test } from "vitest";
import fc from "fast-check";
import { RangeList } from "../../src-helper/engine/review/range-list.ts";
import { RangeTicks } from "../../src-helper/engine/review/range-ticks.ts";
import { Slices } from "../../src-helper/engine/review/slices.ts";
import type { DeepFile, DeepPlan, Victim } from "../../src-helper/deep/types.ts";

const FILES = 5;
const BLOCK = 4096;
const victim = fc.record({
  to: fc.nat(FILES - 1),
  from: fc.nat(FILES - 1),
  blocks: fc.integer({ min: 1, max: 9 }),
});
type Drawn = typeof victim extends fc.Arbitrary<infer T> ? T : never;

const files = Array.from({ length: FILES }, (_, k): DeepFile => ({
  subvolume: 256,
  inode: 257 + k,
  generation: 7,
  size: 2 ** 20,
  flags: 0,
  layout: k,
  traits: 1,
  uid: 0,
  mtime: 1,
  extents: new Uint8Array(),
  readOnly: false,
}));

/** @param serial of the extents: the same in another plan where they are the same */
function planOf(drawn: readonly { readonly one: Drawn; readonly serial: number }[]): DeepPlan {
  const victims = drawn.map(({ one: { to, from, blocks }, serial }, k): Victim => {
    const at = (file: number, bytenr: number): Victim["moves"][number]["to"] => ({
      ...{ file, fileOffset: serial * 64 * BLOCK, bytenr, offset: 0 },
    });
    const length = blocks * BLOCK;
    const bytenr = (serial + 1) * 2 ** 20;
    return {
      ...{ bytenr, bundle: k, diskBytes: length, kind: 0, rewrites: [], copies: [], rewrittenBytes: serial },
      moves: [{ to: at(to, bytenr), from: at(from, 2 ** 40), length }],
    };
  });
  return { files, victims, predictedBytes: 0, rewrittenBytes: 0, sample: 1 };
}

const pinnedAt = (bytenr: number): number => bytenr / 2 ** 20;

/** As it was first written: everything anew each time. */
class Model {
  list: RangeList | null = null;
  readonly rows = new Map<string, boolean>();
  readonly extents = new Map<number, boolean>();
  readonly out = new Set<string>();
  none = false;
  ticked: boolean[] = [];

  adopt(list: RangeList): void {
    const fresh =
      !this.none && (this.list === null || this.list.rows.length === 0 || (this.sum()["rows"] ?? 0) > 0);
    this.list = list;
    this.ticked = list.rows.map(({ id, victims }) => {
      const said = [this.rows.get(id), ...victims.map(({ bytenr }) => this.extents.get(bytenr))];
      return said.includes(false) ? false : said.includes(true) || fresh;
    });
    for (const row of list.rows.keys()) this.say(row, this.ticked[row] === true);
  }

  say(row: number, ticked: boolean): void {
    const range = this.list?.rows[row];
    if (range === undefined) return;
    this.ticked[row] = ticked;
    this.rows.set(range.id, ticked);
    for (const { bytenr } of range.victims) this.extents.set(bytenr, ticked);
  }

  filesOf(row: number): number[] {
    const { first = 0, end = 0 } = this.list?.rows[row] ?? {};
    return Array.from({ length: end - first }, (_, k) => first + k);
  }

  isTicked(at: number): boolean {
    const { files: columns } = this.list ?? {};
    if (columns === undefined) return false;
    return this.ticked[columns.group[at] ?? 0] === true && !this.out.has(columns.id(at));
  }

  tickOf(row: number): string {
    const ticked = this.filesOf(row).filter((at) => this.isTicked(at)).length;
    return ticked === 0 ? "none" : ticked === this.filesOf(row).length ? "all" : "some";
  }

  sum(): Record<string, number> {
    const { rows = [], files: columns, fileOf } = this.list ?? {};
    const chosen = [...rows.entries()].filter(([row]) => this.tickOf(row) === "all");
    const changed = chosen.flatMap(([row]) => this.filesOf(row).filter((at) => columns?.moves[at] === 1));
    const total = (value: (row: (typeof rows)[number]) => number): number =>
      chosen.reduce((sum, [, row]) => sum + value(row), 0);
    return {
      total: rows.length,
      rows: chosen.length,
      files: new Set(changed.map((at) => fileOf?.[at])).size,
      predictedBytes: total(({ bytes }) => bytes),
      rewrittenBytes: total(({ rewrittenBytes }) => rewrittenBytes),
      foldBytes: total(({ foldBytes }) => foldBytes),
      pinnedBytes: total(({ victims }) => victims.reduce((sum, { bytenr }) => sum + pinnedAt(bytenr), 0)),
    };
  }
}

const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom("rows" as const, "files" as const),
    pick: fc.nat(99),
    ticked: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("all" as const), pick: fc.constant(0), ticked: fc.boolean() }),
  fc.record({ kind: fc.constant("plan" as const), pick: fc.nat(2 ** 12), ticked: fc.constant(true) }),
);

test("is, after any ticks and new plans, what counting from nothing says", async () => {
  const slices = new Slices(new AbortController().signal);
  await fc.assert(
    fc.asyncProperty(
      fc.array(victim, { minLength: 1, maxLength: 12 }),
      fc.array(step, { maxLength: 14 }),
      async (drawn, steps) => {
        const [ticks, model] = [new RangeTicks(), new Model()];
        let list: RangeList | null = null;
        for (const { kind, pick, ticked } of [
          { kind: "plan" as const, pick: 0xfff, ticked: true },
          ...steps,
        ]) {
          if (kind === "plan") {
            const some = drawn
              .map((one, serial) => ({ one, serial }))
              .filter((_, k) => ((pick >> k) & 1) === 1);
            list = await RangeList.of(planOf(some), slices);
            (await ticks.adopt(list, pinnedAt, slices))();
            model.adopt(list);
          } else if (kind === "all") {
            ticks.tickAll(ticked);
            model.none = !ticked;
            for (const row of list?.rows.keys() ?? []) {
              model.say(row, ticked);
              if (ticked) for (const at of model.filesOf(row)) model.out.delete(list?.files.id(at) ?? "");
            }
          } else if (list !== null && list.rows.length > 0) {
            const row = pick % list.rows.length;
            const { files: columns } = list;
            if (kind === "rows") {
              ticks.tickRows([row], ticked);
              model.say(row, ticked);
              if (ticked) for (const at of model.filesOf(row)) model.out.delete(columns.id(at));
            } else {
              const at = pick % columns.count;
              ticks.tickFiles([at], ticked);
              if (ticked) {
                model.out.delete(columns.id(at));
                model.say(columns.group[at] ?? 0, true);
              } else model.out.add(columns.id(at));
            }
          }
          expect(ticks.sum).toEqual(model.sum());
          for (const row of list?.rows.keys() ?? []) expect(ticks.tickOf(row)).toBe(model.tickOf(row));
          for (let at = 0; at < (list?.files.count ?? 0); at++) {
            expect(list?.files.ticked[at] === 1).toBe(model.isTicked(at));
          }
        }
      },
    ),
    { seed: 12, numRuns: 400 },
  );
});
