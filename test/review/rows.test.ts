/** What a review shows, against what walking and reading the whole volume shows. */
import { lstatSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  FILE_TYPES,
  NO_FILTER,
  type FileRow,
  type Filter,
  type GroupRow,
} from "../../src-helper/rpc/protocol.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { fileTypeOf } from "../../src-helper/engine/review/file-types.ts";
import { pathMatcher } from "../../src-helper/scan/selection.ts";
import { bytesToJsonString, jsonStringToBytes } from "../../src-helper/text/path-text.ts";
import {
  consultOracle,
  fileKey,
  isFoldable,
  type Oracle,
  type OracleFile,
  type OracleGroup,
} from "../support/oracle.ts";
import { allFiles, allRows, BY_SAVING, fillVolume, HOSTILE_NAMES, ReviewBench, MIN_SIZE } from "./support.ts";

const bench = new ReviewBench();
afterAll(() => {
  bench[Symbol.dispose]();
});

let oracle: Oracle;
/** By the key of a file: the group that it is in, if there is something to fold in it. */
let expected: Map<string, readonly OracleFile[]>;
let review: Review;
/** Every group with its files, as the review has them. */
let groups: readonly { row: GroupRow; files: readonly FileRow[] }[];

/**
 * Whether a fold moves some file of a group: one that may be moved, and lies
 * elsewhere than what cannot be, or than another that may.
 */
function canMove({ files }: OracleGroup): boolean {
  return [false, true].some((noChecksums) => {
    const members = files.filter((file) => file.noChecksums === noChecksums && !file.inline);
    const places = [...Map.groupBy(members, ({ layout }) => layout).values()];
    const movable = places.filter((place) => place.some((file) => isFoldable(file, false)));
    if (places.length < 2 || movable.length !== 1) return places.length > 1 && movable.length > 1;
    const fixed = (place: readonly OracleFile[] = []): number =>
      place.filter((file) => !isFoldable(file, false)).length;
    const [most = 0] = places
      .filter((place) => place !== movable[0])
      .map(fixed)
      .sort((a, b) => b - a);
    if (most === fixed(movable[0])) throw new Error("who is the source is not told by this rule");
    return most > fixed(movable[0]);
  });
}

const keyOf = (file: OracleFile): string => fileKey(file.subvolume.id, file.inode);
const keyOfRow = ({ id }: FileRow): string => id.split(":").slice(0, 2).join(":");
const bytesOf = (file: FileRow): Buffer => jsonStringToBytes(file.path);

beforeAll(async () => {
  fillVolume(bench, 3);
  oracle = consultOracle(bench.volume.path);
  expected = new Map();
  for (const group of oracle.groups(MIN_SIZE)) {
    if (!canMove(group)) continue;
    for (const file of group.files) expected.set(keyOf(file), group.files);
  }
  await bench.scan();
  review = await bench.openWhole();
  const rows = await allRows(review);
  groups = await Promise.all(rows.map(async (row) => ({ row, files: await allFiles(review, row.id) })));
});

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const idsOf = (list: readonly { row: GroupRow }[]): string[] => list.map(({ row }) => row.id).sort();

