import { giveWayOnDisk } from "../../dedupe/priority.ts";
import type { Handlers } from "../handlers.ts";
import type { Result } from "../protocol.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { deepOptions, deepTotals } from "../deep.ts";
import { MAX_MESSAGE_BYTES } from "../protocol.ts";
import type { LiveScans } from "./live-scans.ts";

/** Most entries of an answer that is not paged, and most of its bytes: the rest of the message is small. */
const MAX_ENTRIES = 10_000;
const MAX_ENTRIES_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/**
 * Scanning and mending.
 * @param indexChanged called when the index of a volume is no more what it was
 */
export function workHandlers(
  indexChanged: (volume: string) => void,
  liveScans: LiveScans,
): Pick<Handlers, "scan" | "stuck" | "repair"> {
  return {
    scan: (params, call) =>
      call.run(params.task, params.volume, async (run) => {
        const {
          volume: uuid,
          minSize,
          exclude,
          snapshots = false,
          flush,
          live = false,
          deep: asked,
        } = params;
        if (live) giveWayOnDisk();
        const answer = await call.withVolume(uuid, async (volume): Promise<Result<"scan">> => {
          const known = live ? liveScans.unchanged(params, volume) : null;
          if (known !== null) return known;
          const selection = { minSize, exclude, pathGlob: null, crossVolume: true, snapshots };
          const search = asked === undefined ? {} : { deep: deepOptions(asked) };
          const scanned = await volume.scan({ minSize, flush, selection, ...search }, run);
          indexChanged(uuid);
          const { incremental, files, bytes, groups, duplicateFiles } = scanned;
          const { reclaimableBytes, bytesRead, elapsedMs, deep } = scanned;
          const totals = {
            ...{ uuid, incremental, files, bytes, groups, duplicateFiles },
            ...{ reclaimableBytes, bytesRead, elapsedMs },
            ...(deep === undefined ? {} : { deep: deepTotals(deep) }),
          };
          liveScans.scanned(params, volume, totals);
          return totals;
        });
        if (answer.unchanged !== true) liveScans.settle(uuid);
        return answer;
      }),

    stuck: ({ task, volume: uuid }, call) =>
      call.run(task, uuid, (run) =>
        call.withVolume(uuid, async (volume) => {
          const files = await volume.stuck(run);
          indexChanged(uuid); // it looks at what changed since the last scan
          return fitting(
            files.map(({ id, volume: of, path, origin, since }) => ({
              ...{ id, volume: of, path: bytesToJsonString(path), origin, since },
            })),
          );
        }),
      ),

    repair: ({ task, volume: uuid, ids }, call) =>
      call.run(task, uuid, (run) =>
        call.withVolume(uuid, async (volume): Promise<Result<"repair">> => {
          const { repaired, failed } = await volume.repair(ids, run);
          indexChanged(uuid);
          return {
            repaired: [...repaired],
            failed: fitting(
              failed.map(({ id, path, reason }) => ({ id, path: bytesToJsonString(path), reason })),
            ),
          };
        }),
      ),
  };
}

/** As many of the first entries as an answer holds; those left out come when the first are dealt with. */
function fitting<T>(entries: readonly T[]): T[] {
  let bytes = 0;
  const fit = entries.slice(0, MAX_ENTRIES);
  const end = fit.findIndex(
    (entry) => (bytes += Buffer.byteLength(JSON.stringify(entry)) + 1) > MAX_ENTRIES_BYTES,
  );
  return end < 0 ? fit : fit.slice(0, end);
}
