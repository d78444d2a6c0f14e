/**
 * What a person waits for in the review of a scanned volume. Run by the scale bench in a process of its own:
 *
 *     node scripts/bench/scale/review.mjs UUID DATABASE-DIRECTORY GROUPS
 *
 * Prints one JSON object, times in milliseconds.
 */
import { Review } from "../../../src-helper/engine/review/review.ts";
import { NO_FILTER } from "../../../src-helper/rpc/protocol.ts";

const [uuid, databaseDir, wanted] = process.argv.slice(2);
const request = { uuid, databaseDir, warn: () => undefined, minSize: 4096, exclude: [], snapshots: false };
const page = (filter, by = "frees", offset = 0) => ({
  filter: { ...NO_FILTER, ...filter },
  sort: { by, descending: true },
  offset,
  limit: 100,
});

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

async function medianOf(runs, work) {
  const times = [];
  for (let k = 0; k < runs; k++) times.push((await timed(() => work(k))).ms);
  return times.sort((a, b) => a - b)[runs >> 1];
}

const opened = await timed(async () => {
  const review = new Review(request);
  await review.info();
  return { review, rows: await review.rows(page({})) };
});
const { review } = opened.result;
const loaded = await timed(() =>
  review.names({ signal: new AbortController().signal, progress: () => undefined }),
);

/** The least size from which on no more groups are shown than wanted. */
async function sizeFor(count) {
  let [low, high] = [0, 2 ** 40];
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    const { total } = await review.rows(page({ minSize: middle }));
    if (total > count) low = middle;
    else high = middle;
  }
  return high;
}

const minSize = await sizeFor(Number(wanted));
const filter = { ...NO_FILTER, minSize };
const { total } = await review.rows(page({ minSize }));
const sum = await medianOf(6, (k) => review.tick({ kind: "filter", filter }, k % 2 === 1));
const sorted = await medianOf(4, (k) => review.rows(page({ maxSize: 2 ** 41 + k }, "size")));
const further = await medianOf(5, (k) => review.rows(page({}, "frees", 1000 * k)));
console.log(
  JSON.stringify({
    groups: opened.result.rows.total,
    openMs: opened.ms,
    loadedMs: loaded.ms,
    tickedGroups: total,
    tickMs: sum,
    sortMs: sorted,
    pageMs: further,
  }),
);
process.exit(0);