describe("groups and files", () => {
  test("are those of the volume, each group with all its files", () => {
    const found = new Map(
      groups.flatMap(({ files }) => files.map((file) => [keyOfRow(file), files] as const)),
    );
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, files] of found) {
      expect(files.map(keyOfRow).sort()).toEqual((expected.get(key) ?? []).map(keyOf).sort());
    }
    expect(groups.length).toBeGreaterThan(40);
  });

  test("a file is shown by one of its paths, its subvolume, owner and time", () => {
    const files = new Map(oracle.files.map((file) => [keyOf(file), file]));
    for (const row of groups.flatMap(({ files: rows }) => rows)) {
      const file = files.get(keyOfRow(row));
      const paths = (file?.paths ?? []).map((path) => bytesToJsonString(path));
      expect(row.path.startsWith(`${bench.volume.path}/`)).toBe(true);
      expect(paths).toContain(row.path.slice(bench.volume.path.length + 1));
      expect(row.reachable).toBe(true);
      expect(row.subvolumeId).toBe(file?.subvolume.id);
      expect(row.subvolume).toBe(file?.subvolume.path.toString());
      const stats = lstatSync(bytesOf(row));
      expect(row.modified).toBe(Math.floor(stats.mtimeMs / 1000) * 1000);
      expect(row.owner).toBe({ 0: "root", 1: "daemon", 54321: "54321" }[stats.uid]);
    }
  });

  test("names that are not UTF-8, or mean something elsewhere, come as they are", () => {
    const shown = groups.flatMap(({ files }) => files.map((file) => bytesOf(file).toString("latin1")));
    for (const name of HOSTILE_NAMES) {
      const path = Buffer.concat([Buffer.from(`${bench.path("other/deep")}/`), name]);
      expect(shown).toContain(path.toString("latin1"));
    }
  });

  test("places are those on disk, and roles what a fold does with them", () => {
    const files = new Map(oracle.files.map((file) => [keyOf(file), file]));
    for (const { row, files: rows } of groups) {
      const on = rows.map((one) => files.get(keyOfRow(one)));
      rows.forEach((one, k) => {
        const sharing = on.filter((other) => other?.layout === on[k]?.layout).length;
        expect(one.sharing).toBe(sharing);
        rows.forEach((other, j) => {
          expect(one.place === other.place).toBe(on[k]?.layout === on[j]?.layout);
        });
      });
      const of = (role: FileRow["role"]): readonly FileRow[] => rows.filter((one) => one.role === role);
      expect(of("source").length).toBeGreaterThan(0);
      expect(of("fold").length).toBe(row.toFold);
      const sources = of("source").map(({ place }) => place);
      for (const { place } of of("shared")) expect(sources).toContain(place);
      for (const { place } of of("fold")) expect(sources).not.toContain(place);
      for (const one of of("fold")) expect(files.get(keyOfRow(one))?.subvolume.readOnly).toBe(false);
      for (const one of of("snapshot")) expect(files.get(keyOfRow(one))?.subvolume.readOnly).toBe(true);
      expect(of("left")).toEqual([]);
    }
    const fixed = groups.flatMap(({ files: rows }) => rows.filter(({ role }) => role === "fixed"));
    // of the NOCOW files and the others, the smaller side cannot share with the source of the larger one
    expect(
      fixed.concat(groups.flatMap(({ files: rows }) => rows)).some(({ path }) => path.endsWith("nocow/a")),
    ).toBe(true);
  });

  test("a row counts its files, those to fold, those in snapshots, and has the latest change", () => {
    for (const { row, files } of groups) {
      const readOnly = new Set(oracle.subvolumes.filter((one) => one.readOnly).map(({ id }) => id));
      expect(row).toMatchObject({
        copies: files.length,
        tick: "all",
        modified: Math.max(...files.map(({ modified }) => modified)),
        snapshotCopies: files.filter(({ subvolumeId }) => readOnly.has(subvolumeId)).length,
      });
      expect(files.map(({ path }) => path)).toContain(`${row.folder}/${row.name}`);
    }
  });

  test("what a group frees is what the command line says of it", async () => {
    const savings = await bench.withVolume((volume) => {
      const all = volume.groups(
        { minSize: MIN_SIZE, exclude: [], pathGlob: null, crossVolume: true, snapshots: false },
        null,
      ) as Iterable<{ id: string; size: number; reclaimableBytes: number }>;
      return new Map(
        Array.from(all, ({ id, size, reclaimableBytes }) => [id, { size, frees: reclaimableBytes }]),
      );
    });
    for (const { row } of groups) expect(row).toMatchObject(savings.get(row.id) ?? {});
    expect(groups.some(({ row }) => row.frees > 0)).toBe(true);
  });
});

describe("the first page, before files are loaded", () => {
  test("is the same as afterwards", async () => {
    const asked = { filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 500 };
    const bySize = { ...asked, sort: { by: "size", descending: false } as const };
    const late = [await review.rows(asked), await review.rows(bySize)];
    bench.reviews.closeAll();
    const fresh = await bench.open();
    const early = [await fresh.rows(asked), await fresh.rows(bySize)];
    const firstFiles = await Promise.all(early[0]?.rows.map(({ id }) => fresh.files(id, 0, 500)) ?? []);
    expect((await fresh.info()).namesReady).toBe(false);
    expect(early).toEqual(late);
    expect(firstFiles.map(({ files }) => files)).toEqual(groups.map(({ files }) => files));
    await fresh.names({ signal: new AbortController().signal, progress: () => undefined });
    expect((await fresh.info()).namesReady).toBe(true);
    review = fresh;
  });
});

