/** The parts of a review that need no volume. */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { GroupColumns } from "../../src-helper/engine/review/columns.ts";
import { ExtentTable } from "../../src-helper/engine/review/extent-table.ts";
import { fileTypeOf } from "../../src-helper/engine/review/file-types.ts";
import { ABSOLUTE, FolderTree, UNREACHABLE } from "../../src-helper/engine/review/folder-tree.ts";
import {
  orderBy,
  orderByDescending,
  orderInSlices,
  orderOfTexts,
} from "../../src-helper/engine/review/order.ts";
import { Owners } from "../../src-helper/engine/review/owners.ts";
import { Queue, Slices } from "../../src-helper/engine/review/slices.ts";
import { NOTHING, Tally, Yields } from "../../src-helper/engine/review/tally.ts";
import { FILE_TYPES } from "../../src-helper/rpc/protocol.ts";

const keys = fc.array(
  fc.oneof(fc.nat(5), fc.nat(100_000), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  { maxLength: 60 },
);

describe("orders", () => {
  test("of numbers are those of a stable sort, up to the largest", () => {
    fc.assert(
      fc.property(keys, (list) => {
        const stable = list.map((key, index) => ({ key, index }));
        const up = stable.toSorted((a, b) => a.key - b.key).map(({ index }) => index);
        const down = stable.toSorted((a, b) => b.key - a.key).map(({ index }) => index);
        expect([...orderBy(Float64Array.from(list))]).toEqual(up);
        expect([...orderByDescending(Float64Array.from(list))]).toEqual(down);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("of numbers in slices are the same", async () => {
    const list = Float64Array.from({ length: 1000 }, (_, k) => (k * 7919) % 113);
    const slices = new Slices(new AbortController().signal);
    const start = orderByDescending(list);
    expect(await orderInSlices(list, slices, start)).toEqual(orderBy(list, start));
    expect(await orderInSlices(list, slices)).toEqual(orderBy(list));
  });

  test("of some of the numbers keep the order they are given in where keys are equal", () => {
    const some = Int32Array.of(4, 2, 0);
    expect([...orderBy(Float64Array.of(1, 9, 1, 9, 0), some)]).toEqual([4, 2, 0]);
    expect([...orderByDescending(Float64Array.of(1, 9, 1, 9, 0), some)]).toEqual([2, 0, 4]);
  });

  test("of texts are those of a sort, for as many as take several runs", async () => {
    const texts = Array.from({ length: 9001 }, (_, k) => String((k * 7919) % 9001).padStart(4, "x"));
    const order = await orderOfTexts(texts, () => undefined);
    expect(Array.from(order, (k) => texts[k])).toEqual(texts.toSorted());
    expect([...(await orderOfTexts([], () => undefined))]).toEqual([]);
  });
});

describe("the tally", () => {
  /** What groups can let go of: references to each of a few extents of these sizes. */
  const EXTENTS = [4096, 8192, 65_536, 1_048_576];
  const REFS = [1, 2, 3, 5];
  const way = fc.record({
    toFold: fc.nat(3),
    released: fc.array(fc.nat(3), { minLength: EXTENTS.length, maxLength: EXTENTS.length }),
  });
  const GROUPS = 4;
  const changes = fc.array(fc.record({ group: fc.nat(GROUPS - 1), way: fc.option(way) }), { maxLength: 40 });
  const refs = (bytenr: number): number => REFS[bytenr - 1] ?? 0;

  test("is, after any changes, what adding up from nothing is", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const sizes = new Float64Array(GROUPS).fill(10);
        const tally = new Tally(sizes, new ExtentTable(refs), []);
        const chosen = new Map<number, { toFold: number; released: readonly number[] }>();
        for (const { group, way: one } of list) {
          if (one === null) {
            tally.set(group, NOTHING);
            chosen.delete(group);
          } else {
            const entries = one.released
              .map((released, k) => [k + 1, { released, diskBytes: EXTENTS[k] ?? 0 }] as const)
              .filter(([, { released }]) => released > 0);
            tally.set(group, tally.measure(one.toFold, new Map(entries)));
            chosen.set(group, one);
          }
        }
        // the extents that one group frees by itself, then those that all do together
        const [free, together] = [[] as number[], EXTENTS.map(() => 0)];
        for (const { released } of chosen.values()) {
          released.forEach((count, k) => {
            if (count === 0) return;
            if (count >= (REFS[k] ?? 0)) free.push(EXTENTS[k] ?? 0);
            else together[k] = (together[k] ?? 0) + count;
          });
        }
        const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
        const crossing = EXTENTS.filter((_, k) => (together[k] ?? 0) >= (REFS[k] ?? 0));
        const pinned = EXTENTS.filter(
          (_, k) => (together[k] ?? 0) > 0 && (together[k] ?? 0) < (REFS[k] ?? 0),
        );
        expect(tally.predictedBytes).toBe(sum(free) + sum(crossing));
        expect(tally.pinnedBytes).toBe(sum(pinned));
        const all = [...chosen.values()].map(({ toFold }) => toFold);
        expect(tally.files).toBe(sum(all));
        expect(tally.foldBytes).toBe(10 * sum(all));
        expect(tally.groups).toBe(all.filter((toFold) => toFold > 0).length);
      }),
      { seed: 8, numRuns: 500 },
    );
  });

  test("clears up what it does not need any more, and keeps what it does", () => {
    const whole = new Yields(2);
    const tally = new Tally(new Float64Array(2).fill(4096), new ExtentTable(() => 1_000_000), [whole]);
    const released = (from: number, count: number): Map<number, { released: number; diskBytes: number }> =>
      new Map(Array.from({ length: count }, (_, k) => [from + k, { released: 1, diskBytes: 1 }]));
    whole.set(0, tally.measure(1, released(1, 10)));
    whole.set(1, tally.measure(1, released(5, 10)));
    for (let k = 0; k < 200; k++) {
      tally.set(0, tally.measure(1, released(1, 2000)));
      tally.set(1, whole.get(1));
      expect(tally.pinnedBytes).toBe(2000);
      tally.tidy();
    }
    expect(tally.now(0).to).toBeLessThan(700_000); // of 800,000 that were taken down
    tally.set(0, whole.get(0));
    expect(tally.pinnedBytes).toBe(14);
    tally.set(1, NOTHING);
    expect(tally.pinnedBytes).toBe(10);
  });
});

describe("groups by their id", () => {
  test("are found, and no others", () => {
    const groups = new GroupColumns(3);
    groups.size.set([4096, 4096, 2 ** 40]);
    groups.high.set([1, 0xffff_ffff, 0]);
    groups.low.set([2, 0, 7]);
    expect([0, 1, 2].map((group) => groups.id(group))).toEqual([
      "4096-0000000100000002",
      "4096-ffffffff00000000",
      "1099511627776-0000000000000007",
    ]);
    for (const group of [0, 1, 2]) expect(groups.find(groups.id(group))).toBe(group);
    for (const id of ["", "4096", "4096-0000000100000003", "4097-0000000100000002", "1e3-0000000100000002"]) {
      expect(groups.find(id)).toBe(-1);
    }
  });
});

describe("folders", () => {
  test("have paths, are found by them, and know what is below", () => {
    const paths = ["/", "/mnt", "/mnt/a b", "/mnt/a b/c", "/mnt/a", "", "sub", "sub/x", "sub/x/y"];
    const tree = new FolderTree();
    const folders = new Map(paths.toReversed().map((path) => [path, tree.add(path)]));
    tree.finish();
    const isBelow = (path: string, above: string): boolean =>
      path === above ||
      (above === "/"
        ? path.startsWith("/")
        : above === ""
          ? !path.startsWith("/")
          : path.startsWith(`${above}/`));
    for (const [path, folder] of folders) {
      expect(tree.path(folder)).toBe(path);
      expect(tree.find(path)).toBe(folder);
      expect(tree.find(`${path}/no such`)).toBe(-1);
      expect(tree.isReachable(folder)).toBe(path.startsWith("/"));
      for (const [above, other] of folders) expect(tree.isBelow(folder, other)).toBe(isBelow(path, above));
    }
    expect([tree.add("/"), tree.add("")]).toEqual([ABSOLUTE, UNREACHABLE]);
    const names = (path: string): string[] =>
      Array.from(tree.children(tree.find(path)), (folder) => tree.name(folder));
    expect(names("/mnt")).toEqual(["a", "a b"]);
    expect(names("sub/x/y")).toEqual([]);
    expect(tree.pathIn(tree.find("/"), "f")).toBe("/f");
    expect(tree.pathIn(tree.find(""), "f")).toBe("f");
    expect(tree.pathIn(tree.find("/mnt/a"), "f")).toBe("/mnt/a/f");
  });

  test("thousands of levels deep take no stack", () => {
    const tree = new FolderTree();
    let folder = ABSOLUTE;
    for (let level = 0; level < 20_000; level++) folder = tree.child(folder, "d");
    tree.finish();
    expect(tree.isBelow(folder, ABSOLUTE)).toBe(true);
    expect(tree.path(folder).length).toBe(40_000);
    expect(tree.find(tree.path(folder))).toBe(folder);
  });
});

test.each([
  ["IMG_1.JPG", "image"],
  ["film.mkv", "video"],
  ["song.flac", "audio"],
  ["backup.tar.gz", "archive"],
  ["debian.iso", "disk-image"],
  ["letter.odt", "document"],
  ["main.ts", "code"],
  ["libc.so.6", "code"],
  ["level.pak", "game"],
  ["README", "other"],
  [".jpg", "other"],
  ["name.", "other"],
  ["data.xyz", "other"],
] as const)("%s is of the type %s", (name, type) => {
  expect(FILE_TYPES).toContain(type);
  expect(fileTypeOf(name)).toBe(type);
});

test("owners are named as /etc/passwd names them, else by their number", () => {
  const owners = new Owners(
    "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nanna:x:1000:1000::/home/anna:\nbroken\n:x:\n",
  );
  expect([0, 1000, 1001, 4_294_967_295].map((uid) => owners.name(uid))).toEqual([
    "root",
    "anna",
    "1001",
    "4294967295",
  ]);
  expect(Owners.read().name(0)).toBe("root");
});

describe("work in turns", () => {
  test("a queue goes on after what failed, in the order of asking", async () => {
    const queue = new Queue();
    const done: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const first = queue.run(async () => {
      await gate.promise;
      done.push("first");
      throw new Error("failed");
    });
    const second = queue.run(() => done.push("second"));
    gate.resolve(undefined);
    await expect(first).rejects.toThrow("failed");
    await second;
    expect(done).toEqual(["first", "second"]);
  });

  test("a slice that is not wanted any more ends with the reason", async () => {
    const controller = new AbortController();
    const slices = new Slices(controller.signal);
    await slices.next();
    controller.abort(new Error("closed"));
    await expect(slices.next()).rejects.toThrow("closed");
  });
});
