/** The review of the window: one at a time, kept while other views are shown. */
import { defineStore } from "pinia";
import { computed, markRaw, ref, shallowRef, watch } from "vue";
import type { Facets, HistoryRunInfo, PinnedInfo, PinnedRangesInfo } from "../../src-helper/rpc/protocol.ts";
import { useClient } from "../bridge.ts";
import { useApp } from "../stores/app.ts";
import { useToasts } from "../stores/toasts.ts";
import { estimateMs } from "./model/estimate.ts";
import { createFolders } from "./model/folders.ts";
import { createSession } from "./model/session.ts";

export const useReview = defineStore("review", () => {
  const client = useClient();
  const toasts = useToasts();
  const app = useApp();

  const session = createSession({
    ask: client.ask,
    failed: (error) => toasts.showError(error),
    reopened: () => {
      reopened.value++;
    },
  });
  /** How often it was out of date and has been opened again. */
  const reopened = ref(0);
  /** null: as the width has it. */
  const mapWanted = ref<boolean | null>(null);
  const mapShown = ref(false);
  const folders = createFolders(session, mapShown);
  const facets = shallowRef<Facets | null>(null);
  const runs = shallowRef<readonly HistoryRunInfo[]>([]);
  const namesReady = computed(() => session.info.value?.namesReady === true);

  /** 0 to 1 while names are read; null while not known how far. */
  const namesShare = computed(() => {
    const task = app.running.find(
      (one) => one.kind === "names" && one.volume === session.volume.value && one.result === null,
    );
    const total = task?.progress?.total ?? 0;
    return total > 0 ? (task?.progress?.done ?? 0) / total : null;
  });
  /** Milliseconds that folding what is ticked will take; null while it cannot be said. */
  const foldMs = computed(() => estimateMs(runs.value, session.info.value?.sum.predictedBytes ?? 0));

  /** Who keeps sum.pinnedBytes; null while it is not known for what is ticked now. */
  const pinned = shallowRef<PinnedInfo | null>(null);
  /** Asks for it. @returns whether it is there, for what is ticked now */
  async function askPinned(): Promise<boolean> {
    const asked = session.info.value?.sum.revision;
    const got = await session.call("review.pinned", {});
    if (got === null || session.info.value?.sum.revision !== asked) return false;
    pinned.value = got.value;
    return true;
  }
  /** Whether snapshots may keep something in parts of files, which a review without them looks for apart. */
  const partsMayBeKept = computed(() => {
    const volume = app.volumes.find(({ uuid }) => uuid === session.volume.value);
    const settings = app.state?.settings;
    return settings?.ranges === true && !settings.snapshots && (volume?.snapshots ?? 0) > 0;
  });
  /** What snapshots keep in parts of files; undefined: not known yet; null: it is not looked for. */
  const pinnedParts = shallowRef<PinnedRangesInfo | null | undefined>(null);
  /** Asks for it: of everything that was found, whatever is ticked. @returns whether it is there */
  async function askPinnedParts(): Promise<boolean> {
    const asked = session.info.value?.review;
    if (pinnedParts.value !== undefined) return true;
    const got = await session.call("review.pinned-ranges", {});
    if (got === null || session.info.value?.review !== asked) return false;
    pinnedParts.value = got.value;
    return true;
  }
  watch([() => session.info.value?.review, () => session.info.value?.sum.revision], () => {
    pinned.value = null;
  });
  watch(
    [() => session.info.value?.review, () => app.state?.settings.exclude.length, partsMayBeKept],
    () => {
      pinnedParts.value = partsMayBeKept.value ? undefined : null;
    },
    { immediate: true },
  );

  watch([() => session.info.value?.review, namesReady], async ([review, ready]) => {
    if (review === undefined || !ready) {
      facets.value = null;
      return;
    }
    const got = await session.call("review.facets", {});
    if (got !== null) facets.value = got.value;
  });
  watch(
    () => session.info.value?.scannedAt,
    async () => {
      const volume = session.volume.value;
      if (volume === null) return;
      const answer = await client.ask("history.list", { volume });
      // without it there is no estimate, which is no error
      if (session.volume.value === volume) runs.value = answer.ok ? answer.value : [];
    },
  );

  return {
    session: markRaw(session),
    folders: markRaw(folders),
    reopened,
    facets,
    pinned,
    askPinned,
    pinnedParts,
    partsMayBeKept,
    askPinnedParts,
    namesReady,
    namesShare,
    foldMs,
    mapWanted,
    mapShown,
  };
});
