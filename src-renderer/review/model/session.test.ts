import { describe, expect, it } from "vitest";
import { nextTick, ref } from "vue";
import type { ErrorData, FolderNode, GroupRow, ReviewInfo, Sum } from "../../../src-helper/rpc/protocol.ts";
import type { Answer } from "../../../src-main/ipc/schema.ts";
import type { Client } from "../../bridge.ts";
import { EMPTY_FILTER } from "./filter.ts";
import { createFolders } from "./folders.ts";
import { createSession } from "./session.ts";

const VOLUME = "00000000-0000-0000-0000-000000000001";
const OTHER = "00000000-0000-0000-0000-000000000002";
const sumAt = (revision: number): Sum => ({
  revision,
  groups: 1,
  files: 1,
  foldBytes: 10,
  predictedBytes: 1000 - revision,
  pinnedBytes: 0,
});
const infoOf = (review: string, patch: Partial<ReviewInfo> = {}): ReviewInfo => ({
  review,
  volume: VOLUME,
  scannedAt: 1,
  groups: 250,
  files: 500,
  sum: sumAt(0),
  namesReady: true,
  ...patch,
});
const rowOf = (at: number): GroupRow => ({
  id: `${at}`,
  name: `file ${at}`,
  folder: "/home",
  size: 10,
  copies: 2,
  toFold: 1,
  frees: 10,
  tick: "all",
  modified: 0,
  snapshotCopies: 0,
});
const errorOf = (code: ErrorData["code"]): ErrorData => ({ code, message: code, kept: "", next: "" });
const ok = (value: unknown): Answer<unknown> => ({ ok: true, value });
const wrong = (code: ErrorData["code"]): Answer<unknown> => ({ ok: false, error: errorOf(code) });

type Ask = (name: string, args: Record<string, unknown>) => Answer<unknown> | Promise<Answer<unknown>>;

/** A session over a bridge that answers as the test says; rows come by themselves where it says nothing. */
function start(answer: (name: string, args: Record<string, unknown>) => ReturnType<Ask> | undefined) {
  const asked: { name: string; args: Record<string, unknown> }[] = [];
  const failed: ErrorData[] = [];
  const counts = { reopened: 0 };
  let revision = 0;
  const ask: Ask = async (name, args) => {
    asked.push({ name, args });
    const given = await answer(name, args);
    if (given !== undefined) return given;
    if (name === "review.open") return ok(infoOf("r1"));
    if (name === "review.tick") return ok(sumAt(++revision));
    if (name === "review.rows") {
      const offset = Number(args["offset"]);
      const rows = Array.from({ length: Math.min(100, 250 - offset) }, (_, at) => rowOf(offset + at));
      return ok({ revision, total: 250, reclaimableBytes: 2500, tick: "all", rows });
    }
    if (name === "review.files") return ok({ total: 0, files: [] });
    return ok(null);
  };
  const session = createSession({
    ask: ask as unknown as Client["ask"],
    failed: (error) => failed.push(error),
    reopened: () => counts.reopened++,
  });
  const countOf = (name: string): number => asked.filter((one) => one.name === name).length;
  return { session, asked, failed, counts, countOf };
}