describe("sorting", () => {
  const keys: Record<string, (row: GroupRow) => number | string> = {
    frees: (row) => row.frees,
    size: (row) => row.size,
    copies: (row) => row.copies,
    name: (row) => row.name.toLowerCase(),
    modified: (row) => row.modified,
  };
  test.each(["frees", "size", "copies", "name", "modified"] as const)(
    "by %s, both ways, over all pages",
    async (by) => {
      for (const descending of [false, true]) {
        const rows = await allRows(review, {}, { by, descending });
        expect(rows.map(({ id }) => id).sort()).toEqual(idsOf(groups));
        const values = rows.map((row) => keys[by]?.(row) ?? "");
        const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1));
        expect(values).toEqual(sorted);
      }
    },
  );

  test("a row does not move because it is unticked", async () => {
    const before = await allRows(review);
    const [first] = before;
    await review.tick({ kind: "groups", ids: [first?.id ?? ""] }, false);
    const after = await allRows(review);
    await review.tick({ kind: "groups", ids: [first?.id ?? ""] }, true);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after[0]).toEqual({ ...first, tick: "none" });
  });
});

describe("filters", () => {
  const at = (path: string): string => bench.path(path);
  const cases: readonly [string, () => Partial<Filter>, (file: FileRow, row: GroupRow) => boolean][] = [
    ["nothing", () => ({}), () => true],
    ["part of a name", () => ({ search: "ILE 1" }), ({ path }) => path.toLowerCase().includes("ile 1")],
    [
      "part of a path",
      () => ({ search: "Na/dOcs/o" }),
      ({ path }) => path.toLowerCase().includes("na/docs/o"),
    ],
    ["across the last slash", () => ({ search: "er/file" }), ({ path }) => path.includes("er/file")],
    ["from the first slash", () => ({ search: at("ot") }), ({ path }) => path.includes(at("ot"))],
    ["a single slash", () => ({ search: "/" }), () => true],
    ["no such text", () => ({ search: "no such text" }), () => false],
    ["capitals beyond ASCII", () => ({ search: "grösse" }), ({ path }) => path.includes("GRÖSSE")],
    ["a broken byte", () => ({ search: "\udcff" }), ({ path }) => path.includes("\udcff")],
    ["a glob of names", () => ({ search: "*.JPG" }), ({ path }) => /\/[^/]*\.jpg$/i.test(path)],
    ["a glob of a folder", () => ({ search: "ann?" }), ({ path }) => path.includes("/anna/")],
    [
      "a glob of paths",
      () => ({ search: "/**/Anna/**/*.pdf" }),
      ({ path }) => /\/anna\/(.*\/)?[^/]*\.pdf$/i.test(path),
    ],
    ["least size", () => ({ minSize: 20_000 }), (_, { size }) => size >= 20_000],
    ["most size", () => ({ maxSize: 20_000 }), (_, { size }) => size <= 20_000],
    ["a folder", () => ({ folder: at("home/anna") }), ({ path }) => path.startsWith(`${at("home/anna")}/`)],
    ["a folder that is none", () => ({ folder: at("home/ann") }), () => false],
    ["a folder above everything", () => ({ folder: "/" }), () => true],
    [
      "types",
      () => ({ types: ["image", "disk-image"] }),
      ({ path }) => ["image", "disk-image"].includes(fileTypeOf(nameOf(path))),
    ],
    ["later than", () => ({ modifiedFrom: 1.6e12 }), ({ modified }) => modified >= 1.6e12],
    ["earlier than", () => ({ modifiedTo: 1.6e12 }), ({ modified }) => modified < 1.6e12],
    ["owners", () => ({ owners: [1, 54_321] }), ({ owner }) => owner === "daemon" || owner === "54321"],
    ["ticked", () => ({ ticked: "ticked" }), () => true],
    ["unticked", () => ({ ticked: "unticked" }), () => false],
    [
      "several of one file",
      () => ({ search: "file", types: ["image"], folder: at("other"), modifiedFrom: 1.55e12 }),
      ({ path, modified }) =>
        path.includes("file") &&
        fileTypeOf(nameOf(path)) === "image" &&
        path.startsWith(at("other")) &&
        modified >= 1.55e12,
    ],
  ];

  test.each(cases)("%s", async (_, filter, fits) => {
    const wanted = groups.filter(({ row, files }) => files.some((file) => fits(file, row)));
    const page = await review.rows({
      filter: { ...NO_FILTER, ...filter() },
      sort: BY_SAVING,
      offset: 0,
      limit: 500,
    });
    expect(page.rows.map(({ id }) => id).sort()).toEqual(idsOf(wanted));
    expect(page.total).toBe(wanted.length);
    expect(page.reclaimableBytes).toBe(wanted.reduce((sum, { row }) => sum + row.frees, 0));
    // the file that a row shows is one that fits
    for (const row of page.rows) {
      const group = wanted.find(({ row: { id } }) => id === row.id);
      const shown = group?.files.find(({ path }) => path === `${row.folder}/${row.name}`);
      expect(shown !== undefined && fits(shown, row)).toBe(true);
    }
  });

  test("subvolumes", async () => {
    for (const { id } of oracle.subvolumes) {
      const rows = await allRows(review, { subvolumes: [id] });
      const wanted = groups.filter(({ files }) => files.some(({ subvolumeId }) => subvolumeId === id));
      expect(rows.map((row) => row.id).sort()).toEqual(idsOf(wanted));
    }
  });

  test("ticked and unticked follow what is ticked, and hiding does not untick", async () => {
    const [one] = groups;
    const file = one?.files[0];
    await review.tick({ kind: "files", group: one?.row.id ?? "", ids: [file?.id ?? ""] }, false);
    expect((await allRows(review, { ticked: "unticked" })).map(({ id }) => id)).toEqual([one?.row.id]);
    expect((await allRows(review, { ticked: "ticked" })).length).toBe(groups.length);
    const page = await review.rows({
      filter: { ...NO_FILTER, search: "no such" },
      sort: BY_SAVING,
      offset: 0,
      limit: 1,
    });
    expect(page).toMatchObject({ total: 0, tick: "none", rows: [] });
    expect((await review.rows({ filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 1 })).tick).toBe(
      "some",
    );
    const roles = await allFiles(review, one?.row.id ?? "");
    expect(roles.find(({ id }) => id === file?.id)).toMatchObject({ role: "left", ticked: false });
    await review.tick({ kind: "filter", filter: { ...NO_FILTER, ticked: "unticked" } }, true);
    expect((await review.rows({ filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 1 })).tick).toBe("all");
  });
});

