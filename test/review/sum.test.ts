/** The sum of a review, kept as ticks change, against a prediction that is made from nothing each time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import fc from "fast-check";
import { planGroup } from "../../src-helper/dedupe/plan.ts";
import type { Member } from "../../src-helper/dedupe/types.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { VolumeState } from "../../src-helper/engine/volume-state.ts";
import { NO_FILTER, type FileRow, type Sum } from "../../src-helper/rpc/protocol.ts";
import { selectGroups } from "../../src-helper/scan/selection.ts";
import { selectVolumes } from "../../src-helper/volumes/select.ts";
import { VolumeHandle } from "../../src-helper/volumes/volume-handle.ts";
import { allFiles, allRows, EVERYTHING, fillVolume, ReviewBench, writeMixed } from "./support.ts";

const bench = new ReviewBench();
let state: VolumeState;
/** What selectGroups gives, once for each way to treat snapshots. */
const members = new Map<string, Member[]>();

beforeAll(async () => {
  fillVolume(bench, 5);
  writeMixed(bench, 6);
  await bench.scan();
  const [selected] = selectVolumes([bench.volume.uuid], () => undefined);
  if (selected === undefined) throw new Error("no volume");
  state = new VolumeState(new VolumeHandle(selected.found), null, bench.db, () => undefined);
  for (const group of selectGroups(state.store, state.selectionScope(EVERYTHING))) {
    members.set(group.id, [...group.members]);
  }
});
afterAll(() => {
  state.close();
  bench[Symbol.dispose]();
});

/** Files by id: "subvolume:inode:generation". */
type Ids = ReadonlySet<string>;

/** What a fold of some files comes to, by the road of the command line. */
function fromNothing(chosen: Ids, snapshots: boolean): Omit<Sum, "revision"> {
  const prediction = state.newPrediction();
  const sum = { groups: 0, files: 0, foldBytes: 0 };
  for (const [id, all] of members) {
    const kept = all.filter((one) => chosen.has(`${one.subvolume}:${one.inode}:${one.generation}`));
    const plans = planGroup(id, kept, { snapshots });
    const files = plans.reduce((count, plan) => count + plan.destinations.length, 0);
    if (files > 0) sum.groups++;
    sum.files += files;
    sum.foldBytes += plans.reduce((bytes, plan) => bytes + plan.destinations.length * plan.size, 0);
    prediction.add(plans);
  }
  return { ...sum, predictedBytes: prediction.total(), pinnedBytes: prediction.pinnedBytes() };
}

interface Shown {
  readonly group: string;
  readonly files: readonly FileRow[];
}

async function everyGroup(review: Review): Promise<Shown[]> {
  const rows = await allRows(review);
  return Promise.all(rows.map(async ({ id }) => ({ group: id, files: await allFiles(review, id) })));
}

const untilNow = (sum: Sum): Omit<Sum, "revision"> => {
  const { revision, ...rest } = sum;
  expect(revision).toBeGreaterThanOrEqual(0);
  return rest;
};

describe("with everything ticked", () => {
  test("the sum is the preview of the whole volume, before files are loaded and after", async () => {
    const preview = await bench.withVolume((volume) =>
      volume.preview(EVERYTHING, { lock: "immutable", defrag: false, priority: "normal" }),
    );
    expect(preview.predictedBytes).toBeGreaterThan(0);
    expect(preview.pinnedBytes).toBeGreaterThan(0);
    bench.reviews.closeAll();
    const review = await bench.open();
    const early = await review.info();
    expect(early.namesReady).toBe(false);
    await review.names({ signal: new AbortController().signal, progress: () => undefined });
    const late = await review.info();
    expect(late.namesReady).toBe(true);
    for (const { sum } of [early, late]) {
      expect(sum).toMatchObject({
        files: preview.files,
        predictedBytes: preview.predictedBytes,
        pinnedBytes: preview.pinnedBytes,
      });
    }
    expect({ ...early, namesReady: true }).toEqual(late);
  });

  test("there are extents that only several groups give back together", async () => {
    const review = await bench.openWhole();
    const { sum } = await review.info();
    const alone = (await allRows(review)).reduce((bytes, { frees }) => bytes + frees, 0);
    expect(sum.predictedBytes).toBeGreaterThan(alone);
  });

  test("with copies in snapshots to be folded too", async () => {
    const selection = { ...EVERYTHING, snapshots: true };
    const preview = await bench.withVolume((volume) =>
      volume.preview(selection, { lock: "immutable", defrag: false, priority: "normal" }),
    );
    const review = await bench.openWhole({ snapshots: true });
    const { sum } = await review.info();
    expect(sum).toMatchObject({ files: preview.files, predictedBytes: preview.predictedBytes });
    expect(sum.pinnedBytes).toBe(preview.pinnedBytes);
    expect(sum.predictedBytes).toBeGreaterThan((await (await bench.openWhole()).info()).sum.predictedBytes);
  });

  test("of larger files only", async () => {
    const minSize = 20_000;
    const preview = await bench.withVolume((volume) =>
      volume.preview({ ...EVERYTHING, minSize }, { lock: "immutable", defrag: false, priority: "normal" }),
    );
    const { sum } = await (await bench.open({ minSize })).info();
    expect(sum).toMatchObject({ files: preview.files, predictedBytes: preview.predictedBytes });
    expect(sum.pinnedBytes).toBe(preview.pinnedBytes);
  });
});

