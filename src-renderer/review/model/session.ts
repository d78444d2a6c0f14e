/**
 * An open review: what is shown, what is ticked, and what that frees. Knows the bridge's calls and no component.
 */
import { computed, markRaw, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import type {
  ErrorData,
  GroupRow,
  Result,
  ReviewInfo,
  Sort,
  Sum,
  TickTarget,
} from "../../../src-helper/rpc/protocol.ts";
import type { Answer, Args, InvokeName, Value } from "../../../src-main/ipc/schema.ts";
import type { Client } from "../../bridge.ts";
import { EMPTY_FILTER, toProtocol, type ReviewFilter } from "./filter.ts";
import type { FetchResult } from "./paged-rows.ts";
import { TableModel } from "./table-model.ts";

export type Phase = "closed" | "opening" | "open" | "failed";
export const DEFAULT_SORT: Sort = { by: "frees", descending: true };

export interface SessionDeps {
  readonly ask: Client["ask"];
  /** Told of each error that the review itself does not show. */
  failed(error: ErrorData): void;
  /** The review was out of date and has been opened anew. */
  reopened(): void;
}

export interface Shown {
  readonly total: number;
  readonly reclaimableBytes: number;
  readonly tick: Result<"review.rows">["tick"];
}

export interface Session {
  readonly phase: Ref<Phase>;
  /** Why it could not be opened, or its rows not be read. */
  readonly error: ShallowRef<ErrorData | null>;
  readonly volume: Ref<string | null>;
  readonly info: ShallowRef<ReviewInfo | null>;
  readonly filter: ShallowRef<ReviewFilter>;
  readonly sort: ShallowRef<Sort>;
  readonly shown: ShallowRef<Shown | null>;
  /** Ticks that were not confirmed yet: the sum is about to change. */
  readonly ticking: ComputedRef<boolean>;
  /** Rises whenever lines change; reading it makes what is read of `table` reactive. */
  readonly version: Ref<number>;
  /** Rises when another list is shown from its beginning. */
  readonly begun: Ref<number>;
  readonly table: TableModel;
  open(volume: string): Promise<void>;
  /** Opens it anew, keeping filter, sort and place. */
  refresh(): Promise<void>;
  close(): void;
  setFilter(filter: ReviewFilter): void;
  /** The other direction where it is sorted by that already. */
  setSort(by: Sort["by"]): void;
  tick(target: TickTarget, ticked: boolean): Promise<void>;
  /** Ticks all that the filter shows. */
  tickShown(ticked: boolean): Promise<void>;
  /** Leaves out what the glob matches, now and always. @returns whether it is skipped from now on */
  skip(glob: string): Promise<boolean>;
  /** @returns whether the fold has begun */
  fold(): Promise<boolean>;
  /** A call about this review: null where it failed or the review is another by now. */
  call<N extends ReviewCall>(name: N, args: Omit<Args<N>, "review">): Promise<Got<N> | null>;
}

/** Calls that name the review they are about. */
export type ReviewCall = Exclude<Extract<InvokeName, `review.${string}`>, "review.open">;
/** In an object, since null is a value too. */
export interface Got<N extends ReviewCall> {
  readonly value: Value<N>;
}

export function createSession(deps: SessionDeps): Session {
  const phase = ref<Phase>("closed");
  const error = shallowRef<ErrorData | null>(null);
  const volume = ref<string | null>(null);
  const info = shallowRef<ReviewInfo | null>(null);
  const filter = shallowRef<ReviewFilter>(EMPTY_FILTER);
  const sort = shallowRef<Sort>(DEFAULT_SORT);
  const shown = shallowRef<Shown | null>(null);
  const unconfirmed = ref(0);
  const version = ref(0);
  const begun = ref(0);
  let loading: { readonly volume: string; readonly done: Promise<void> } | null = null;
  /** Stale again before any row came: opening it anew does not help. */
  let staleInVain = false;
  /** The review whose parts of files are waited for. */
  let waitingFor: string | null = null;

  // its private fields do not go through a reactive proxy
  const table = markRaw(
    new TableModel({
      rows,
      files: async (group, offset, limit) => {
        const got = await call("review.files", { group, offset, limit });
        return got === null ? "failed" : { total: got.value.total, rows: got.value.files };
      },
      changed: () => {
        version.value++;
      },
      begun: () => {
        begun.value++;
      },
    }),
  );

  async function rows(offset: number, limit: number): Promise<FetchResult<GroupRow>> {
    const got = await call("review.rows", {
      filter: toProtocol(filter.value),
      sort: sort.value,
      offset,
      limit,
    });
    if (got === null) return "failed";
    const { revision, total, reclaimableBytes, tick: ticks, rows: page } = got.value;
    // counted before a tick that is confirmed already
    if (revision < (info.value?.sum.revision ?? 0)) return "outdated";
    return {
      total,
      rows: page,
      // only of an answer that is not overtaken by another filter
      accepted: () => {
        staleInVain = false;
        error.value = null;
        shown.value = { total, reclaimableBytes, tick: ticks };
      },
    };
  }

  async function call<N extends ReviewCall>(name: N, args: Omit<Args<N>, "review">): Promise<Got<N> | null> {
    const review = info.value?.review;
    if (review === undefined) return null;
    // the arguments of a call that is not known here yet: typed by this function's own signature
    const ask = deps.ask as (name: N, args: unknown) => Promise<Answer<Value<N>>>;
    const answer = await ask(name, { ...args, review });
    if (info.value?.review !== review) return null;
    if (answer.ok) return { value: answer.value };
    const { code } = answer.error;
    if (code === "stale" && !staleInVain) {
      staleInVain = true;
      await refresh();
      if (phase.value === "open") deps.reopened();
    } else if (code === "stale" || name === "review.rows") error.value = answer.error;
    else if (code !== "cancelled") deps.failed(answer.error);
    return null;
  }

  function adopt(next: ReviewInfo): void {
    const before = info.value;
    info.value = next;
    phase.value = "open";
    error.value = null;
    if (table.total === null) table.reset();
    else table.invalidate();
    void waitForRanges();
    if (!next.namesReady && (before?.review !== next.review || before.namesReady)) void readNames();
  }

  /** Parts of files are worked out anew when other whole files are ticked: the sum and the rows follow. */
  async function waitForRanges(): Promise<void> {
    const review = info.value?.review ?? null;
    if (review === null || waitingFor === review) return;
    waitingFor = review;
    while (isWorking(review)) {
      const got = await call("review.ranges", {});
      if (info.value?.review !== review) return;
      if (got === null) rangesFailed();
      else takeSum(got.value);
      table.invalidate();
    }
    if (waitingFor === review) waitingFor = null;
  }

  function isWorking(review: string): boolean {
    return info.value?.review === review && info.value.sum.ranges?.state === "working";
  }

  function rangesFailed(): void {
    const now = info.value;
    if (now?.sum.ranges === undefined) return;
    info.value = { ...now, sum: { ...now.sum, ranges: { ...now.sum.ranges, state: "failed" } } };
  }

  async function readNames(): Promise<void> {
    const got = await call("review.names", {});
    if (got === null || info.value === null) return;
    info.value = { ...info.value, namesReady: true };
    table.invalidate();
  }

  async function load(uuid: string): Promise<void> {
    const answer = await deps.ask("review.open", { volume: uuid });
    // another volume was chosen meanwhile
    if (volume.value !== uuid) return;
    if (answer.ok) adopt(answer.value);
    else {
      phase.value = "failed";
      error.value = answer.error;
    }
  }

  async function refresh(): Promise<void> {
    const uuid = volume.value;
    if (uuid === null) return;
    if (loading?.volume !== uuid) {
      const mine = { volume: uuid, done: load(uuid) };
      loading = mine;
      void mine.done.then(() => {
        if (loading === mine) loading = null;
      });
    }
    await loading.done;
  }

  async function open(uuid: string): Promise<void> {
    if (volume.value !== uuid) {
      close();
      volume.value = uuid;
    }
    if (phase.value !== "open") phase.value = "opening";
    staleInVain = false;
    await refresh();
  }

  function close(): void {
    const review = info.value?.review;
    if (review !== undefined) table.clear();
    volume.value = null;
    info.value = null;
    shown.value = null;
    error.value = null;
    phase.value = "closed";
    filter.value = EMPTY_FILTER;
  }

  function setFilter(next: ReviewFilter): void {
    filter.value = next;
    table.reset();
  }

  function setSort(by: Sort["by"]): void {
    const { by: before, descending } = sort.value;
    sort.value = { by, descending: by === before ? !descending : by !== "name" };
    table.reset();
  }

  async function tick(target: TickTarget, ticked: boolean): Promise<void> {
    mark(target, ticked);
    unconfirmed.value++;
    const got = await call("review.tick", { target, ticked });
    unconfirmed.value--;
    if (got !== null) takeSum(got.value);
    void waitForRanges();
    // also where it failed: what was marked is then not so
    table.invalidate();
  }

  function mark(target: TickTarget, ticked: boolean): void {
    if (target.kind === "groups") table.markGroups(new Set(target.ids), ticked);
    else if (target.kind === "files") table.markFiles(target.group, new Set(target.ids), ticked);
    else if (target.kind === "filter") {
      table.markGroups(null, ticked);
      if (shown.value !== null) shown.value = { ...shown.value, tick: ticked ? "all" : "none" };
    }
  }

  function takeSum(sum: Sum): void {
    // answers may overtake each other; the highest revision is the truth
    if (info.value !== null && sum.revision >= info.value.sum.revision) info.value = { ...info.value, sum };
  }

  async function skip(glob: string): Promise<boolean> {
    const got = await call("review.skip", { glob });
    if (got === null) return false;
    adopt(got.value);
    return true;
  }

  async function fold(): Promise<boolean> {
    const revision = info.value?.sum.revision;
    if (revision === undefined) return false;
    return (await call("review.fold", { revision })) !== null;
  }

  return {
    phase,
    error,
    volume,
    info,
    filter,
    sort,
    shown,
    ticking: computed(() => unconfirmed.value > 0),
    version,
    begun,
    table,
    open,
    refresh,
    close,
    setFilter,
    setSort,
    tick,
    tickShown: (ticked) => tick({ kind: "filter", filter: toProtocol(filter.value) }, ticked),
    skip,
    fold,
    call,
  };
}
