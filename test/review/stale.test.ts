/** When a review is out of date, and what it holds while it is not. */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { randomBytes } from "node:crypto";
import { StaleReviewError } from "../../src-helper/engine/review/stale.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { exec } from "../support/exec.ts";
import { refold } from "../support/run.ts";
import { allFiles, allRows, BY_SAVING, EVERYTHING, namesContext, quiet, ReviewBench } from "./support.ts";

let bench: ReviewBench;

function write(name: string, content: Buffer): void {
  writeFileSync(bench.path(name), content);
}

beforeEach(async () => {
  bench = new ReviewBench({ size: "512M" });
  for (let k = 0; k < 5; k++) {
    const content = randomBytes(20_000 + 4096 * k);
    for (const copy of ["a", "b", "c"]) write(`${k} ${copy}`, content);
  }
  await bench.scan();
});
afterEach(() => {
  bench[Symbol.dispose]();
});

const FIRST = { filter: NO_FILTER, sort: BY_SAVING, offset: 0, limit: 10 };

/** Every call but close. */
async function calls(review: Review, group: string, file: string): Promise<unknown[]> {
  const all = [
    review.info(),
    review.rows(FIRST),
    review.files(group, 0, 10),
    review.tick({ kind: "filter", filter: NO_FILTER }, false),
    review.exclude(["x"]),
    review.folders(NO_FILTER, null),
    review.facets(),
    review.compare(group, file, file),
    review.names(namesContext()),
    review.fold(0, { lock: "lease", defrag: false, priority: "normal" }, quiet()),
  ];
  const ended = await Promise.allSettled(all);
  return ended.map((one) => (one.status === "rejected" ? one.reason : "an answer") as unknown);
}

async function expectStale(review: Review, group: string, file: string): Promise<void> {
  for (const reason of await calls(review, group, file)) expect(reason).toBeInstanceOf(StaleReviewError);
}

async function opened(): Promise<{ review: Review; group: string; file: string }> {
  const review = await bench.openWhole();
  const [row] = await allRows(review);
  const [file] = await allFiles(review, row?.id ?? "");
  return { review, group: row?.id ?? "", file: file?.id ?? "" };
}

describe("a review is out of date", () => {
  test("after another scan that found a change", async () => {
    const { review, group, file } = await opened();
    write("another", randomBytes(9000));
    await bench.scan();
    await expectStale(review, group, file);
    expect((await bench.open()).id).not.toBe(review.id);
  });

  test("not after one that found none: ticks are kept", async () => {
    const { review, group, file } = await opened();
    const { predictedBytes } = await review.tick({ kind: "files", group, ids: [file] }, false);
    await bench.scan();
    expect((await bench.open()).id).toBe(review.id);
    expect((await review.info()).sum.predictedBytes).toBe(predictedBytes);
  });

  test("after a fold of everything by another process, which scans nothing", async () => {
    const { review, group, file } = await opened();
    const words = [bench.volume.path, "--db", bench.db, "--yes"];
    (await refold(["dedup", ...words])).expectCode(0);
    await expectStale(review, group, file);
  });

  test("after reset, and when it is closed", async () => {
    const { review, group, file } = await opened();
    await bench.withVolume((volume) => {
      volume.reset();
    });
    await expectStale(review, group, file);
    await bench.scan();
    const next = await opened();
    bench.reviews.close(next.review.id);
    await expectStale(next.review, next.group, next.file);
    expect(() => bench.reviews.get(next.review.id)).toThrow(StaleReviewError);
  });

  test("when it is closed while it is being loaded", async () => {
    const review = await bench.open();
    const names = review.names(namesContext());
    bench.reviews.closeAll();
    await expect(names).rejects.toThrow(StaleReviewError);
    await expect(review.info()).rejects.toThrow(StaleReviewError);
  });
});

