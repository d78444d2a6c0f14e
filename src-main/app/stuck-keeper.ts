import type { RepairResultInfo, Result, StuckFileInfo, VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { HelperSupervisor } from "../helper/supervisor.ts";
import type { TaskList } from "../tasks/task-list.ts";
import type { StateStore } from "./state-store.ts";
import { countStuck, stuckAfterList, withCounts } from "./stuck-files.ts";
import { outcome } from "./outcome.ts";

export interface StuckKeeperDeps {
  readonly helper: Pick<HelperSupervisor, "request" | "ready">;
  readonly tasks: TaskList;
  readonly store: StateStore;
  /** Files of ours were found on a volume; 0 when there are none any more. */
  readonly onFound: (volume: string, ours: number) => void;
  readonly onError: (error: unknown) => void;
}

/** Lists and mends stuck files, and keeps their counts in the state. */
export interface StuckKeeper {
  /** Looks which volumes have open journal entries that were not counted yet, and lists those. */
  volumesListed(volumes: readonly VolumeInfo[]): void;
  /** Lists a volume's; who asks while it lists gets the same list. @throws AppError */
  list(volume: string): Promise<Result<"stuck">>;
  /** Mends ours and the named ones. @throws AppError */
  repair(volume: string, ids: readonly string[]): Promise<RepairResultInfo>;
  /** Forgets what was counted: a helper was lost, and may have left more. */
  forget(): void;
}

/** @returns a keeper that has counted nothing yet */
export function createStuckKeeper({ helper, tasks, store, onFound, onError }: StuckKeeperDeps): StuckKeeper {
  const counted = new Map<string, number>();
  const listing = new Map<string, Promise<Result<"stuck">>>();
  const known = new Map<string, readonly StuckFileInfo[]>();

  function found(volume: string, files: readonly StuckFileInfo[]): void {
    known.set(volume, files);
    const counts = countStuck(files);
    store.patch({ stuck: withCounts(store.get().stuck, volume, counts) });
    onFound(volume, counts.ours);
  }

  async function listNow(volume: string): Promise<Result<"stuck">> {
    await helper.ready();
    let files: Result<"stuck"> = [];
    const { done } = tasks.begin("stuck", volume, async (task) => {
      files = await helper.request("stuck", { task, volume });
      return { kind: "done" };
    });
    outcome(await done);
    found(volume, files);
    return files;
  }

  function list(volume: string): Promise<Result<"stuck">> {
    const running = listing.get(volume);
    if (running !== undefined) return running;
    const begun = listNow(volume).finally(() => {
      listing.delete(volume);
    });
    listing.set(volume, begun);
    return begun;
  }

  return {
    list,
    volumesListed: (volumes) => {
      const { stuck, helper: state } = store.get();
      const { counts, list: wanted } = stuckAfterList(
        stuck,
        volumes,
        counted,
        (volume) => tasks.heavyOn(volume) !== null,
      );
      if (counts !== stuck) store.patch({ stuck: counts });
      for (const volume of wanted) {
        if (state.status !== "running") {
          // listing them would ask for a password out of the blue: the journal's own number until somebody wants more
          const ours = volumes.find(({ uuid }) => uuid === volume)?.openIntents ?? 0;
          store.patch({ stuck: withCounts(store.get().stuck, volume, { ours, unknown: 0 }) });
          continue;
        }
        counted.set(volume, volumes.find(({ uuid }) => uuid === volume)?.openIntents ?? 0);
        list(volume).catch(onError);
      }
    },
    repair: async (volume, ids) => {
      await helper.ready();
      let result: RepairResultInfo = { repaired: [], failed: [] };
      const { done } = tasks.begin("repair", volume, async (task) => {
        result = await helper.request("repair", { task, volume, ids: [...ids] });
        return { kind: "repair", result };
      });
      outcome(await done);
      const mended = new Set(result.repaired);
      found(
        volume,
        (known.get(volume) ?? []).filter(({ id }) => !mended.has(id)),
      );
      return result;
    },
    forget: () => {
      counted.clear();
    },
  };
}