describe("facets", () => {
  test("count the groups, and what they free, of every type, owner and subvolume", async () => {
    const facets = await review.facets();
    const count = (fits: (file: FileRow) => boolean): { groups: number; reclaimableBytes: number } => {
      const some = groups.filter(({ files }) => files.some(fits));
      return { groups: some.length, reclaimableBytes: some.reduce((sum, { row }) => sum + row.frees, 0) };
    };
    for (const type of FILE_TYPES) {
      const wanted = count(({ path }) => fileTypeOf(nameOf(path)) === type);
      const found = facets.types.find((one) => one.type === type);
      expect(found ?? { groups: 0, reclaimableBytes: 0 }).toMatchObject(wanted);
    }
    expect(facets.owners.map(({ name }) => name).sort()).toEqual(["54321", "daemon", "root"]);
    for (const { uid, name, ...rest } of facets.owners) {
      expect(uid).toBe({ root: 0, daemon: 1, "54321": 54_321 }[name]);
      expect(rest).toEqual(count(({ owner }) => owner === name));
    }
    expect(facets.subvolumes.map(({ path, snapshot }) => [path, snapshot]).sort()).toEqual([
      ["home", false],
      ["other", false],
      ["snapshot", true],
    ]);
    for (const { id, groups: of, reclaimableBytes } of facets.subvolumes) {
      expect({ groups: of, reclaimableBytes }).toEqual(count(({ subvolumeId }) => subvolumeId === id));
    }
  });
});

