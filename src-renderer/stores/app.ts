/** The main process's state as the window sees it, and what can be asked of it. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { groupsToFold } from "../../src-common/reclaimable.ts";
import type { ErrorData, VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { AppState, Task } from "../../src-main/ipc/state.ts";
import type { SettingsPatch } from "../../src-main/settings/schema.ts";
import { useClient, type Answer } from "../bridge.ts";
import { useRoute } from "./route.ts";

/** Files known to be stuck on a volume. */
export interface StuckCount {
  readonly ours: number;
  readonly unknown: number;
}
const NONE_STUCK: StuckCount = { ours: 0, unknown: 0 };

export const useApp = defineStore("app", () => {
  const client = useClient();
  const route = useRoute();
  /** null before the first answer. */
  const state = shallowRef<AppState | null>(null);
  /** Why there is no state at all. */
  const startError = shallowRef<ErrorData | null>(null);
  const startingHelper = ref(false);

  const volumes = computed<readonly VolumeInfo[]>(() => state.value?.volumes ?? []);
  const tasks = computed<readonly Task[]>(() => state.value?.tasks ?? []);
  /** Tasks that have not ended. */
  const running = computed(() => tasks.value.filter((task) => task.result === null));
  const stuckTotal = computed(() => {
    let total = 0;
    for (const { ours, unknown } of Object.values(state.value?.stuck ?? {})) total += ours + unknown;
    return total;
  });
  /** Groups that a review of the volume has something to fold in. */
  const groupsIn = ({ lastScan }: VolumeInfo): number =>
    groupsToFold(lastScan, { snapshots: state.value?.settings.snapshots ?? false });
  /** Those of all volumes. */
  const groupsTotal = computed(() => volumes.value.reduce((sum, volume) => sum + groupsIn(volume), 0));

  /** What shows names, or changes files, asks for a password first. */
  const asksForMore = computed(() => {
    const status = state.value?.helper.status;
    return status === "user" || status === "observing";
  });

  function volume(uuid: string | null): VolumeInfo | null {
    return volumes.value.find((one) => one.uuid === uuid) ?? null;
  }
  /** The volume's newest task that runs, else its newest finished one that is still shown. */
  function taskOf(uuid: string | null): Task | null {
    const own = tasks.value.filter((task) => task.volume === uuid);
    return own.findLast((task) => task.result === null) ?? own.at(-1) ?? null;
  }
  function stuckOf(uuid: string): StuckCount {
    return state.value?.stuck[uuid] ?? NONE_STUCK;
  }

  /** A task runs on it; only one does at a time. */
  function isBusy(uuid: string): boolean {
    return running.value.some((task) => task.volume === uuid);
  }

  function replaceTask(task: Task): void {
    const before = state.value;
    // a task that the state does not have has been dismissed meanwhile
    if (before === null || !before.tasks.some((one) => one.id === task.id)) return;
    state.value = { ...before, tasks: before.tasks.map((one) => (one.id === task.id ? task : one)) };
  }

  /** Asks for the state and follows its changes. @returns what ends that */
  async function start(): Promise<() => void> {
    const ends = [
      client.on("state", (next) => {
        state.value = next;
      }),
      client.on("task", replaceTask),
      client.on("navigate", ({ view, volume: uuid }) => {
        route.go(view, uuid);
      }),
    ];
    const answer = await client.ask("app.state");
    if (!answer.ok) startError.value = answer.error;
    // what was told meanwhile is newer than the answer
    else state.value ??= answer.value;
    return () => {
      for (const end of ends) end();
    };
  }

  async function startHelper(): Promise<void> {
    if (startingHelper.value) return;
    startingHelper.value = true;
    // why not is the state's to say: in the banner, and not a second time
    await client.ask("helper.start");
    startingHelper.value = false;
  }

  async function setSettings(patch: SettingsPatch): Promise<boolean> {
    const answer = await client.attempt("settings.set", patch);
    if (answer.ok && state.value !== null) state.value = { ...state.value, settings: answer.value };
    return answer.ok;
  }

  const scan = (uuid: string): Promise<Answer<null>> => client.attempt("scan.start", { volume: uuid });
  const pause = (task: string, paused: boolean): Promise<Answer<null>> =>
    client.attempt("task.pause", { task, paused });
  const cancel = (task: string): Promise<Answer<null>> => client.attempt("task.cancel", { task });
  const dismiss = (task: string): Promise<Answer<null>> => client.attempt("task.dismiss", { task });

  /** Scans every volume that can be scanned and has no task running. */
  async function scanAll(): Promise<void> {
    for (const one of volumes.value.filter((volume) => !isBusy(volume.uuid))) {
      const answer = await scan(one.uuid);
      // one refused password is enough
      if (!answer.ok) return;
    }
  }

  return {
    state,
    startError,
    startingHelper,
    volumes,
    tasks,
    running,
    stuckTotal,
    groupsIn,
    groupsTotal,
    asksForMore,
    volume,
    taskOf,
    stuckOf,
    isBusy,
    start,
    startHelper,
    setSettings,
    scan,
    scanAll,
    pause,
    cancel,
    dismiss,
  };
});