describe("it is opened", () => {
  test("once: asked again the same one answers, until something else is asked for", async () => {
    const [one, two] = await Promise.all([bench.open(), bench.open()]);
    expect(one).toBe(two);
    expect(await bench.open({ exclude: ["* a"] })).toBe(one);
    const other = await bench.open({ minSize: 30_000 });
    expect(other).not.toBe(one);
    await expect(one.info()).rejects.toThrow(StaleReviewError);
    expect((await other.info()).groups).toBeLessThan(5);
  });

  test("not where there was no scan, or none of files this small", async () => {
    await expect(bench.open({ minSize: 1 })).rejects.toMatchObject({ code: "failed" });
    await bench.withVolume((volume) => {
      volume.reset();
    });
    await expect(bench.open()).rejects.toMatchObject({ code: "failed", details: { next: "Scan it first." } });
    const nowhere = { uuid: "00000000-0000-4000-8000-000000000000" };
    await expect(
      bench.reviews.open({
        ...nowhere,
        databaseDir: bench.db,
        warn: () => undefined,
        minSize: 1,
        exclude: [],
        snapshots: false,
      }),
    ).rejects.toMatchObject({ code: "no-volume" });
  });
});

describe("ids that it does not have", () => {
  test("of groups and files are told so, and change nothing", async () => {
    const { review, group } = await opened();
    const before = await review.info();
    const other = group.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    await expect(review.files(other, 0, 1)).rejects.toThrow(StaleReviewError);
    await expect(review.files("..", 0, 1)).rejects.toThrow(StaleReviewError);
    await expect(review.tick({ kind: "groups", ids: [group, other] }, false)).rejects.toThrow(
      StaleReviewError,
    );
    await expect(review.tick({ kind: "files", group, ids: ["5:999:1"] }, false)).rejects.toThrow(
      StaleReviewError,
    );
    await expect(review.compare(group, "5:257:1", "5:999:1")).rejects.toThrow(StaleReviewError);
    expect(await review.info()).toEqual(before);
  });
});

describe("files that went since the scan", () => {
  test("are shown as gone, by the columns and by the first page, and compared no more", async () => {
    const rows = await allRows(await bench.openWhole());
    const [row] = rows;
    const files = await allFiles(await bench.openWhole(), row?.id ?? "");
    const [first, second] = files;
    rmSync(first?.path ?? "");
    renameSync(second?.path ?? "", bench.path("moved"));
    bench.volume.sync();
    bench.reviews.closeAll();
    const review = await bench.open();
    const early = await review.files(row?.id ?? "", 0, 10);
    await review.names(namesContext());
    const late = await review.files(row?.id ?? "", 0, 10);
    for (const { files: shown } of [early, late]) {
      const [gone, moved] = shown;
      expect(gone).toMatchObject({ id: first?.id, reachable: false });
      expect(gone?.path).toMatch(/^<inode \d+ of subvolume 5, deleted>$/);
      expect(moved).toMatchObject({ id: second?.id, path: bench.path("moved"), reachable: true });
    }
    await expect(review.compare(row?.id ?? "", first?.id ?? "", second?.id ?? "")).rejects.toThrow(
      StaleReviewError,
    );
    const { sum } = await review.info();
    const result = await review.fold(
      sum.revision,
      { lock: "lease", defrag: false, priority: "normal" },
      quiet(),
    );
    expect(result.skipped.map(({ reason }) => reason)).toEqual(result.skipped.map(() => "changed"));
    expect(result.freedBytes).toBeGreaterThan(0);
  });
});