/** Everything that was asked has been answered. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

const rangesOf = (state: "working" | "ready"): NonNullable<Sum["ranges"]> => ({
  ...{ state, total: 2, rows: state === "ready" ? 2 : 0, files: 3 },
  ...{ predictedBytes: state === "ready" ? 500 : 0, rewrittenBytes: 0 },
});

describe("parts of files", () => {
  it("are waited for, and the sum and the rows follow", async () => {
    const { promise, resolve } = Promise.withResolvers<Answer<unknown>>();
    const { session, countOf } = start((name) => {
      if (name === "review.open")
        return ok(infoOf("r1", { sum: { ...sumAt(0), ranges: rangesOf("working") } }));
      return name === "review.ranges" ? promise : undefined;
    });
    await session.open(VOLUME);
    await settle();
    expect(session.info.value?.sum.ranges?.state).toBe("working");
    expect(countOf("review.ranges")).toBe(1);
    const rows = countOf("review.rows");
    resolve(ok({ ...sumAt(1), ranges: rangesOf("ready") }));
    await settle();
    expect(session.info.value?.sum).toMatchObject({ revision: 1, ranges: { state: "ready", rows: 2 } });
    expect(countOf("review.rows")).toBeGreaterThan(rows);
    expect(countOf("review.ranges")).toBe(1);
  });

  it("are waited for again when a tick makes them others", async () => {
    let revision = 1;
    const { session, countOf } = start((name) => {
      if (name === "review.tick") return ok({ ...sumAt(++revision), ranges: rangesOf("working") });
      if (name === "review.ranges") return ok({ ...sumAt(++revision), ranges: rangesOf("ready") });
      return undefined;
    });
    await session.open(VOLUME);
    await session.tick({ kind: "groups", ids: ["1"] }, false);
    await settle();
    expect(countOf("review.ranges")).toBe(1);
    expect(session.info.value?.sum.ranges?.state).toBe("ready");
  });

  it("that cannot be worked out are said not to count", async () => {
    const { session, failed } = start((name) => {
      if (name === "review.open")
        return ok(infoOf("r1", { sum: { ...sumAt(0), ranges: rangesOf("working") } }));
      return name === "review.ranges" ? wrong("failed") : undefined;
    });
    await session.open(VOLUME);
    await settle();
    expect(session.info.value?.sum.ranges?.state).toBe("failed");
    expect(failed.map(({ code }) => code)).toEqual(["failed"]);
  });
});

describe("session", () => {
  it("opens and shows the first rows", async () => {
    const { session } = start(() => undefined);
    await session.open(VOLUME);
    await settle();
    expect(session.phase.value).toBe("open");
    expect(session.table.total).toBe(250);
    expect(session.table.groupAt(0)?.name).toBe("file 0");
    expect(session.shown.value).toEqual({ total: 250, reclaimableBytes: 2500, tick: "all" });
  });

  it("says why it could not be opened, and opens when asked again", async () => {
    let fails = true;
    const { session } = start((name) => (name === "review.open" && fails ? wrong("busy") : undefined));
    await session.open(VOLUME);
    expect(session.phase.value).toBe("failed");
    expect(session.error.value?.code).toBe("busy");
    fails = false;
    await session.open(VOLUME);
    expect(session.phase.value).toBe("open");
    expect(session.error.value).toBeNull();
  });

  it("throws away what belongs to another volume by then", async () => {
    const { promise, resolve } = Promise.withResolvers<Answer<unknown>>();
    const { session } = start((name, args) => {
      if (name !== "review.open") return undefined;
      return args["volume"] === VOLUME ? promise : ok(infoOf("r2", { volume: OTHER }));
    });
    const first = session.open(VOLUME);
    await session.open(OTHER);
    resolve(ok(infoOf("r1")));
    await first;
    await settle();
    expect(session.volume.value).toBe(OTHER);
    expect(session.info.value?.review).toBe("r2");
  });

  it("comes alive when all names are read", async () => {
    const names = Promise.withResolvers<Answer<unknown>>();
    const { session, countOf } = start((name) => {
      if (name === "review.open") return ok(infoOf("r1", { namesReady: false }));
      return name === "review.names" ? names.promise : undefined;
    });
    await session.open(VOLUME);
    await settle();
    expect(session.info.value?.namesReady).toBe(false);
    expect(session.table.total).toBe(250);
    const asked = countOf("review.rows");
    names.resolve(ok(null));
    await settle();
    expect(session.info.value?.namesReady).toBe(true);
    expect(countOf("review.rows")).toBeGreaterThan(asked);
  });

  it("shows a tick at once and takes the sum of the newest answer", async () => {
    const first = Promise.withResolvers<Answer<unknown>>();
    let ticks = 0;
    const { session } = start((name) => {
      if (name !== "review.tick") return undefined;
      return ++ticks === 1 ? first.promise : ok(sumAt(2));
    });
    await session.open(VOLUME);
    await settle();
    const one = session.tick({ kind: "groups", ids: ["3"] }, false);
    expect(session.table.groupAt(3)?.tick).toBe("none");
    expect(session.table.groupAt(4)?.tick).toBe("all");
    expect(session.ticking.value).toBe(true);
    await session.tick({ kind: "groups", ids: ["5"] }, false);
    expect(session.info.value?.sum.revision).toBe(2);
    first.resolve(ok(sumAt(1)));
    await one;
    expect(session.info.value?.sum.revision).toBe(2);
    expect(session.ticking.value).toBe(false);
  });

  it("does not show rows that were counted before a confirmed tick", async () => {
    let old = false;
    const { session, countOf } = start((name, args) => {
      if (name !== "review.rows" || !old) return undefined;
      old = false;
      const rows = [{ ...rowOf(0), name: "out of date" }];
      return ok({ revision: 0, total: 1, reclaimableBytes: 1, tick: "all", rows, args });
    });
    await session.open(VOLUME);
    await settle();
    const asked = countOf("review.rows");
    old = true;
    await session.tick({ kind: "groups", ids: ["3"] }, false);
    await settle();
    expect(countOf("review.rows")).toBeGreaterThan(asked + 1);
    expect(session.table.total).toBe(250);
    expect(session.table.groupAt(0)?.name).toBe("file 0");
  });

  it("takes a tick back that failed", async () => {
    const { session, failed } = start((name) => (name === "review.tick" ? wrong("failed") : undefined));
    await session.open(VOLUME);
    await settle();
    await session.tick({ kind: "groups", ids: ["3"] }, false);
    await settle();
    expect(session.table.groupAt(3)?.tick).toBe("all");
    expect(failed.map(({ code }) => code)).toEqual(["failed"]);
  });

  it("ticks what the filter shows", async () => {
    const { session, asked } = start(() => undefined);
    await session.open(VOLUME);
    await settle();
    session.setFilter({ ...EMPTY_FILTER, search: " iso ", minSize: 5 });
    await session.tickShown(false);
    expect(asked.find(({ name }) => name === "review.tick")?.args).toMatchObject({
      review: "r1",
      target: { kind: "filter", filter: { search: "iso", minSize: 5 } },
      ticked: false,
    });
    expect(session.table.groupAt(7)?.tick).toBe("none");
  });

  it("opens anew when it is out of date, and keeps filter and sort", async () => {
    let stale = false;
    let opened = 0;
    const { session, counts } = start((name) => {
      if (name === "review.open") return ok(infoOf(`r${++opened}`, { sum: sumAt(0) }));
      if (name !== "review.fold" || !stale) return undefined;
      stale = false;
      return wrong("stale");
    });
    await session.open(VOLUME);
    session.setFilter({ ...EMPTY_FILTER, minSize: 7 });
    session.setSort("size");
    await settle();
    stale = true;
    expect(await session.fold()).toBe(false);
    await settle();
    expect(counts.reopened).toBe(1);
    expect(session.info.value?.review).toBe("r2");
    expect(session.filter.value.minSize).toBe(7);
    expect(session.sort.value).toEqual({ by: "size", descending: true });
    expect(await session.fold()).toBe(true);
  });

  it("does not open anew for ever where that does not help", async () => {
    const { session, countOf } = start((name) => (name === "review.rows" ? wrong("stale") : undefined));
    await session.open(VOLUME);
    await settle();
    expect(countOf("review.open")).toBeLessThan(4);
    expect(session.error.value?.code).toBe("stale");
  });

  it("sends the revision that was shown, and says whether the fold has begun", async () => {
    const { session, asked } = start(() => undefined);
    await session.open(VOLUME);
    await session.tick({ kind: "groups", ids: ["3"] }, false);
    expect(await session.fold()).toBe(true);
    expect(asked.find(({ name }) => name === "review.fold")?.args).toEqual({ review: "r1", revision: 1 });
  });

  it("leaves out what is skipped from now on", async () => {
    const { session } = start((name) =>
      name === "review.skip" ? ok(infoOf("r1", { groups: 9, sum: sumAt(4) })) : undefined,
    );
    await session.open(VOLUME);
    expect(await session.skip("*.iso")).toBe(true);
    expect(session.info.value?.groups).toBe(9);
    expect(session.info.value?.sum.revision).toBe(4);
  });

  it("sorts the other way round when it is sorted by that already", () => {
    const { session } = start(() => undefined);
    session.setSort("frees");
    expect(session.sort.value).toEqual({ by: "frees", descending: false });
    session.setSort("name");
    expect(session.sort.value).toEqual({ by: "name", descending: false });
  });
});

describe("folders", () => {
  const folder = (path: string, deeper: boolean): FolderNode => ({
    path,
    name: path.slice(path.lastIndexOf("/") + 1),
    reclaimableBytes: 5,
    files: 1,
    deeper,
  });
  const TREE: Readonly<Record<string, readonly FolderNode[]>> = {
    top: [folder("/home", true)],
    "/home": [folder("/home/me", true), folder("/home/family", false)],
    "/home/me": [folder("/home/me/VMs", false)],
  };
  const withTree = () =>
    start((name, args) =>
      name === "review.folders" ? ok(TREE[(args["folder"] as string | null) ?? "top"] ?? []) : undefined,
    );

  it("goes down past a folder that is alone, and narrows the review to the one that is entered", async () => {
    const { session } = withTree();
    const folders = createFolders(session, ref(true));
    await session.open(VOLUME);
    await nextTick();
    await settle();
    expect(folders.nodes.value?.map(({ path }) => path)).toEqual(["/home/me", "/home/family"]);
    const [me] = folders.nodes.value ?? [];
    if (me !== undefined) folders.enter(me);
    await nextTick();
    await settle();
    expect(session.filter.value.folder).toBe("/home/me");
    expect(folders.trail.value).toEqual([{ path: "/home/me", name: "/home/me" }]);
    expect(folders.nodes.value?.map(({ path }) => path)).toEqual(["/home/me/VMs"]);
    const [vms] = folders.nodes.value ?? [];
    if (vms !== undefined) folders.enter(vms);
    expect(folders.trail.value.map(({ name }) => name)).toEqual(["/home/me", "VMs"]);
    folders.leaveTo(folders.trail.value[0] ?? null);
    expect(folders.trail.value.map(({ path }) => path)).toEqual(["/home/me"]);
    folders.leaveTo(null);
    expect(session.filter.value.folder).toBeNull();
    expect(folders.trail.value).toEqual([]);
  });

  it("does not ask while nobody sees them", async () => {
    const { session, countOf } = withTree();
    const seen = ref(false);
    createFolders(session, seen);
    await session.open(VOLUME);
    await nextTick();
    await settle();
    expect(countOf("review.folders")).toBe(0);
    seen.value = true;
    await nextTick();
    await settle();
    expect(countOf("review.folders")).toBeGreaterThan(0);
  });
});