type Step =
  | { readonly kind: "groups"; readonly picks: readonly number[]; readonly ticked: boolean }
  | { readonly kind: "files"; readonly pick: number; readonly mask: number; readonly ticked: boolean }
  | { readonly kind: "folder" | "search" | "type"; readonly pick: number; readonly ticked: boolean }
  | { readonly kind: "exclude"; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("groups" as const),
    picks: fc.array(fc.nat(999), { minLength: 1, maxLength: 5 }),
    ticked: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("files" as const),
    pick: fc.nat(999),
    mask: fc.integer({ min: 1, max: 255 }),
    ticked: fc.boolean(),
  }),
  fc.record({
    kind: fc.constantFrom("folder" as const, "search" as const, "type" as const),
    pick: fc.nat(999),
    ticked: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("exclude" as const), pick: fc.nat(999) }),
);

const FOLDERS = ["home", "home/anna", "other", "other/deep", "snapshot", "nowhere"];
const SEARCHES = ["", "file 1", "ANNA", "half 2", "no such thing"];
/** Globs, and whether a path is meant by them. */
const EXCLUDES: readonly { globs: string[]; matches: (path: string) => boolean }[] = [
  { globs: [], matches: () => false },
  { globs: ["anna"], matches: (path) => path.split("/").includes("anna") },
  { globs: ["half 1*", "*.iso"], matches: (path) => /\/half 1[^/]*$|\/(?!\.)[^/]*\.iso$/.test(path) },
  { globs: ["**/other/**"], matches: (path) => path.includes("/other/") },
  { globs: ["copy"], matches: () => false },
];

const pickOf = <T>(list: readonly T[], pick: number): T => {
  const one = list[pick % list.length];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
};

const without = (ids: Iterable<string>, others: Ids): Set<string> =>
  new Set([...ids].filter((id) => !others.has(id)));

/** What should be ticked, by a model that knows sets of ids and nothing else. */
class Model {
  readonly groups: readonly Shown[];
  readonly ticked: Set<string>;
  excluded = new Set<string>();

  constructor(groups: readonly Shown[]) {
    this.groups = groups;
    this.ticked = new Set(groups.flatMap(({ files }) => files.map(({ id }) => id)));
  }

  get chosen(): Ids {
    return without(this.ticked, this.excluded);
  }

  /** Groups with something to fold among what is not left out. */
  shown(snapshots: boolean): readonly Shown[] {
    return this.groups.filter(({ files }) => {
      const ids = without(
        files.map(({ id }) => id),
        this.excluded,
      );
      return fromNothing(ids, snapshots).files > 0;
    });
  }

  tick(files: readonly FileRow[], ticked: boolean): void {
    for (const { id } of files) {
      if (this.excluded.has(id)) continue; // what is left out is as it was when it comes back
      if (ticked) this.ticked.add(id);
      else this.ticked.delete(id);
    }
  }
}

