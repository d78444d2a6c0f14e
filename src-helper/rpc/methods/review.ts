import type { FoldResult, PinningSnapshot, SkipReason } from "../../engine/contract.ts";
import { OpenReviews } from "../../engine/review/reviews.ts";
import { StaleReviewError } from "../../engine/review/stale.ts";
import { databaseError } from "../../store/open-database.ts";
import { differenceInfos } from "../differences.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { RpcError } from "../errors.ts";
import type { CallContext, ReviewHandlers, Reviews } from "../handlers.ts";
import { deepOptions } from "../deep.ts";
import { MAX_MESSAGE_BYTES, MAX_PAGE, type PinnedInfo, type Result } from "../protocol.ts";

/** What the rows of an answer may take: the rest of the message is small. */
const MAX_ROWS_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;
/** Choices of a filter, largest first: more than this nobody looks through. */
const MAX_CHOICES = 2000;

/** Looking through duplicates, choosing, and folding what was chosen. */
export function createReviews(): Reviews {
  const open = new OpenReviews();

  const handlers: ReviewHandlers = {
    "review.open": ({ volume: uuid, minSize, exclude, snapshots, deep: asked }, call) =>
      told(call, async () => {
        const { databaseDir, rulesFile, warn } = call;
        const deep = asked === undefined ? null : deepOptions(asked);
        const request = { uuid, databaseDir, rulesFile, warn, minSize, exclude, snapshots, deep };
        const review = await open.open(request);
        return review.info();
      }),

    "review.names": ({ review, task }, call) =>
      told(call, () => {
        const opened = open.get(review);
        return call.run(task, null, async (run) => {
          await opened.names({
            signal: run.signal,
            progress: (done, total) => {
              run.progress({ phase: "names", done, total, unit: "files" });
            },
          });
          return {};
        });
      }),

    "review.ranges": ({ review, task }, call) =>
      told(call, () => {
        const opened = open.get(review);
        return call.run(task, null, (run) => opened.ranges(run.signal));
      }),

    "review.pinned": ({ review, task }, call) =>
      told(call, () => {
        const opened = open.get(review);
        return call.run(task, null, async (run) => {
          const { snapshots, ...sums } = await opened.pinned(run.signal);
          return { ...sums, ...holders(snapshots) };
        });
      }),

    "review.pinned-ranges": ({ review, task }, call) =>
      told(call, () => {
        const opened = open.get(review);
        return call.run(task, null, async (run) => {
          const found = await opened.pinnedRanges(run.signal);
          if (found === null) return null;
          const { snapshots, ...sums } = found;
          return { ...sums, ...holders(snapshots) };
        });
      }),

    "review.rows": ({ review, ...asked }, call) =>
      told(call, async () => {
        const page = await open.get(review).rows(asked);
        return { ...page, rows: fitting(page.rows) };
      }),

    "review.files": ({ review, group, offset, limit }, call) =>
      told(call, async () => {
        const { total, files } = await open.get(review).files(group, offset, limit);
        return { total, files: fitting(files) };
      }),

    "review.tick": ({ review, target, ticked }, call) =>
      told(call, () => open.get(review).tick(target, ticked)),

    "review.exclude": ({ review, exclude }, call) => told(call, () => open.get(review).exclude(exclude)),

    "review.folders": ({ review, filter, folder }, call) =>
      told(call, () => open.get(review).folders(filter, folder)),

    "review.facets": ({ review }, call) =>
      told(call, async () => {
        const { types, owners, subvolumes } = await open.get(review).facets();
        return {
          types,
          owners: owners.slice(0, MAX_CHOICES),
          subvolumes: fitting(subvolumes.slice(0, MAX_CHOICES)),
        };
      }),

    "review.compare": ({ review, group, a, b }, call) =>
      told(call, () => open.get(review).compare(group, a, b)),

    "review.fold": ({ review, task, revision, options }, call) =>
      told(call, () => {
        const opened = open.get(review);
        return call.run(task, open.volumeOf(review), async (run) =>
          foldResult(await opened.fold(revision, options, run)),
        );
      }),

    "review.close": ({ review }) => {
      open.close(review);
      return {};
    },
  };

  return {
    handlers,
    drop: (volume) => {
      open.drop(volume);
    },
    close: () => {
      open.closeAll();
    },
  };
}

/** Runs a handler; what it throws comes out as the other side is told it. */
async function told<T>({ databaseDir }: CallContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StaleReviewError)) throw databaseError(databaseDir, error);
    throw new RpcError("stale", `${error.message}.`, {
      kept: "Nothing was changed.",
      next: "Open the review again.",
    });
  }
}

/** How many snapshots there are, and the first of them. */
function holders(snapshots: readonly PinningSnapshot[]): Pick<PinnedInfo, "total" | "snapshots"> {
  const first = snapshots.slice(0, MAX_PAGE).map(({ path, bytes, aloneBytes }) => ({
    ...{ path: bytesToJsonString(path), bytes, aloneBytes },
  }));
  return { total: snapshots.length, snapshots: fitting(first) };
}

/** As many of the first rows as a message holds: paths can be very long. */
function fitting<T>(rows: T[]): T[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Buffer.byteLength(JSON.stringify(row)) + 1) > MAX_ROWS_BYTES);
  return end < 0 ? rows : rows.slice(0, end);
}

function foldResult(result: FoldResult): Result<"review.fold"> {
  const { uuid, runId, files, predictedBytes, freedBytes, elapsedMs, cancelled, ranges } = result;
  const groups = result.groups - (ranges?.extents ?? 0);
  const skippedCounts: Partial<Record<SkipReason, number>> = {};
  for (const { reason } of result.skipped) skippedCounts[reason] = (skippedCounts[reason] ?? 0) + 1;
  const skipped = result.skipped.slice(0, MAX_PAGE).map(({ path, reason, detail }) => ({
    ...{ path: bytesToJsonString(path), reason, detail },
  }));
  return {
    ...{ uuid, runId, groups, files, predictedBytes, freedBytes, elapsedMs, skippedCounts },
    differences: differenceInfos(result.differences ?? []),
    skipped: fitting(skipped),
    cancelled,
    ...(ranges === undefined ? {} : { ranges }),
  };
}
