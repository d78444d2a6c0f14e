/** The review as the app asks for it: a real helper over pipes. Its answers are held to their schemas. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { METHODS, NO_FILTER, type Method, type Params, type Result } from "../../src-helper/rpc/protocol.ts";
import { HelperClient } from "../rpc/client.ts";
import { scanParams } from "../rpc/support.ts";
import { LoopVolume } from "../support/volume.ts";

const volume = LoopVolume.create({ size: "1G" });
const db = volume.beside("db");
let helper: HelperClient;
const open = { volume: volume.uuid, minSize: 4096, exclude: [], snapshots: false };
const first = { filter: NO_FILTER, sort: { by: "frees", descending: true } as const, offset: 0, limit: 100 };

beforeAll(async () => {
  for (let folder = 0; folder < 3; folder++) mkdirSync(join(volume.path, `folder ${folder}`));
  for (let k = 0; k < 10; k++) {
    const content = randomBytes(30_000 + 4096 * k);
    for (let folder = 0; folder < 3; folder++)
      writeFileSync(join(volume.path, `folder ${folder}/${k}.jpg`), content);
  }
  volume.sync();
  helper = await HelperClient.connect({ db });
});
afterAll(async () => {
  await helper[Symbol.asyncDispose]();
  volume.dispose();
});

/** Calls, and holds the answer to its schema. */
async function call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
  const result = await helper.call(method, params);
  expect(METHODS[method].result.parse(result)).toEqual(result);
  return result;
}

test("look, choose, fold", async () => {
  expect(await helper.callError("review.open", open)).toMatchObject({
    code: "failed",
    next: "Scan it first.",
  });
  await call("scan", scanParams(volume.uuid));
  const { review, sum, groups, files } = await call("review.open", open);
  expect({ groups, files }).toEqual({ groups: 10, files: 30 });
  const { rows } = await call("review.rows", { review, ...first });
  expect(rows.map(({ name }) => name)).toEqual(
    ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"].map((k) => `${k}.jpg`),
  );
  await call("review.names", { review, task: "names" });
  expect(helper.progress.filter(({ task }) => task === "names").at(-1)).toMatchObject({
    phase: "names",
    unit: "files",
  });
  const group = rows[0]?.id ?? "";
  const { files: members } = await call("review.files", { review, group, offset: 0, limit: 10 });
  const [a, b] = members.map(({ id }) => id);
  expect(await call("review.compare", { review, group, a: a ?? "", b: b ?? "" })).toMatchObject({
    equal: true,
  });
  expect((await call("review.facets", { review })).types).toEqual([
    { type: "image", groups: 10, reclaimableBytes: sum.predictedBytes },
  ]);
  expect((await call("review.folders", { review, filter: NO_FILTER, folder: null })).length).toBe(2);
  const excluded = await call("review.exclude", { review, exclude: ["0.jpg"] });
  expect(excluded.groups).toBe(9);
  const chosen = await call("review.tick", {
    review,
    target: { kind: "files", group, ids: [a ?? ""] },
    ticked: false,
  });
  expect(chosen.files).toBe(17);

  const options = { lock: "immutable", defrag: false, priority: "normal" } as const;
  const old = await helper.callError("review.fold", {
    review,
    task: "fold",
    revision: sum.revision,
    options,
  });
  expect(old).toMatchObject({ code: "stale", kept: "Nothing was changed.", next: "Open the review again." });
  const result = await call("review.fold", { review, task: "fold", revision: chosen.revision, options });
  expect(result).toMatchObject({
    files: 17,
    predictedBytes: chosen.predictedBytes,
    freedBytes: chosen.predictedBytes,
    skipped: [],
    skippedCounts: {},
    cancelled: false,
  });
  expect((await helper.callError("review.rows", { review, ...first })).code).toBe("stale");
});

test("after a scan that found a change the review is out of date; closing it again does no harm", async () => {
  const { review } = await call("review.open", open);
  expect((await call("review.open", open)).review).toBe(review);
  writeFileSync(join(volume.path, "another"), randomBytes(9000));
  await call("scan", scanParams(volume.uuid, "again"));
  expect(
    (
      await helper.callError("review.tick", {
        review,
        target: { kind: "filter", filter: NO_FILTER },
        ticked: false,
      })
    ).code,
  ).toBe("stale");
  await call("review.close", { review });
  const next = await call("review.open", open);
  await call("review.close", { review: next.review });
  await call("review.close", { review: next.review });
  expect(
    (await helper.callError("review.files", { review: next.review, group: "1-1", offset: 0, limit: 1 })).code,
  ).toBe("stale");
});

test("a helper whose input is closed while a review is loaded ends by itself", async () => {
  const other = await HelperClient.connect({ db });
  await other.call("review.open", open);
  await other[Symbol.asyncDispose]();
  expect(await other.helper.exited).toEqual({ code: 0, signal: null });
});