async function apply(review: Review, model: Model, one: Step, snapshots: boolean): Promise<Sum> {
  const shown = model.shown(snapshots);
  switch (one.kind) {
    case "groups": {
      if (shown.length === 0) return (await review.info()).sum;
      const picked = one.picks.map((pick) => pickOf(shown, pick));
      for (const { files } of picked) model.tick(files, one.ticked);
      return review.tick({ kind: "groups", ids: picked.map(({ group }) => group) }, one.ticked);
    }
    case "files": {
      const { group, files } = pickOf(model.groups, one.pick);
      const picked = files.filter((_, k) => ((one.mask >> (k % 8)) & 1) === 1);
      if (picked.length === 0) return (await review.info()).sum;
      model.tick(picked, one.ticked);
      return review.tick({ kind: "files", group, ids: picked.map(({ id }) => id) }, one.ticked);
    }
    case "folder": {
      const path = bench.path(pickOf(FOLDERS, one.pick));
      for (const { files } of model.groups) {
        model.tick(
          files.filter((file) => file.path.startsWith(`${path}/`)),
          one.ticked,
        );
      }
      return review.tick({ kind: "folder", path }, one.ticked);
    }
    case "search": {
      const search = pickOf(SEARCHES, one.pick);
      const fits = ({ id, path }: FileRow): boolean =>
        !model.excluded.has(id) && path.toLowerCase().includes(search.toLowerCase());
      for (const { files } of shown) if (files.some(fits)) model.tick(files, one.ticked);
      return review.tick({ kind: "filter", filter: { ...NO_FILTER, search } }, one.ticked);
    }
    case "type": {
      const fits = ({ id, path }: FileRow): boolean => !model.excluded.has(id) && /[^/]\.(jpg)$/.test(path);
      for (const { files } of shown) if (files.some(fits)) model.tick(files, one.ticked);
      return review.tick({ kind: "filter", filter: { ...NO_FILTER, types: ["image"] } }, one.ticked);
    }
    case "exclude": {
      const { globs, matches } = pickOf(EXCLUDES, one.pick);
      const out = model.groups.flatMap(({ files }) => files.filter(({ path }) => matches(path)));
      model.excluded = new Set(out.map(({ id }) => id));
      return (await review.exclude(globs)).sum;
    }
  }
}

describe("whatever is ticked and left out", () => {
  test.each([
    { snapshots: false, seed: 1 },
    { snapshots: true, seed: 2 },
  ])(
    "the sum is what a prediction from nothing says (snapshots: $snapshots)",
    async ({ snapshots, seed }) => {
      const review = await bench.openWhole({ snapshots });
      const groups = await everyGroup(review);
      expect(groups.length).toBeGreaterThan(40);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          await review.exclude([]);
          await review.tick({ kind: "filter", filter: NO_FILTER }, true);
          const model = new Model(groups);
          let revision = -1;
          for (const one of steps) {
            const sum = await apply(review, model, one, snapshots);
            expect(sum.revision).toBeGreaterThanOrEqual(revision);
            revision = sum.revision;
            expect(untilNow(sum)).toEqual(fromNothing(model.chosen, snapshots));
          }
          for (const { id, tick } of await allRows(review)) {
            const files = groups.find(({ group }) => group === id)?.files ?? [];
            const present = files.filter((file) => !model.excluded.has(file.id));
            const ticked = present.filter((file) => model.ticked.has(file.id)).length;
            expect(tick).toBe(ticked === 0 ? "none" : ticked === present.length ? "all" : "some");
          }
        }),
        { seed, numRuns: 60 },
      );
    },
  );

  test("a group's row says what its ticked files free by themselves", async () => {
    const review = await bench.openWhole();
    await review.exclude([]);
    await review.tick({ kind: "filter", filter: NO_FILTER }, true);
    for (const { group, files } of await everyGroup(review)) {
      const [first] = files;
      await review.tick({ kind: "files", group, ids: [first?.id ?? ""] }, false);
      const rest = new Set(files.slice(1).map(({ id }) => id));
      const expected = state.newPrediction().add(
        planGroup(
          group,
          (members.get(group) ?? []).filter((one) =>
            rest.has(`${one.subvolume}:${one.inode}:${one.generation}`),
          ),
          { snapshots: false },
        ),
      );
      const row = (await allRows(review)).find(({ id }) => id === group);
      expect(row).toMatchObject({ tick: "some", frees: expected.bytes });
    }
  });

  test("unticking all, and ticking all again, comes back to where it was", async () => {
    const review = await bench.openWhole();
    await review.tick({ kind: "filter", filter: NO_FILTER }, true);
    const { sum: before } = await review.info();
    const none = await review.tick({ kind: "filter", filter: NO_FILTER }, false);
    expect(untilNow(none)).toEqual({ groups: 0, files: 0, foldBytes: 0, predictedBytes: 0, pinnedBytes: 0 });
    const again = await review.tick({ kind: "filter", filter: NO_FILTER }, true);
    expect(untilNow(again)).toEqual(untilNow(before));
    expect(again.revision).toBeGreaterThan(before.revision);
  });
});