describe("folders", () => {
  /** What comes back below a folder, by the files that are to be folded. */
  const below = (path: string, some = groups): { files: number; bytes: number } => {
    const found = { files: 0, bytes: 0 };
    for (const { row, files } of some) {
      const inside = files.filter((file) => file.role === "fold" && file.path.startsWith(`${path}/`)).length;
      found.files += inside;
      found.bytes += (inside * row.frees) / row.toFold;
    }
    return found;
  };

  test("of the deepest folder that has everything, and of one of them", async () => {
    const top = await review.folders(NO_FILTER, null);
    expect(top.map(({ path }) => path).sort()).toEqual([bench.path("home"), bench.path("other")]);
    for (const folder of [null, bench.path("home"), bench.path("other"), bench.path("home/anna")]) {
      const nodes = await review.folders(NO_FILTER, folder);
      const all = below(folder ?? bench.volume.path);
      expect(nodes.reduce((sum, { files }) => sum + files, 0)).toBe(all.files);
      expect(nodes.reduce((sum, { reclaimableBytes }) => sum + reclaimableBytes, 0)).toBeCloseTo(
        all.bytes,
        -1,
      );
      for (const node of nodes.filter(({ path }) => path !== "")) {
        const { files, bytes } = below(node.path);
        expect(node).toMatchObject({ files, reclaimableBytes: Math.round(bytes), name: nameOf(node.path) });
        const deeper = groups.some(({ files: rows }) =>
          rows.some(({ path, role }) => role === "fold" && folderOf(path).startsWith(`${node.path}/`)),
        );
        expect(node.deeper).toBe(deeper);
      }
      const weights = nodes.filter(({ path }) => path !== "").map(({ reclaimableBytes }) => reclaimableBytes);
      expect(weights).toEqual([...weights].sort((a, b) => b - a));
    }
  });

  test("count only the groups that a filter shows", async () => {
    const search = "plain";
    const shown = groups.filter(({ files }) => files.some(({ path }) => path.includes(search)));
    const nodes = await review.folders({ ...NO_FILTER, search }, bench.path("other"));
    const all = below(bench.path("other"), shown);
    expect(nodes.reduce((sum, { files }) => sum + files, 0)).toBe(all.files);
    expect(await review.folders({ ...NO_FILTER, search: "no such" }, null)).toEqual([]);
    expect(await review.folders(NO_FILTER, "/no/such/folder")).toEqual([]);
  });
});

describe("excludes", () => {
  test("refuse the patterns that never end", async () => {
    // as written: x/ and four backslashes
    await expect(review.exclude(["x/\\\\\\\\"])).rejects.toThrow("four backslashes");
  });

  test.each([
    [["anna"]],
    [["*.jpg", "*.PDF"]],
    [["**/other/deep"]],
    [["home/**"]],
    [["**/file 1* {1,2}*"]],
    [["\\*[[]a*"]],
  ])("leave out what %j matches, files and all", async (globs) => {
    const matches = pathMatcher(globs);
    const info = await review.exclude(globs);
    const rows = await allRows(review);
    const found = new Map<string, string[]>();
    for (const { id } of rows)
      found.set(
        id,
        (await allFiles(review, id)).map(({ path }) => path),
      );
    for (const { row, files } of groups) {
      const kept = files.filter(({ path }) => !matches(path)).map(({ path }) => path);
      const paths = found.get(row.id);
      if (paths === undefined) {
        // nothing is left to fold in it
        const writable = files.filter(({ path, role }) => !matches(path) && role !== "snapshot");
        expect(new Set(writable.map(({ place }) => place)).size).toBeLessThan(3);
      } else expect(paths).toEqual(kept);
    }
    expect(info.groups).toBe(rows.length);
    expect(info.files).toBe([...found.values()].flat().length);
    const back = await review.exclude([]);
    expect(idsOf((await allRows(review)).map((row) => ({ row })))).toEqual(idsOf(groups));
    expect(back.sum.revision).toBeGreaterThan(info.sum.revision);
  });

  test("of the request that opens it hold from the first answer on", async () => {
    bench.reviews.closeAll();
    const fresh = await bench.open({ exclude: ["anna"] });
    const { sum } = await fresh.info();
    review = await bench.openWhole();
    expect(review).toBe(fresh); // the same review, with other excludes
    expect((await review.info()).sum.predictedBytes).toBeGreaterThan(sum.predictedBytes);
    expect(await review.exclude(["anna"])).toMatchObject({ sum: { predictedBytes: sum.predictedBytes } });
    await review.exclude([]);
  });
});

describe("comparing two files", () => {
  test("shows their heads, and compares a mebibyte at most", async () => {
    const group = groups.find(({ row, files }) => row.size === 300_000 && files.length > 1);
    const [a, b] = group?.files ?? [];
    if (group === undefined || a === undefined || b === undefined) throw new Error("no such group");
    const before = [a, b].map((file) => lstatSync(bytesOf(file), { bigint: true }));
    const compared = await review.compare(group.row.id, a.id, b.id);
    expect(compared).toMatchObject({
      a: { path: a.path, size: 300_000, modified: a.modified },
      b: { path: b.path },
      comparedBytes: 300_000,
      equal: true,
    });
    expect(Buffer.from(compared.a.head, "base64").length).toBe(4096);
    expect(compared.a.head).toBe(compared.b.head);
    const after = [a, b].map((file) => lstatSync(bytesOf(file), { bigint: true }));
    expect(after).toEqual(before); // not even an access time
  });
});
