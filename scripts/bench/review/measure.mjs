/** What the review of a scanned volume takes: milliseconds, of ticks those of processor time; MiB of memory. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { OpenReviews } from "../../../src-helper/engine/review/reviews.ts";
import { NO_FILTER } from "../../../src-helper/rpc/protocol.ts";

const FIRST = { by: "frees", descending: true };

const rounded = (value) => Math.round(value * 10) / 10;

function memory() {
  globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers, external } = process.memoryUsage();
  return { rss, heapUsed, arrayBuffers, external };
}

/** CPU milliseconds of all threads: what else the machine does is not in it. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const now = () => performance.now();

/** The median of several runs of something. */
async function timed(work, runs = 5, clock = now) {
  const times = [];
  for (let k = 0; k < runs; k++) {
    const start = clock();
    await work(k);
    times.push(clock() - start);
  }
  return rounded(times.sort((a, b) => a - b)[Math.floor(runs / 2)]);
}

/**
 * @param {string} uuid of a volume that was scanned
 * @param {string} databaseDir
 * @param {boolean} snapshots whether copies in read-only snapshots are folded, too
 */
export async function measureReview(uuid, databaseDir, snapshots) {
  const request = { uuid, databaseDir, warn: () => undefined, minSize: 4096, exclude: [], snapshots };
  const figures = {};
  const page = { filter: NO_FILTER, sort: FIRST, offset: 0, limit: 100 };
  const reviews = new OpenReviews();

  const whole = async () => {
    const review = await reviews.open(request);
    await review.names({ signal: new AbortController().signal, progress: () => undefined });
    return review;
  };

  // the first one has what is compiled only then in it, so the second one's time counts
  const before = memory();
  await whole();
  const after = memory();
  figures["memory of a review: heap and columns"] = rounded(
    (after.heapUsed + after.external - before.heapUsed - before.external) / 2 ** 20,
  );
  figures["memory: resident, with what the loading took"] = rounded((after.rss - before.rss) / 2 ** 20);
  const openings = [];
  for (let k = 0; k < 5; k++) {
    reviews.closeAll();
    await new Promise((resolve) => setTimeout(resolve, 300)); // until the one before has let go
    openings.push(
      await timed(async () => {
        const review = await reviews.open(request);
        await review.info();
        await review.rows(page);
      }, 1),
    );
  }
  figures["open, sum and first page"] = openings.sort((a, b) => a - b)[2];
  reviews.closeAll();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const review = await reviews.open(request);
  const info = await review.info();
  await review.names({ signal: new AbortController().signal, progress: () => undefined });
  figures["everything loaded, names and all"] = rounded(performance.now() - start);
  delay.disable();
  figures["longest hold of the event loop meanwhile"] = rounded(delay.max / 1e6);

  let serial = 0;
  const rows = (change, sort = FIRST, offset = 0) =>
    review.rows({ filter: { ...NO_FILTER, ...change }, sort, offset, limit: 100 });
  figures["page further down, same view"] = await timed((k) => rows({}, FIRST, 1000 * k));
  figures["filter: size"] = await timed(() => rows({ minSize: 5000 + serial++ }));
  figures["filter: text"] = await timed(() => rows({ search: `e 00${serial++}` }));
  figures["filter: text with a slash"] = await timed(() => rows({ search: `pictures/folder ${serial++}` }));
  figures["filter: glob of names"] = await timed(() => rows({ search: `*${serial++}.jpg` }));
  figures["filter: glob of paths"] = await timed(() => rows({ search: `/**/anna/**/*${serial++}.jpg` }));
  figures["filter: type"] = await timed(() => rows({ types: ["image"], minSize: 5000 + serial++ }));
  figures["filter: owner and age"] = await timed(() => rows({ owners: [0], modifiedFrom: serial++ }));
  for (const by of ["frees", "size", "copies", "name", "modified"]) {
    figures[`sort: ${by}`] = await timed((k) =>
      rows({ maxSize: 2 ** 40 + serial++ }, { by, descending: k % 2 === 0 }),
    );
  }
  figures["treemap, top level"] = await timed(() => review.folders(NO_FILTER, null));
  figures["facets"] = await timed(() => review.facets());

  const { rows: some } = await rows({});
  const three = some.find(({ copies }) => copies > 2) ?? some[0];
  const { files } = await review.files(three.id, 0, 10);
  figures["tick: one group"] = await timed(
    (k) => review.tick({ kind: "groups", ids: [some[k].id] }, k % 2 === 1),
    11,
    cpu,
  );
  figures["tick: one file of three"] = await timed(
    (k) => review.tick({ kind: "files", group: three.id, ids: [files[0].id] }, k % 2 === 1),
    11,
    cpu,
  );
  figures["untick all"] = await timed(
    () => review.tick({ kind: "filter", filter: NO_FILTER }, false),
    1,
    cpu,
  );
  const tickAll = cpu();
  const sum = await review.tick({ kind: "filter", filter: NO_FILTER }, true);
  figures["tick all"] = rounded(cpu() - tickAll);
  figures["untick one of three folders (half of all files)"] = await timed(
    () => review.tick({ kind: "filter", filter: { ...NO_FILTER, search: "anna/old" } }, false),
    1,
    cpu,
  );
  const { path } = (await review.folders(NO_FILTER, null))[0] ?? {};
  await review.tick({ kind: "filter", filter: NO_FILTER }, true);
  figures["untick a folder, file by file"] = await timed(
    () => review.tick({ kind: "folder", path }, false),
    1,
    cpu,
  );
  figures["exclude a type"] = await timed(() => review.exclude(["*.jpg"]), 1);
  if (sum.predictedBytes !== info.sum.predictedBytes || sum.pinnedBytes !== info.sum.pinnedBytes) {
    throw new Error(`the sum of all is ${sum.predictedBytes}, not ${info.sum.predictedBytes}`);
  }
  figures.groups = info.groups;
  figures["bytes promised"] = sum.predictedBytes;
  reviews.closeAll();
  return figures;
}
