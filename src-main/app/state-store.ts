import type { AppState } from "../ipc/state.ts";

/** How long changes are gathered before they are told: milliseconds. */
const GATHER_MS = 30;

/** Where the window and the tray read from. */
export interface StateStore {
  get(): AppState;
  /** Changes some fields; who listens is told of all changes of the next moment at once. */
  patch(change: Partial<AppState>): void;
  /** Changes some fields without telling: a task's progress has a message of its own. */
  patchQuietly(change: Partial<AppState>): void;
  /** @returns what ends the subscription */
  subscribe(listener: (state: AppState) => void): () => void;
}

/** @param initial the state before anything was asked */
export function createStateStore(initial: AppState): StateStore {
  let state = initial;
  let timer: NodeJS.Timeout | null = null;
  const listeners = new Set<(state: AppState) => void>();
  return {
    get: () => state,
    patch: (change) => {
      state = { ...state, ...change };
      timer ??= setTimeout(() => {
        timer = null;
        for (const listener of listeners) listener(state);
      }, GATHER_MS);
    },
    patchQuietly: (change) => {
      state = { ...state, ...change };
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
