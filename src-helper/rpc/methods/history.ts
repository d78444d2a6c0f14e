import { withJournal } from "../../engine/folding.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { differenceInfos } from "../differences.ts";
import type { CallContext, Handlers } from "../handlers.ts";
import type { Tasks } from "../tasks.ts";

const MAX_RUNS = 10_000;

/** What was done to a volume, which need not be mounted. */
export function historyHandlers(tasks: Pick<Tasks, "isBusy">): Pick<Handlers, "history" | "history.files"> {
  return {
    history: ({ volume }, call) => {
      const runs = inJournal(call, volume, (journal) => journal.history(volume)) ?? [];
      // the one that is going on is no history yet
      const ended = tasks.isBusy(volume) ? runs.filter((run) => run.finishedAt !== null) : runs;
      return ended.slice(0, MAX_RUNS).map((run) => ({
        ...run,
        differences: differenceInfos(run.differences),
        // extents of ranges are told apart
        groups: run.groups - (run.ranges?.extents ?? 0),
      }));
    },

    "history.files": ({ volume, run, offset, limit }, call) => {
      const page = inJournal(call, volume, (journal) => journal.historyPage(run, offset, limit));
      const files = (page?.files ?? []).map(({ path, outcome, detail }) => ({
        ...{ path: bytesToJsonString(path), outcome, detail },
      }));
      return { total: page?.total ?? 0, files };
    },
  };
}

function inJournal<T>(
  call: CallContext,
  volume: string,
  work: Parameters<typeof withJournal<T>>[3],
): T | null {
  return withJournal(call.databaseDir, volume, call.warn, work);
}