/** What descriptors of this process hold open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${String(statSync(`/proc/self/fd/${fd}`).dev)} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // the one that readdir itself had
    }
  });
}

describe("a review that is open", () => {
  test("does not hold the volume: it can be unmounted, and is reported as gone", async () => {
    const { review, group, file } = await opened();
    const device = statSync(bench.volume.path).dev;
    expect(openFiles().filter((one) => one.startsWith(`${String(device)} `))).toEqual([]);
    bench.volume.unmount();
    // nobody else has it: the device can be opened for itself alone
    closeSync(openSync(bench.volume.device, constants.O_RDONLY | constants.O_EXCL));
    expect((await review.rows(FIRST)).total).toBe(5);
    await expect(review.compare(group, file, file)).rejects.toMatchObject({ code: "no-volume" });
    bench.volume.mount();
    expect(await review.compare(group, file, file)).toMatchObject({ equal: true });
  });

  test("is gone without a trace when it is closed", async () => {
    const before = openFiles().length;
    for (let k = 0; k < 3; k++) {
      await bench.openWhole();
      bench.reviews.closeAll();
      await bench.open();
      bench.reviews.closeAll();
    }
    await expect.poll(() => openFiles().length).toBe(before);
  });

  test("waits for names only so long as the task wants to", async () => {
    const review = await bench.open();
    const controller = new AbortController();
    const told: number[] = [];
    const waiting = review.names({
      signal: controller.signal,
      progress: (done, total) => {
        expect(total).toBe(15);
        told.push(done);
      },
    });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    await review.names({ signal: new AbortController().signal, progress: (done) => told.push(done) });
    expect(told.at(-1)).toBe(15);
    expect((await review.info()).namesReady).toBe(true);
  });
});

describe("where no mount reaches", () => {
  test("paths are those from the top level, and folders can be filtered by them", async () => {
    const { volume } = bench;
    volume.createSubvolume("seen");
    volume.createSubvolume("hidden");
    const content = randomBytes(50_000);
    for (const path of ["seen/one", "hidden/two", "hidden/three"]) write(path, content);
    exec("mkdir", [bench.path("hidden/below")]);
    write("hidden/below/four", content);
    volume.sync();
    volume.unmount();
    volume.mount(["subvol=seen"]);
    await bench.scan();
    bench.reviews.closeAll();
    const review = await bench.open();
    const asked = { ...FIRST, sort: { by: "size", descending: true } as const };
    const early = await review.rows(asked);
    await review.names(namesContext());
    expect(await review.rows(asked)).toEqual(early);
    const [row] = await allRows(review, { search: "/one" });
    expect(row).toMatchObject({ name: "one", folder: volume.path });
    const files = await allFiles(review, row?.id ?? "");
    expect(
      files.map(({ path, reachable }) => ({ path, reachable })).sort((a, b) => (a.path < b.path ? -1 : 1)),
    ).toEqual([
      { path: bench.path("one"), reachable: true },
      { path: "hidden/below/four", reachable: false },
      { path: "hidden/three", reachable: false },
      { path: "hidden/two", reachable: false },
    ]);
    for (const folder of ["hidden", "hidden/below", volume.path, "/"]) {
      const [shown] = await allRows(review, { folder, minSize: 50_000, maxSize: 50_000 });
      expect(shown?.id).toBe(row?.id);
      expect(`${shown?.folder ?? ""}/`.startsWith(`${folder}/`.replace("//", "/"))).toBe(true);
    }
    expect((await review.folders(NO_FILTER, null)).length).toBeGreaterThan(0);
    const sum = await review.tick({ kind: "folder", path: "hidden" }, false);
    expect(sum.predictedBytes).toBeLessThan(early.reclaimableBytes);
    const roles = new Map((await allFiles(review, row?.id ?? "")).map(({ path, role }) => [path, role]));
    expect(roles.get("hidden/two")).toBe("left");
  });
});

test("the excludes of the command line mean the same files", async () => {
  const exclude = ["* a", "**/1 *"];
  const selection = { ...EVERYTHING, exclude };
  const preview = await bench.withVolume((volume) =>
    volume.preview(selection, { lock: "lease", defrag: false, priority: "normal" }),
  );
  const review = await bench.open({ exclude });
  const { sum } = await review.info();
  expect(sum).toMatchObject({
    groups: preview.groups,
    files: preview.files,
    predictedBytes: preview.predictedBytes,
  });
});
