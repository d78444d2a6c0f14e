/** What parts of files in a review take: milliseconds; of ticks, and holds of the event loop, in CPU milliseconds. */
import { DEEP_DEFAULTS } from "../../../src-helper/engine/contract.ts";
import { OpenReviews } from "../../../src-helper/engine/review/reviews.ts";
import { NO_FILTER } from "../../../src-helper/rpc/protocol.ts";

const FIRST = { by: "frees", descending: true };
const rounded = (value) => Math.round(value * 10) / 10;
const never = () => new AbortController().signal;

/** CPU milliseconds of this thread: what else the machine does is not in it. */
function cpu() {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds, those of this thread's processor time, the most of them that others of this thread waited for meanwhile, and what came of it. */
async function watched(work) {
  let [last, held] = [cpu(), 0];
  const look = () => {
    const now = cpu();
    held = Math.max(held, now - last);
    last = now;
  };
  const ticking = setInterval(look, 1);
  const [start, begun] = [performance.now(), last];
  const result = await work();
  const ms = performance.now() - start;
  look();
  clearInterval(ticking);
  return { ms: rounded(ms), cpu: rounded(last - begun), held: rounded(held), result };
}

/**
 * @param {string} uuid of a volume that was scanned
 * @param {string} databaseDir
 * @param {boolean} snapshots whether copies in read-only snapshots are folded, too
 */
export async function measureRanges(uuid, databaseDir, snapshots) {
  const request = { uuid, databaseDir, warn: () => undefined, minSize: 4096, exclude: [], snapshots };
  const reviews = new OpenReviews();
  const review = await reviews.open({ ...request, deep: DEEP_DEFAULTS });
  await review.names({ signal: never(), progress: () => undefined });
  const figures = {};

  const first = await watched(() => review.ranges(never()));
  figures["the first plan"] = first.ms;
  figures["longest hold of the event loop meanwhile"] = first.held;
  const { ranges } = first.result;
  figures["rows of parts"] = ranges.rows;

  const all = (filter) => ({ kind: "filter", filter: { ...NO_FILTER, ...filter } });
  const page = (filter) =>
    review.rows({ filter: { ...NO_FILTER, ...filter }, sort: FIRST, offset: 0, limit: 100 });
  const tick = async (what, target, ticked) => {
    const { cpu: used, held, result } = await watched(() => review.tick(target, ticked));
    figures[what] = used;
    figures[`${what}: longest hold`] = held;
    return result;
  };
  const { rows } = await page({ kind: "range" });
  if (rows.length > 0) {
    const ids = [rows[0].id];
    await tick("untick one row of parts", { kind: "groups", ids }, false);
    await tick("tick it again", { kind: "groups", ids }, true);
    const { files } = await review.files(ids[0], 0, 10);
    await tick("untick a file of parts", { kind: "files", group: ids[0], ids: [files[0].id] }, false);
    await tick("tick it again, too", { kind: "files", group: ids[0], ids: [files[0].id] }, true);
  }
  await tick("untick all parts", all({ kind: "range" }), false);
  const again = await tick("tick all parts", all({ kind: "range" }), true);
  if (again.predictedBytes !== first.result.predictedBytes) {
    throw new Error(`the sum of all is ${again.predictedBytes}, not ${first.result.predictedBytes}`);
  }
  const shown = await watched(() => page({}));
  figures["first page of groups and parts"] = shown.ms;
  const [group] = (await page({ kind: "file" })).rows;
  const changed = await watched(async () => {
    await review.tick({ kind: "groups", ids: [group.id] }, false);
    return review.ranges(never());
  });
  figures["a plan for other whole files (of that 250 ms rest)"] = changed.ms;
  figures["longest hold of the event loop in it"] = changed.held;
  await tick("untick all whole files and parts", all({}), false);
  await tick("tick all whole files and parts", all({}), true);
  reviews.closeAll();
  return figures;
}
